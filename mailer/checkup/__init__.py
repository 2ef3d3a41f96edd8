"""The doctor: looks at what the service depends on and says what is in order and what is not.

Each probe gives findings as values and changes nothing that matters. `mailer check` shows them;
health pages may ask single probes.
"""
