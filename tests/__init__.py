"""Tests mirror the source; `flow/` drives the whole service, `peers/` is whom it talks to."""
