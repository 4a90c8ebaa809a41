"""What docs/toolforge-web.md and docs/web-troubleshooting.md tell operators, tried."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import sys
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import django
import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from pwb_oauth import errors, grants
from pwb_oauth.authorization import begin_authorization
from pwb_oauth.cli.register import register
from pwb_oauth.credential import Consumer
from pwb_oauth.encryption import new_key
from pwb_oauth.testing.sandbox.approve import Browser
from pwb_oauth.testing.sandbox.grant_tables import GRANT_DESCRIPTIONS
from pwb_oauth.web.check import check_consumer
from pwb_oauth.web.problems import problem_of
from pwb_oauth.web.settings import WebSettings
from pwb_oauth.web.sql import SqlSealedStore
from pwb_oauth.wiki import Wiki
from served import run, variables_for

DOCS = Path(__file__).resolve().parents[1] / "docs"
TOOLFORGE = (DOCS / "toolforge-web.md").read_text("utf-8")
TROUBLE = (DOCS / "web-troubleshooting.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```$", TOOLFORGE, re.MULTILINE | re.DOTALL))
QUOTES = {
    " ".join(line.removeprefix("> ") for line in quote.strip().splitlines())
    for quote in re.findall(r"^(?:> .+\n)+", TROUBLE, re.MULTILINE)
}
PAGE = re.compile(r"^\| ([^|]+) \| (\d+) \| `(.+?)`.* \| .+ \|$", re.MULTILINE)
MARIADB = [
    url for url in os.environ.get("PWB_OAUTH_TEST_DB_URLS", "").split() if url.startswith("mariadb")
]
CALLBACK = "https://mytool.toolforge.org/oauth/callback"
LOCAL = "http://127.0.0.1:9/oauth/callback"


class TestRegistering:
    """The consumer, field by field."""

    def test_command_form_is_filled_in(self):
        """The link leads to the form, with the callback of the page."""
        command = re.search(r"pwb-oauth register (.+?)\n```", TOOLFORGE, re.DOTALL)[1]
        words = [word.strip("'") for word in re.findall(r"'[^']*'|[^\s\\]+", command)]
        done = CliRunner().invoke(register, [*words, "--json"])
        assert done.exit_code == 0, done.output
        said = json.loads(done.stdout)
        assert said["callback_url"] == CALLBACK
        assert parse_qs(urlsplit(said["url"]).query)["wpcallbackUrl"] == [CALLBACK]

    def test_grants_are_called_as_the_wiki_calls_them(self):
        """In the table of the form's fields."""
        row = next(line for line in TOOLFORGE.splitlines() if "Applicable grants" in line)
        names = re.findall(r"\*([A-Z][^*]+)\*", row)
        assert {*names} <= {*map(grants.label, GRANT_DESCRIPTIONS)}
        assert len(names) == 4


