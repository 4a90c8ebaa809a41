"""The site whose visitors somebody else's library signs in, as a program, and its visitors."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from web_examples import _free_port, _run, _serving, _variables, database_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pwb_oauth.testing import SandboxWiki
    from web_examples import Database

GRANTS = ("basic", "editpage", "createeditmovepage")


class Visitor:
    """A browser.

    Attributes:
        site: What it visits.
    """

    def __init__(self, site: LoginSite) -> None:
        self.site = site
        self.session = requests.Session()

    def sign_in(self, kind: str, user: str) -> requests.Response:
        """By the library's own pages, and the wiki's."""
        login = {"social": "/social/login/mediawiki/", "allauth": "/accounts/mediawiki/login/"}
        token = self.session.get(f"{self.site.url}/").text.split()[1]
        gone = self._send(login[kind], csrfmiddlewaretoken=token)
        back = self.site.wiki.approve(gone.headers["Location"], user)
        return self.session.get(back, allow_redirects=False)

    def edit(self, kind: str, title: str, text: str = "New text.", *, fail: bool = False):
        """Let the site edit as this visitor."""
        path = f"/{'fail' if fail else 'edit'}/{kind}"
        return self._send(path, title=title, text=text)

    def log_out(self) -> requests.Response:
        """By allauth's page, which ends Django's session whoever began it."""
        page = self.session.get(f"{self.site.url}/accounts/logout/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        return self._send("/accounts/logout/", csrfmiddlewaretoken=token)

    def _send(self, path: str, **form: str) -> requests.Response:
        return self.session.post(
            f"{self.site.url}{path}",
            data=form,
            headers={"Referer": self.site.url},
            allow_redirects=False,
        )


class LoginSite:
    """The site, while it runs.

    Attributes:
        url: Where.
        wiki: Whose users sign in.
        database: Where it keeps everything.
        manage: Runs one of its management commands; what it printed is returned.
    """

    def __init__(self, wiki: SandboxWiki, url: str, database: Database) -> None:
        self.wiki = wiki
        self.url = url
        self.database = database


@contextmanager
def login_site(
    wiki: SandboxWiki, folder: Path, server: str | None = None, **settings: str
) -> Iterator[LoginSite]:
    """Serve it, with an empty database."""
    with database_on(server, folder) as database:
        port = _free_port()
        url = f"http://localhost:{port}"
        variables = {**site_variables(wiki, url, folder), **database.django, **settings}
        command = [sys.executable, "-m", "django"]
        with (folder / "log").open("w") as output:
            _run([*command, "migrate"], variables, output)
            serve = [*command, "runserver", "--noreload", f"127.0.0.1:{port}"]
            with _serving(serve, variables, output, port):
                yield LoginSite(wiki, url, database)


def site_variables(wiki: SandboxWiki, url: str, folder: Path) -> dict[str, str]:
    """Register the site's two consumers, and say what its settings read."""
    callback = f"{url}/social/complete/mediawiki/"
    old = wiki.add_consumer("old", oauth_version="1.0a", callback_url=callback, grants=GRANTS)
    new = wiki.add_consumer(
        "new", callback_url=f"{url}/accounts/mediawiki/login/callback/", grants=GRANTS
    )
    usual = _variables(wiki, new, folder)
    return {
        **{name: value for name, value in usual.items() if not name.startswith("PWB_OAUTH_")},
        "PYTHONPATH": str(Path(__file__).parent),
        "DJANGO_SETTINGS_MODULE": "login_site.settings",
        "PWB_OAUTH_WIKI": wiki.url,
        "SOCIAL_KEY": old.key,
        "SOCIAL_SECRET": old.secret,
        "ALLAUTH_ID": new.key,
        "ALLAUTH_SECRET": new.secret,
    }
