"""When something is due, and for whom: pure time arithmetic that knows nothing of mail.

Only ``scheduler.clock`` touches the outside (the system clock and APScheduler's timers);
everything else is a function of its arguments.
"""
