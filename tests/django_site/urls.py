"""The site's pages."""

from __future__ import annotations

from django.urls import include, path

from django_site import views

urlpatterns = [
    path("oauth/", include("pwb_oauth.web.django.urls")),
    path("", views.home),
    path("me", views.me),
    path("me-async", views.me_async),
    path("user", views.user),
    path("user-async", views.user_async),
    path("both", views.both),
    path("late", views.late),
    path("late-async", views.late_async),
    path("cached", views.cached),
    path("kept", views.kept),
    path("protected", views.protected),
    path("protected-async", views.protected_async),
    path("edit", views.edit),
    path("edit-and-fail", views.edit_and_fail),
    path("edit-in-block-and-fail", views.edit_in_block_and_fail),
    path("edit-async", views.edit_async),
    path("remember/<word>", views.remember),
    path("recall", views.recall),
    path("leave", views.leave),
    path("side-door", views.side_door),
    path("broken", views.broken),
    path("broken-wiki", views.broken_wiki),
]
