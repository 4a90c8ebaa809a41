"""Measures how closely the sandbox wiki answers like a recorded real wiki.

``python -m pwb_oauth.testing.fidelity RECORDINGS`` plays a folder of recordings back against a
fresh sandbox wiki a case and compares the replies. What a recording holds and how two replies are
compared is described by the ``README.md`` of such a folder.
"""
