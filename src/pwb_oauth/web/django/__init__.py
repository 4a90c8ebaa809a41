"""Sign visitors of a Django site in with their wiki account, and act as them.

Settings, beside those of :class:`pwb_oauth.web.settings.WebSettings`::

    INSTALLED_APPS = [..., "pwb_oauth.web.django"]
    AUTHENTICATION_BACKENDS = ["pwb_oauth.web.django.backends.WikiBackend"]
    MIDDLEWARE = [
        ...,
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "pwb_oauth.web.django.middleware.WikiAccountMiddleware",
    ]

and ``path("oauth/", include("pwb_oauth.web.django.urls"))`` where ``PWB_OAUTH_CALLBACK_URL`` is
``https://…/oauth/callback``. In a view::

    from pwb_oauth.web.django.conf import flow
    from pwb_oauth.web.django.decorators import wiki_login_required

    @wiki_login_required
    def thank(request):
        with flow().account(request.wiki_account) as account:
            site = account.site("en", "wikipedia")
            ...

In an asynchronous view it is ``await request.awiki_account()``. ``manage.py check`` says what is
missing, ``manage.py check_wiki_oauth`` what the wiki thinks of the consumer.
"""
