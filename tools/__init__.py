"""What dev.py does, in parts: venv, locks, peers from Debian, checks. Standard library alone."""
