"""The installable app."""

from __future__ import annotations

from django.apps import AppConfig


class PwbOAuthConfig(AppConfig):
    """``pwb_oauth.web.django``, whose models and templates are called ``pwb_oauth``."""

    name = "pwb_oauth.web.django"
    label = "pwb_oauth"
    verbose_name = "Sign-in with the wiki account"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Look at the settings, listen to other back ends, and keep codes out of access logs."""
        # Models exist only now.
        from pwb_oauth.web.django import checks, conf, listeners  # noqa: PLC0415

        checks.register()
        listeners.connect()
        conf.hide_queries()
