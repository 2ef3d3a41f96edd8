"""Counts what the pages do, for `/metrics`: numbers alone, by few names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

_REASONS = ("foreign or stale", "limit")
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Meter:
    """The counters of one process' pages, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._served = Counter(
            "mailer_http_requests_total",
            "Requests that were answered, by route, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "mailer_http_request_seconds",
            "How long answers took.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._refused = Counter(
            "mailer_http_forms_refused_total",
            "Forms that were refused, by reason.",
            ("reason",),
            registry=self.registry,
        )
        for reason in _REASONS:  # at zero, so that a monitor sees the first
            self._refused.labels(reason)

    def served(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        known = method if method in {"GET", "HEAD", "POST"} else "other"
        self._served.labels(route or "none", known, str(status)).inc()
        self._seconds.labels(route or "none").observe(seconds)

    def refused(self, reason: str) -> None:
        """A form was refused."""
        self._refused.labels(reason).inc()
