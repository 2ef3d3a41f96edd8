"""What there is to know about mail, as pure functions: no await, no clock, no database.

In: `incoming` reads bytes within limits, `address` says what an address of ours means, `command`
decides what a mail asks for, `report` recognises machines and bounces. Out: `render` fills the
templates, `header` writes the fields, `compose` cuts the result where persons differ, `sign` signs.
"""
