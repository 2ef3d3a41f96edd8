"""`mailer template`: the mails' texts, and overriding them per series and language.

Needs the configuration alone. Nothing is sent, and nothing but `copy` writes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import (
    USAGE,
    config_option,
    fail,
    json_option,
    load_config,
    pick_series,
    series_option,
    show,
)

if TYPE_CHECKING:
    from mailer.config.model import Config, Series
    from mailer.message.facts import Facts
    from mailer.message.render import Renderer

_SUFFIXES = (".txt", ".html", ".css")
_ABOUT = re.compile(r"\{#-?\s*(.*?)(?:\.\s|\s*#\})", re.DOTALL)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
language_option = click.option("--language", metavar="TAG", help="en, fr, …")


@click.group()
def template() -> None:
    """The mails' texts, and your own in their place (docs/templates.md).

    \b
    mailer template list                      the mails there are, and what is overridden
    mailer template copy welcome --language fr
    mailer template check                     whether every mail can be written
    mailer template preview welcome --language fr --html welcome.html
    """


@template.command("list")
@config_option
@json_option
@click.pass_context
def list_(ctx: click.Context, own_config: str | None, as_json: bool) -> None:
    """Every mail there is, what it is for, and which files override it."""
    config = load_config(ctx, own_config)
    renderer = _renderer(config)
    found = [
        {
            "kind": kind,
            "about": _about(kind),
            "overrides": [path for path in renderer.overrides if f"mail/{kind}/" in path],
        }
        for kind in renderer.kinds
    ]
    shared = [path for path in renderer.overrides if re.fullmatch(r"(?:[^/]+/)?mail/[^/]+", path)]
    if as_json:
        show({"kinds": found, "shared": shared, "languages": list(renderer.languages)})
        return
    for one in found:
        click.echo(f"{one['kind']:<28} {one['about']}")
        for path in one["overrides"]:
            click.echo(f"{'':<28} overridden: {path}")
    for path in shared:
        click.echo(f"{'all mails':<28} overridden: {path}")


@template.command()
@click.argument("name", metavar="KIND|FILE")
@click.option("--series", "series_id", metavar="ID", help="For one series alone.")
@language_option
@click.option("--force", is_flag=True, help="Write over what is there.")
@config_option
@json_option
@click.pass_context
def copy(
    ctx: click.Context,
    *,
    name: str,
    series_id: str | None,
    language: str | None,
    force: bool,
    own_config: str | None,
    as_json: bool,
) -> None:
    """Copy a mail's files to where they override it, to be edited there.

    \b
    mailer template copy welcome                for everybody
    mailer template copy welcome --language fr --series talks
    mailer template copy _layout.html           what all mails share
    """
    config = load_config(ctx, own_config)
    folder = config.templates.folder
    if folder is None:
        fail('no folder for them: add [templates] folder = "templates" to the configuration', USAGE)
    if language is not None and not _LANGUAGE.fullmatch(language):
        fail(f"--language: found {language!r}, expected a tag such as fr or pt-br", USAGE)
    below = "" if series_id is None else f"{pick_series(config, series_id).id}/"
    made = {
        source: folder / f"{below}mail" / _placed(source, language) for source in _sources(name)
    }
    taken = [str(path) for path in made.values() if path.exists()]
    if taken and not force:
        fail(f"there already (--force writes over it): {', '.join(taken)}")
    for source, path in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_bytes())
    if as_json:
        show([str(path) for path in made.values()])
        return
    for path in made.values():
        click.echo(path)
    click.echo("Next: edit them, then `mailer template check`, then restart the daemon.")


@template.command()
@config_option
@json_option
@click.pass_context
def check(ctx: click.Context, own_config: str | None, as_json: bool) -> None:
    """Write every mail with made-up facts; name the file and line of what cannot be written.

    A daemon does not start with a template that fails here.
    """
    from mailer.checkup.texts import texts

    found = texts(load_config(ctx, own_config))
    faults = [one.found for one in found if one.verdict == "fault"]
    if as_json:
        show({"ok": not faults, "faults": faults})
        ctx.exit(1 if faults else 0)
    if faults:
        fail("\n".join(faults))
    click.echo(found[0].found)


@template.command()
@click.argument("kind")
@language_option
@series_option
@click.option("--registered", is_flag=True, help="For somebody who is registered.")
@click.option("--html", type=click.Path(path_type=Path), help="Write the page into a file.")
@click.option("--eml", type=click.Path(path_type=Path), help="Write the mail into a file.")
@config_option
@json_option
@click.pass_context
def preview(
    ctx: click.Context,
    *,
    kind: str,
    language: str | None,
    series_id: str | None,
    registered: bool,
    html: Path | None,
    eml: Path | None,
    own_config: str | None,
    as_json: bool,
) -> None:
    """One mail with made-up facts, as it would look.

    \b
    mailer template preview welcome --language fr
    mailer template preview reminder --html reminder.html
    """
    from mailer.message.letter import Letter, draw
    from mailer.message.specimen import specimen
    from scheduler.clock import SystemClock

    config = load_config(ctx, own_config)
    renderer = _renderer(config)
    if kind not in renderer.kinds:
        _refuse_kind(kind, renderer)
    facts = _facts(config, pick_series(config, series_id), kind, language, registered)
    letter = Letter(template=kind, facts=facts)
    made = specimen(draw(letter, renderer, kind=kind, date=SystemClock().now()))
    if html is not None:
        html.write_text(made.html, encoding="utf-8")
    if eml is not None:
        eml.write_bytes(made.content)
    if as_json:
        show({"subject": made.subject, "text": made.text, "html": made.html})
    else:
        click.echo(f"Subject: {made.subject}\n\n{made.text.rstrip()}")


def _facts(
    config: Config, series: Series, kind: str, language: str | None, registered: bool
) -> Facts:
    from dataclasses import replace

    from mailer.message.sample import sample
    from mailer.store.programme import series_facts

    base_url = config.base_url
    facts = sample(
        kind, language=language or series.language, web=bool(base_url), registered=registered
    )
    return replace(facts, series=series_facts(series, base_url=base_url))


def _renderer(config: Config) -> Renderer:
    from mailer.errors import TemplateFault
    from mailer.message.render import Renderer, builtin_templates

    try:
        return Renderer(builtin_templates(), config.templates.folder)
    except TemplateFault as fault:
        fail(str(fault))


def _about(kind: str) -> str:
    """What the head of its text says it is for."""
    from mailer.message.render import builtin_templates

    text = (builtin_templates() / "mail" / kind / "body.txt").read_text(encoding="utf-8")
    found = _ABOUT.match(text)
    about = " ".join(found[1].split()) if found else ""
    return "" if about.startswith("detail") else about


def _sources(name: str) -> list[Path]:
    """The built-in files of a kind of mail, or the one shared file of that name."""
    from mailer.message.render import builtin_templates

    mail = builtin_templates() / "mail"
    found = sorted(
        path
        for path in (*mail.glob("*"), *mail.glob("*/*"))
        if path.suffix in _SUFFIXES and name in (path.name, path.parent.relative_to(mail).name)
    )
    files = [path for path in found if path.parent != mail or path.name == name]
    if not files:
        fail(f"there is no mail and no shared file {name}; `mailer template list` has the mails")
    return files


def _placed(source: Path, language: str | None) -> Path:
    """Where a built-in file goes below `mail`."""
    name = source.name if language is None else f"{source.stem}.{language}{source.suffix}"
    return Path(name) if source.parent.name == "mail" else Path(source.parent.name) / name


def _refuse_kind(kind: str, renderer: Renderer) -> None:
    from mailer.config.keys import nearest

    close = nearest(kind, renderer.kinds)
    fail(f"there is no mail {kind}" + (f", did you mean {close}?" if close else ""))
