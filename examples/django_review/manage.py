"""Django's command for this tool: ``python manage.py migrate``, ``runserver`` and the rest."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "review.settings")
    execute_from_command_line(sys.argv)
