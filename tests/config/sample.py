"""A minimal series, and the types of the fixtures that read it."""

from __future__ import annotations

from collections.abc import Callable

from mailer.config.model import Config

SERIES = """
[series.talks]
title = "Talks"
address = "talks@lists.example.org"
timezone = "Europe/Zurich"
"""

Read = Callable[..., Config]
Faults = Callable[..., list[str]]
