"""The fault injection of delivery: `mailer serve` as a process, against a sink that remembers."""
