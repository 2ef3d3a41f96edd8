"""What a configuration leaves open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailer.checkup.examination import configuration
from mailer.config.model import Outbound, TransportKind
from tests.world import SERIES, make_config


@pytest.mark.parametrize(
    ("transport", "organisers", "verdicts"),
    [
        (TransportKind.SMTP, (), ["ok", "fault"]),
        (TransportKind.MAILDIR, (), ["ok", "note"]),
        (TransportKind.SMTP, SERIES.organisers, ["ok"]),
    ],
)
def test_a_series_that_nobody_looks_after_is_a_fault_once_mail_leaves(
    tmp_path: Path, transport: TransportKind, organisers: tuple[str, ...], verdicts: list[str]
) -> None:
    made = make_config("sqlite:///x.db", tmp_path, replace(SERIES, organisers=organisers))
    found = configuration(replace(made, outbound=Outbound(transport=transport)))
    assert [one.verdict for one in found] == verdicts
    assert [one.found for one in found[1:]] == ["no organiser"] * len(found[1:])
