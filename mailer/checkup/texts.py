"""Whether every mail can be written: each kind in each language that matters, with samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mailer.checkup.finding import Finding, fault, ok
from mailer.config.model import Config, Series
from mailer.errors import TemplateFault
from mailer.message.facts import Facts
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import DETAILS, sample
from mailer.store.programme import series_facts

ALWAYS = ("en", "fr")


def texts(config: Config) -> tuple[Finding, ...]:
    """One row if all can be rendered, else one for each template that cannot."""
    advice = "mend the file, or take it away: then the text that comes with the program is used"
    try:
        renderer = Renderer(builtin_templates(), config.templates.folder)
    except TemplateFault as cause:
        return (
            fault("templates", cause.template, str(cause), expected="a template", advice=advice),
        )
    broken: dict[str, Finding] = {}
    count = 0
    for kind, facts in _everything(config, renderer.kinds):
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
    if broken:
        return tuple(broken.values())
    where = str(config.templates.folder or "as they come")
    return (
        ok("templates", where, f"{len(renderer.kinds)} kinds of mail, {count} samples written"),
    )


def _everything(config: Config, kinds: tuple[str, ...]) -> Iterator[tuple[str, Facts]]:
    base_url = config.base_url
    for series in config.series:
        for language in dict.fromkeys((*ALWAYS, series.language)):
            for kind in kinds:
                yield from _of_kind(kind, language, series, base_url)


def _of_kind(
    kind: str, language: str, series: Series, base_url: str
) -> Iterator[tuple[str, Facts]]:
    for details in DETAILS.get(kind, ({},)):
        facts = sample(kind, language=language, web=bool(base_url), details=details)
        yield kind, replace(facts, series=series_facts(series, base_url=base_url))
