"""Applies one command in one transaction: state change, consent, and the replies it causes.

Mail, web and command line all come through here. Each verb has its file; `apply` joins them and
`delivery` wraps them for mail. What a command may not do is a value (`Outcome`), never an
exception.
"""
