"""Their own pages, and two of ours."""

from __future__ import annotations

import os
from importlib import import_module

from django.urls import include, path

from login_site import views

urlpatterns = [
    path("", views.home),
    path("social/", include("social_django.urls", namespace="social")),
    path("accounts/", include("allauth.urls")),
    path("edit/<kind>", views.edit),
    path("fail/<kind>", views.fail),
]
urlpatterns += [
    path(f"more/{name}", import_module(name).add_line)
    for name in os.environ.get("SITE_MORE_VIEWS", "").split()
]
