"""Where ``manage.py`` looks for commands."""
