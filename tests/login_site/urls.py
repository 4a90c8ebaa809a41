"""Their own pages, and two of ours."""

from __future__ import annotations

from django.urls import include, path

from login_site import views

urlpatterns = [
    path("", views.home),
    path("social/", include("social_django.urls", namespace="social")),
    path("accounts/", include("allauth.urls")),
    path("edit/<kind>", views.edit),
    path("fail/<kind>", views.fail),
]
