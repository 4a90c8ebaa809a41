"""The site's settings; what belongs to a test is overridden there."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import make_url

FOLDER = Path(os.environ["DJANGO_SITE_FOLDER"])
SECRET_KEY = "the site's own secret, long enough and not one of the encryption keys"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver", "tool.example"]
ROOT_URLCONF = "django_site.urls"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "pwb_oauth.web.django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "pwb_oauth.web.django.middleware.WikiAccountMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "pwb_oauth.web.django.backends.WikiBackend",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGGING_CONFIG = None
DATABASE_ROUTERS = ["django_site.routing.Router"]


def _server(url: str) -> tuple[str, dict]:
    parts = make_url(url)
    name = os.environ.get("DJANGO_SITE_DATABASE", parts.database)
    if parts.get_backend_name() in ("mariadb", "mysql"):
        import pymysql

        pymysql.version_info = (2, 2, 8, "final", 0)  # Django asks whether mysqlclient is new
        pymysql.install_as_MySQLdb()
        options = {"unix_socket": parts.query["unix_socket"]}
        return "mariadb", {
            "ENGINE": "django.db.backends.mysql",
            "NAME": name,
            "USER": parts.username,
            "OPTIONS": options,
        }
    return "postgresql", {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": parts.username,
        "HOST": parts.query["host"],
    }


DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "site.sqlite"},
    "pwb_oauth": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "rows.sqlite"},
    **dict(map(_server, os.environ.get("PWB_OAUTH_TEST_DB_URLS", "").split())),
}
