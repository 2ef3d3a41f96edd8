"""The last step out: hands one finished mail to a mail server, or writes it into a Maildir.

A refusal is a value (`outcome.Outcome`), never an exception.
"""
