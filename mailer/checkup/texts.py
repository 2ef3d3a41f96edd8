"""Whether every mail and page can be written: each in each language that matters, with samples.

What a mail may lack is left out in one of the samples, so that a template which asks for it fails
here and not when the first such mail is due.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from mailer.checkup.finding import Finding, fault, ok
from mailer.config.keys import nearest
from mailer.config.model import Config, Series
from mailer.errors import TemplateFault
from mailer.message.facts import Facts
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import DETAILS, bare, sample
from mailer.message.shown import Value
from mailer.store.programme import series_facts


def texts(config: Config) -> tuple[Finding, ...]:
    """One row if all can be rendered, else one for each template that cannot."""
    misplaced = tuple(_misplaced(config.templates.folder))
    advice = "mend the file, or take it away: then the text that comes with the program is used"
    try:
        renderer = Renderer(builtin_templates(), config.templates.folder)
    except TemplateFault as cause:
        return (
            fault("templates", cause.template, str(cause), expected="a template", advice=advice),
        )
    broken: dict[str, Finding] = {finding.found: finding for finding in misplaced}
    for one in renderer.unreadable([series.id for series in config.series]):
        broken[str(one)] = fault(
            "templates", one.template, str(one), expected="a template", advice=advice
        )
    count = 0
    for kind, facts in _everything(config, renderer):
        count += 1
        try:
            renderer.render(kind, facts)
        except TemplateFault as cause:
            broken[str(cause)] = fault(
                "templates",
                f"{facts.series.id} {kind} {facts.language}",
                str(cause),
                expected="a mail",
                advice=advice,
            )
    for subject, name, language, known in _pages(config, renderer):
        count += 1
        try:
            renderer.fill(f"web/{name}.html", subject, language, known)
        except TemplateFault as cause:
            broken[str(cause)] = fault(
                "templates",
                f"{subject} page {name} {language}",
                str(cause),
                expected="a page",
                advice=advice,
            )
    if broken:
        return tuple(broken.values())
    pages = " and every page" if _has_pages(config) else ""
    where = str(config.templates.folder or "as they come")
    return (
        ok(
            "templates",
            where,
            f"{len(renderer.kinds)} kinds of mail{pages}, {count} samples written",
        ),
    )


def _misplaced(folder: Path | None) -> Iterator[Finding]:
    """The folder itself if it is missing, and those in it that no mail is looked for in."""
    if folder is None:
        return
    if not folder.is_dir():
        yield fault(
            "templates",
            str(folder),
            f"{folder}: there is no such folder",
            expected="the folder with your own templates",
            advice="make it, or take folder out of [templates]",
        )
    kinds = Renderer(builtin_templates()).kinds
    places = (folder / "mail", *folder.glob("*/mail"))
    for path in sorted(path for place in places for path in place.glob("[!._]*")):
        if not path.is_dir() or path.name in kinds:
            continue
        close = nearest(path.name, kinds)
        hint = f", did you mean {close}?" if close else ""
        yield fault(
            "templates",
            str(path),
            f"{path}: there is no such mail{hint}",
            expected="a folder named by a kind of mail",
            advice="rename it, or take it away; _ begins the name of a folder with parts",
        )


def _everything(config: Config, renderer: Renderer) -> Iterator[tuple[str, Facts]]:
    """Samples of every mail of every series."""
    base_url = config.base_url
    for series in config.series:
        named = series_facts(series, base_url=base_url)
        for language in _languages(series, renderer):
            for kind in renderer.kinds:
                for facts in _of_kind(kind, language, web=bool(base_url)):
                    yield kind, replace(facts, series=named)


def _pages(
    config: Config, renderer: Renderer
) -> Iterator[tuple[str, str, str, Mapping[str, Value]]]:
    """Samples of every public page, if there are pages and anything of them can be another's than
    ours: series, page, language, what it knows."""
    if not _has_pages(config):
        return
    from mailer.web.sample import samples

    for series in config.series:
        facts = series_facts(series, base_url=config.base_url)
        for language in _languages(series, renderer):
            for name, known in samples(facts, language, renderer.languages):
                yield series.id, name, language, known


def _has_pages(config: Config) -> bool:
    return config.web is not None and config.templates.folder is not None


def _languages(series: Series, renderer: Renderer) -> list[str]:
    """English, its own, and those with files of their own: a template that holds in these holds in
    the others."""
    return sorted({"en", series.language, *renderer.override_languages})


def _of_kind(kind: str, language: str, *, web: bool) -> Iterator[Facts]:
    """The usual case, then every other."""
    usual, *others = (
        sample(kind, language=language, web=web, details=details)
        for details in DETAILS.get(kind, ({},))
    )
    yield usual
    yield from others
    yield replace(usual, registered=True)
    yield replace(usual, webinar=bare(usual.webinar), webinars=())
