"""What can be wrong with a set-up, each fault a check of its own: the work of ``pwb-oauth doctor``.

A check is a function that is given a :class:`~pwb_oauth.checks.machine.Machine`, a wiki of it or an
account on one, and returns what is wrong as findings. Where another fault keeps it from telling it
raises :class:`~pwb_oauth.checks.finding.CannotTellError`, so that each fault is named once.
"""
