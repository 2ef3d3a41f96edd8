"""`mailer check`: the doctor. The probes are in `mailer.checkup`; here they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.frame import FAILED, config_option, fail, json_option, load_config, run_async, show

if TYPE_CHECKING:
    from mailer.checkup.finding import Finding
    from mailer.config.model import Config


@click.command()
@click.option("--round-trip", is_flag=True, help="Mail the series itself and read what comes back.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=60.0,
    metavar="N",
    help="How long to wait for that mail.  [default: 60]",
)
@config_option
@json_option
@click.pass_context
def check(
    ctx: click.Context, round_trip: bool, seconds: float, own_config: str | None, as_json: bool
) -> None:
    """Examine the set-up and say what is wrong with it, and what to do.

    Looks at configuration, templates, database, disk, clock, mail server, listeners, certificates,
    and at MX, SPF, DKIM, DMARC and PTR in the DNS. A fault makes the exit code 1, a note does not.
    Nothing is mailed, except with --round-trip, which mails the series itself.

    \b
    mailer check
    mailer check --round-trip
    """
    config = load_config(ctx, own_config)
    findings = run_async(_examined(config, seconds if round_trip else None, quiet=as_json))
    if as_json:
        show(findings)
    faults = sum(one.verdict == "fault" for one in findings)
    if faults:
        fail(f"{faults} fault{'s' if faults > 1 else ''}: see the lines above", FAILED)
    if not as_json:
        click.echo("All is in order." if _clean(findings) else "No fault; the notes are above.")


def _clean(findings: list[Finding]) -> bool:
    return all(one.verdict == "ok" for one in findings)


async def _examined(config: Config, seconds: float | None, *, quiet: bool) -> list[Finding]:
    from mailer.checkup.examination import examine
    from mailer.checkup.lookup import DnsResolver
    from mailer.checkup.roundtrip import round_trip
    from scheduler.clock import SystemClock

    clock = SystemClock()
    findings = []
    async for one in examine(config, clock, DnsResolver()):
        findings.append(one)
        if not quiet:
            _tell(one)
    if seconds is not None:
        if not quiet:
            click.echo(f"Mailing the series itself; waiting up to {seconds:g} s…", err=True)
        for one in await round_trip(config, clock, seconds=seconds):
            findings.append(one)
            if not quiet:
                _tell(one)
    return findings


def _tell(one: Finding) -> None:
    mark = {"ok": "ok   ", "note": "note ", "fault": "FAULT"}[one.verdict]
    click.echo(f"{mark} {one.topic:<13} {one.subject}: {one.found}")
    if one.expected:
        click.echo(f"{'':<19} expected: {one.expected}")
    if one.advice:
        click.echo(f"{'':<19} to do: {one.advice}")
