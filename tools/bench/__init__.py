"""A benchmark of nacd beside Debian's FreeRADIUS: same machine, same minute, same work.

``python -m tools.bench`` (or ``make bench``) starts both servers on loopback, puts the same load on them in turn,
round by round, and prints what each request cost them in CPU time. It is a tool of the checkout, not of the daemon.
"""