class TestToolforge:
    """The two ways to serve a tool there."""

    @pytest.fixture
    def variables(self, tmp_path):
        return variables_for(
            tmp_path,
            PWB_OAUTH_CLIENT_ID="0" * 32,
            PWB_OAUTH_CLIENT_SECRET="f" * 40,
            PWB_OAUTH_CALLBACK_URL=CALLBACK,
            PWB_OAUTH_ENCRYPTION_KEYS=new_key(),
            PWB_OAUTH_DATABASE_URL=f"sqlite:///{tmp_path / 'visitors.sqlite'}",
            FLASK_SECRET_KEY=secrets.token_hex(),
            DJANGO_SECRET_KEY=secrets.token_hex(),
        )

    def test_flask_app_is_made_and_cookies_are_safe(self, variables, tmp_path):
        """Reached by plain http and a forged host, as behind the proxy."""
        (tmp_path / "app.py").write_text(BLOCKS["www/python/src/app.py"])
        program = (
            "from app import app; client = app.test_client()\n"
            "headers = {'Host': 'evil.example', 'X-Forwarded-Proto': 'http'}\n"
            "page = client.get('/oauth/login', headers=headers)\n"
            "assert page.status_code == 200, page.status\n"
            "print(page.headers['Set-Cookie'])"
        )
        cookie = run([sys.executable, "-c", program], variables, tmp_path)
        assert "Secure" in cookie
        assert "evil.example" not in cookie

    @pytest.mark.skipif(
        django.VERSION >= (6, 1) and not MARIADB,
        reason="PWB_OAUTH_TEST_DB_URLS names no MariaDB, which Django asks for its version",
    )
    def test_django_settings_pass_its_checks(self, variables, tmp_path):
        """Put behind the settings of docs/web-tools.md, on another MariaDB than ToolsDB."""
        run([sys.executable, "-m", "django", "startproject", "mysite", "."], variables, tmp_path)
        text = (DOCS / "web-tools.md").read_text("utf-8")
        added = re.search(r"# mysite/settings.py, .+?\n(.+?)```", text, re.DOTALL)[1]
        urls = (
            "from django.urls import include, path\n"
            "urlpatterns = [path('oauth/', include('pwb_oauth.web.django.urls'))]\n"
        )
        (tmp_path / "mysite" / "urls.py").write_text(urls)
        with (tmp_path / "mysite" / "settings.py").open("a") as settings:
            settings.write(added + BLOCKS["toolforge_settings.py"])
            for url in map(make_url, MARIADB[:1]):
                here = {"HOST": url.query["unix_socket"], "NAME": url.database}
                here |= {"USER": url.username, "OPTIONS": {"charset": "utf8mb4"}}
                settings.write(f"DATABASES['default'] |= {here!r}\n")
        # Of Django's own checks one finds that the new project cannot send mail yet.
        command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "CRITICAL"]
        said = run(command, variables, tmp_path)
        assert "System check identified" in said
        assert "pwb_oauth" not in said

    def test_no_block_is_left_out(self):
        """Each is run here."""
        assert BLOCKS.keys() == {"www/python/src/app.py", "toolforge_settings.py"}
        assert len(BLOCKS) == TOOLFORGE.count("```python")

    def test_database_url_is_taken(self, tmp_path):
        """With the password in a file, and the charset."""
        (tmp_path / "replica.my.cnf").write_text("[client]\nuser = s12345\npassword = secret\n")
        url = re.search(r"'(mariadb\+pymysql://[^']+)'", TOOLFORGE)[1]
        store = SqlSealedStore(url.replace("/data/project/mytool", str(tmp_path)))
        assert "secret" not in repr(store)

    @pytest.mark.skipif(not MARIADB, reason="PWB_OAUTH_TEST_DB_URLS names no MariaDB")
    def test_database_url_opens_a_real_server(self, tmp_path):
        """With the same parameters."""
        file = tmp_path / "replica.my.cnf"
        file.write_text("[client]\nuser = pwb_oauth\n")
        joined = f"{MARIADB[0]}{'&' if '?' in MARIADB[0] else '?'}"
        store = SqlSealedStore(f"{joined}read_default_file={file}&charset=utf8mb4")
        assert store.get("0" * 32) is None


class Trial:
    """A consumer, and what a tool that is configured with it gets to see."""

    def __init__(self, wiki, **changes):
        self.wiki = wiki
        registered = {"owner": "Admin", "callback_url": LOCAL, **changes.pop("registered", {})}
        made = wiki.add_consumer("Tool", **registered)
        if "state" in changes:
            wiki.set_consumer_state(made.key, changes.pop("state"))
        kept = {"oauth_version": "2.0", "callback_url": LOCAL, **changes}
        key = kept.pop("key", made.key)
        self.settings = WebSettings(
            Wiki.from_url(wiki.api_url), Consumer(key, made.secret, **kept), new_key()
        )

    def page(self):
        """The page of the wiki's on which a visitor ends."""
        pending = begin_authorization(self.settings.wiki, self.settings.consumer)
        with _Reader(self.wiki.url, self.wiki.url) as browser:
            alice = self.wiki.users["Alice"]
            end = browser.approve(pending.url, user="Alice", password=alice.password, allow=True)
            assert end.startswith(self.wiki.url), end
            return " ".join(unescape(re.sub("<[^>]+>", " ", browser.page)).split())

    def found(self):
        return " ".join(finding.problem for finding in check_consumer(self.settings).findings)


