"""The addresses of the tool; those of signing in and out are pwb_oauth's."""

from __future__ import annotations

from django.urls import include, path

from review import views

urlpatterns = [
    path("", views.review, name="review"),
    path("patrol/<int:revid>", views.patrol, name="patrol"),
    path("oauth/", include("pwb_oauth.web.django.urls")),
]
