"""The three pages: ``path("oauth/", include("pwb_oauth.web.django.urls"))``."""

from __future__ import annotations

from django.urls import path

from pwb_oauth.web.django.views import callback, login, logout

app_name = "pwb_oauth"
urlpatterns = [
    path("login", login, name="login"),
    path("callback", callback, name="callback"),
    path("logout", logout, name="logout"),
]
