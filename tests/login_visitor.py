"""The site whose visitors somebody else's library signs in, as a program, and its visitors."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from served import free_port, run, serving, variables_for
from web_examples import database_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.testing import SandboxWiki
    from web_examples import Database

GRANTS = ("basic", "editpage", "createeditmovepage")
_LOGIN = {"social": "/social/login/mediawiki/", "allauth": "/accounts/mediawiki/login/"}
_DJANGO = [sys.executable, "-m", "django"]


class Visitor:
    """A browser, signed in by one of the two.

    Attributes:
        name: Who is signed in.
    """

    def __init__(self, site: LoginSite, kind: str, name: str) -> None:
        self.name = name
        self._site = site
        self._kind = kind
        self._session = requests.Session()
        self._session.trust_env = False
        token = self._get("/").text.split()[1]
        gone = self._send(_LOGIN[kind], csrfmiddlewaretoken=token)
        back = site.wiki.approve(gone.headers["Location"], name)
        assert back.startswith(site.url), back
        assert self._session.get(back, allow_redirects=False).headers["Location"] == "/"

    def edit(self, text: str = "New text.", **form: str) -> str:
        """Let the site edit as this visitor; what it says."""
        return self._send(f"/edit/{self._kind}", title=self.name, text=text, **form).text

    def edit_and_fail(self, text: str) -> requests.Response:
        """The same, but the site's view fails afterwards."""
        return self._send(f"/fail/{self._kind}", title=self.name, text=text)

    def open(self, path: str) -> str:
        """Look at a page."""
        return self._get(path).text

    def log_out(self) -> None:
        """By allauth's page, which ends Django's session whoever began it."""
        page = self._get("/accounts/logout/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        self._send("/accounts/logout/", csrfmiddlewaretoken=token)
        assert self._get("/").text.startswith("False")

    def _get(self, path: str) -> requests.Response:
        return self._session.get(f"{self._site.url}{path}")

    def _send(self, path: str, **form: str) -> requests.Response:
        return self._session.post(f"{self._site.url}{path}", data=form, allow_redirects=False)


class LoginSite:
    """The site, while it runs.

    Attributes:
        wiki: Whose users sign in.
        url: Where it is.
        database: Where it keeps everything.
    """

    def __init__(self, wiki: SandboxWiki, url: str, database: Database) -> None:
        self.wiki = wiki
        self.url = url
        self.database = database

    def visitor(self, kind: str, name: str) -> Visitor:
        """Somebody new on the wiki, who signs in with a page of their own name to edit."""
        self.wiki.add_user(name)
        self.wiki.add_page(name, "Old text.")
        return Visitor(self, kind, name)

    def last_edit(self, visitor: Visitor) -> tuple[str, str]:
        """Who edited the visitor's page last, and its text."""
        revision = self.wiki.pages[visitor.name].latest
        return revision.user, revision.text


@contextmanager
def login_site(
    wiki: SandboxWiki, folder: Path, server: str | None = None, **variables: str
) -> Iterator[LoginSite]:
    """Serve it, with an empty database."""
    with database_on(server, folder) as database:
        port = free_port()
        url = f"http://localhost:{port}"
        usual = _site_variables(wiki, url, folder)
        if "PYTHONPATH" in variables:
            variables["PYTHONPATH"] += f"{os.pathsep}{usual['PYTHONPATH']}"
        variables = {**usual, **database.django, **variables}
        run([*_DJANGO, "migrate", "--run-syncdb"], variables, folder)
        serve = [*_DJANGO, "runserver", "--noreload", f"127.0.0.1:{port}"]
        with serving(serve, variables, folder, port):
            yield LoginSite(wiki, url, database)


def checked(wiki: SandboxWiki, folder: Path, **variables: str) -> str:
    """What ``manage.py check`` says of the site."""
    usual = {**_site_variables(wiki, "http://localhost:9", folder), "DATABASE_NAME": ":memory:"}
    return run([*_DJANGO, "check"], {**usual, **variables}, folder)


def _site_variables(wiki: SandboxWiki, url: str, folder: Path) -> dict[str, str]:
    """Register the site's two consumers, and say what its settings read."""
    old = wiki.add_consumer(
        "old",
        oauth_version="1.0a",
        callback_url=f"{url}/social/complete/mediawiki/",
        grants=GRANTS,
    )
    new = wiki.add_consumer(
        "new", callback_url=f"{url}/accounts/mediawiki/login/callback/", grants=GRANTS
    )
    return variables_for(
        folder,
        PYTHONPATH=str(Path(__file__).parent),
        DJANGO_SETTINGS_MODULE="login_site.settings",
        SITE_WIKI=wiki.url,
        SOCIAL_KEY=old.key,
        SOCIAL_SECRET=old.secret,
        ALLAUTH_ID=new.key,
        ALLAUTH_SECRET=new.secret,
    )
