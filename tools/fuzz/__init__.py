"""Fuzzing: millions of broken inputs against every place where strangers' octets come in. ``python -m tools.fuzz``.

Two engines share the same targets. The plain one mutates seeds with a seeded generator and runs everywhere; the
coverage-guided one (atheris) finds its way by the branches it sees. What is sent is built and what comes back
is judged with code that is not nacd's: ``wire`` on hashlib, the peers of ``nacd.sim`` on pyrad and ``ssl``.
"""