class _Reader(Browser):
    """Remembers the page that it looks at."""

    def _get(self, address):
        return self._read(super()._get(address))

    def _send(self, address, fields):
        return self._read(super()._send(address, fields))

    def _read(self, reply):
        self.page = reply.text
        return reply


CLIENT, DENIED, OLD, KIND = (
    "Client authentication failed",
    "The resource owner or authorization server denied the request.",
    "is not approved as a Connected App.",
    "Wrong OAuth version, E012",
)
NOT_SEEN = ""
WRONG_CALLBACK = "is not the callback URL that the consumer is registered with on"
WRONG_CLIENT = "does not accept PWB_OAUTH_CLIENT_ID and PWB_OAUTH_CLIENT_SECRET."
V1 = {"oauth_version": "1.0a"}
CASES = {
    "wrong callback": ({"callback_url": f"{LOCAL}/"}, CLIENT, WRONG_CALLBACK),
    "wrong client id": ({"key": "0" * 32}, CLIENT, WRONG_CLIENT),
    "1.0a consumer": ({"registered": V1}, CLIENT, WRONG_CLIENT),
    "proposed": ({"state": "proposed"}, DENIED, NOT_SEEN),
    "disabled": ({"state": "disabled"}, DENIED, NOT_SEEN),
    "proposed 1.0a": ({"registered": V1, "state": "proposed", **V1}, OLD, NOT_SEEN),
    "2.0 consumer": ({**V1}, KIND, NOT_SEEN),
}


class TestTheWikisOwnPages:
    """What never reaches a tool."""

    @pytest.mark.parametrize("case", CASES)
    def test_case_the_wiki_says_what_the_page_quotes(self, wiki, case):
        """In its own words."""
        changes, words, _ = CASES[case]
        (quote,) = [quote for quote in QUOTES if words in quote]
        said = Trial(wiki, **changes).page()
        assert quote.removeprefix("… ") in said, said

    def test_every_quote_is_tried(self):
        """None is out of the air."""
        assert len(QUOTES) == 4
        assert all(any(words in quote for _, words, _ in CASES.values()) for quote in QUOTES)

    @pytest.mark.parametrize("case", CASES)
    def test_case_check_finds_what_the_page_says(self, wiki, case):
        """Or does not, and says so."""
        changes, _, problem = CASES[case]
        trial = Trial(wiki, **changes)
        found = trial.found()
        if problem:
            assert problem in found
            assert problem in TROUBLE
        else:
            assert not found
            notes = " ".join(check_consumer(trial.settings).notes)
            assert "approved cannot be seen from here" in notes

    def test_owner_only_consumer_is_taken_for_a_wrong_client_id(self, wiki):
        """As the page says."""
        trial = Trial(wiki, registered={"owner_only": True, "owner": "Alice"})
        assert WRONG_CLIENT in trial.found()
        assert "is an owner-only Connected App" in trial.page()


class TestOurOwnPages:
    """The table of error pages."""

    @pytest.mark.parametrize(("title", "status", "log"), PAGE.findall(TROUBLE))
    def test_row_is_what_is_shown_and_logged(self, title, status, log):
        """Title, status, and what to look for in the log."""
        (problem,) = [problem for problem in _problems() if problem.title == title]
        assert problem.status == int(status)
        assert log in problem.log

    def test_every_page_is_in_it(self):
        """An operator finds each."""
        shown = {title for title, _, _ in PAGE.findall(TROUBLE)}
        assert shown == {problem.title for problem in _problems()}

    def test_logger_is_the_one_that_is_named(self):
        """Where all of them are logged."""
        from pwb_oauth.web.problems import LOGGER

        assert f"`{LOGGER.name}`" in TROUBLE
        assert isinstance(LOGGER, logging.Logger)


def _problems():
    kinds = [getattr(errors, name) for name in errors.__all__]
    kinds.remove(errors.UsernameMismatchError)
    made = [kind("It failed.") for kind in kinds]
    made += [errors.LoginRequiredError("It failed.", code) for code in ("blocked", "access_denied")]
    found = {problem.title: problem for problem in map(problem_of, made) if problem is not None}
    return found.values()
