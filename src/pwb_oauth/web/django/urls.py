"""The three pages: ``path("oauth/", include("pwb_oauth.web.django.urls"))``."""

from __future__ import annotations

from django.urls import path

from pwb_oauth.web.django import views

app_name = "pwb_oauth"
urlpatterns = [
    path("login", views.login, name="login"),
    path("callback", views.callback, name="callback"),
    path("logout", views.logout, name="logout"),
]
