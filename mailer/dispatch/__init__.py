"""Sends what the ledger holds: claim → fill → sign → send → settle, until it is told to stop."""
