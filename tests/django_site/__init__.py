"""A small web tool in Django, with everything that tests need to see of one."""

from __future__ import annotations

import os
import tempfile
from unittest import mock

import django

FOLDER = "DJANGO_SITE_FOLDER"
"""The environment variable that names the folder of its SQLite files."""


def set_up() -> None:
    """Make Django ready, once a process."""
    if FOLDER not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="pwb-oauth-django-")
    with mock.patch.dict(os.environ, {"DJANGO_SETTINGS_MODULE": "django_site.settings"}):
        django.setup()  # a site that another test starts has settings of its own
