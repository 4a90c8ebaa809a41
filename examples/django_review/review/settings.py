"""Settings, all from the environment: nothing of a tool's own is kept in its code.

pwb_oauth reads its own (PWB_OAUTH_CLIENT_ID and its siblings) from there by itself.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

if find_spec("pymysql"):
    # Toolforge's ToolsDB, without a compiler: PyMySQL stands in for mysqlclient.
    import pymysql

    pymysql.install_as_MySQLdb()

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
DEBUG = os.environ.get("DJANGO_DEBUG") == "1"

# Where visitors reach the tool is known from the callback URL, never from a request.
_public = urlsplit(os.environ.get("PWB_OAUTH_CALLBACK_URL", ""))
_is_https = _public.scheme == "https"
ALLOWED_HOSTS = [_public.hostname or ""]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _is_https else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _is_https

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "review",  # before pwb_oauth, whose pages it shows in its own dress
    "pwb_oauth.web.django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "pwb_oauth.web.django.middleware.WikiAccountMiddleware",
]
AUTHENTICATION_BACKENDS = ["pwb_oauth.web.django.backends.WikiBackend"]
ROOT_URLCONF = "review.urls"
WSGI_APPLICATION = "review.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": os.environ.get("DATABASE_ENGINE", "django.db.backends.sqlite3"),
        "NAME": os.environ.get("DATABASE_NAME", BASE_DIR / "review.sqlite3"),
        "USER": os.environ.get("DATABASE_USER", ""),
        "PASSWORD": os.environ.get("DATABASE_PASSWORD", ""),
        "HOST": os.environ.get("DATABASE_HOST", ""),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# The wiki to review; every wiki of Wikimedia's is reached by the one sign-in at Meta-Wiki.
REVIEW_WIKI = (
    os.environ.get("REVIEW_WIKI") or os.environ.get("PWB_OAUTH_WIKI") or "meta.wikimedia.org"
)
