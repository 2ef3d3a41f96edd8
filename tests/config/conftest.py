"""How to read a minimal configuration with changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mailer.config.model import Config
from mailer.config.reading import read_config
from mailer.errors import ConfigError
from tests.config.sample import SERIES, Faults, Read
from tests.peers import registry


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads this text, followed by (or inside) one small series."""

    def read_text(
        text: str = "", series: str = SERIES, environ: Mapping[str, str] | None = None
    ) -> Config:
        path = tmp_path / "config.toml"
        path.write_text(text + series, encoding="utf-8")
        return read_config(path, environ or {})

    return read_text


@pytest.fixture
def faults(read: Read) -> Faults:
    """As `read`, but returns the faults as lines; none if the text holds."""

    def faults_of(text: str = "", **more: object) -> list[str]:
        try:
            read(text, **more)
        except ConfigError as error:
            return [str(fault) for fault in error.faults]
        return []

    return faults_of


@pytest.fixture
def requires_postfix() -> None:
    registry.require("postconf")


@pytest.fixture
def requires_systemd() -> None:
    registry.require("systemd-analyze")
