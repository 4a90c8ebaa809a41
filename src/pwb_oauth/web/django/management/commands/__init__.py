"""Our commands for ``manage.py``, one a file."""
