"""What belongs to a test comes from the environment."""

from __future__ import annotations

import os

import pymysql

pymysql.version_info = (2, 2, 8, "final", 0)  # Django asks whether mysqlclient is new
pymysql.install_as_MySQLdb()

WIKI = os.environ["SITE_WIKI"]
SECRET_KEY = "the site's own secret, long enough"
DEBUG = False
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "login_site.urls"
USE_TZ = os.environ.get("SITE_USE_TZ", "1") == "1"
TIME_ZONE = "Asia/Kolkata"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "social_django",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.mediawiki",
    "pwb_oauth.web.django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "social_core.backends.mediawiki.MediaWiki",
    "allauth.account.auth_backends.AuthenticationBackend",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DATABASES = {
    "default": {
        "ENGINE": os.environ.get("DATABASE_ENGINE", "django.db.backends.sqlite3"),
        "NAME": os.environ["DATABASE_NAME"],
        "USER": os.environ.get("DATABASE_USER", ""),
        "PASSWORD": os.environ.get("DATABASE_PASSWORD", ""),
        "HOST": os.environ.get("DATABASE_HOST", ""),
        "ATOMIC_REQUESTS": True,
    }
}
if "DATABASE_ENGINE" not in os.environ:
    mode = os.environ.get("SITE_JOURNAL_MODE", "WAL")
    DATABASES["default"]["OPTIONS"] = {"init_command": f"PRAGMA journal_mode={mode}"}
# Their migrations take longer than the tests.
_APPS = ("account", "auth", "contenttypes", "sessions", "social_django", "socialaccount")
MIGRATION_MODULES = dict.fromkeys(_APPS)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_REDIRECT_URL = "/"

SOCIAL_AUTH_URL_NAMESPACE = "social"
SOCIAL_AUTH_PROTECTED_USER_FIELDS = ["groups"]  # old versions put the wiki's into Django's
SOCIAL_AUTH_MEDIAWIKI_KEY = os.environ["SOCIAL_KEY"]
SOCIAL_AUTH_MEDIAWIKI_SECRET = os.environ["SOCIAL_SECRET"]
SOCIAL_AUTH_MEDIAWIKI_URL = f"{WIKI}/w/index.php"
SOCIAL_AUTH_MEDIAWIKI_CALLBACK = "oob"  # what is registered is used then

ACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_STORE_TOKENS = os.environ.get("SITE_STORE_TOKENS", "1") == "1"
SOCIALACCOUNT_PROVIDERS = {
    "mediawiki": {
        "REST_API": f"{WIKI}/w/rest.php",
        "APP": {"client_id": os.environ["ALLAUTH_ID"], "secret": os.environ["ALLAUTH_SECRET"]},
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django.request": {"handlers": ["console"], "level": "ERROR"}},
}
