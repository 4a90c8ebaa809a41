"""Every example of docs/web-tools.md, run as it stands there, on the sandbox wiki."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from login_visitor import login_site
from pwb_oauth import errors
from pwb_oauth.encryption import new_key
from pwb_oauth.web.problems import problem_of
from served import SECONDS, free_port, run, serving, variables_for

DOCS = Path(__file__).resolve().parents[1] / "docs"
TEXT = (DOCS / "web-tools.md").read_text("utf-8")
PYTHON = re.compile(r"^```python\n# (\S+\.py)(?:, [^\n]+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HTML = re.compile(r"^```html\n<!-- (\S+) -->\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = {**dict(PYTHON.findall(TEXT)), **dict(HTML.findall(TEXT))}
TESTED = {
    "Django": ["mysite/urls.py", "mysite/views.py", "mysite/templates/home.html"],
    "Django's settings": ["mysite/settings.py"],
    "Flask": ["app.py", "templates/home.html"],
    "acting": ["acting.py"],
    "jobs": ["tasks.py", "rq_tasks.py", "plain_worker.py"],
    "others": ["social_views.py", "allauth_views.py"],
}
SANDBOX = "SandboxWiki:Sandbox"
"""What the sandbox wiki calls Project:Sandbox."""
CSRF = re.compile(r'name="(csrfmiddlewaretoken|pwb_oauth_csrf)" value="([^"]*)"')
ROW = re.compile(r"^\| (.+) \| (`.+) \| (\d+) \|$", re.MULTILINE)

# What a test's own program does first: somebody signs in, whom the test lets in.
SIGNED_IN = """
def sign_in(flow):
    departure = flow.begin("/", {})
    print(departure.url, flush=True)
    cookies = {cookie.name: cookie.value for cookie in departure.cookies}
    return flow.finish(input(), cookies).session
"""
ACT = """
import acting, plain_worker
flow = plain_worker.make_flow()
session = sign_in(flow)
assert acting.add_line(flow, session, "A line.") == ("Alice", ["basic", "editpage"])
found = acting.talk_pages(flow, session, ["User talk:Alice"])
assert "pages" in found["query"], found
"""
JOBS = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
import django
django.setup()
import pywikibot
pywikibot.sleep = lambda seconds: None
from celery import Celery
from fakeredis import FakeStrictRedis
from rq import Queue
from pwb_oauth.web.django.conf import flow
Celery(task_always_eager=True, task_eager_propagates=True).set_default()
import tasks, rq_tasks
session = sign_in(flow())
tasks.start(session, ["From Celery."])
rq_tasks.start(Queue(is_async=False, connection=FakeStrictRedis()), session, ["From RQ."])
"""


class Reader:
    """Somebody who does what the page says, in a folder of their own."""

    def __init__(self, wiki, folder):
        self.wiki = wiki
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        consumer = wiki.add_consumer(
            "Mine", callback_url=f"{self.url}/oauth/callback", grants=("basic", "editpage")
        )
        wiki.add_page("User talk:Alice", "Hello.")
        wiki.add_page(SANDBOX, "Try it.")
        self.variables = variables_for(
            folder,
            PWB_OAUTH_WIKI=wiki.api_url,
            PWB_OAUTH_CLIENT_ID=consumer.key,
            PWB_OAUTH_CLIENT_SECRET=consumer.secret,
            PWB_OAUTH_CALLBACK_URL=consumer.callback_url,
            PWB_OAUTH_ENCRYPTION_KEYS=new_key(),
            PWB_OAUTH_DATABASE_URL=f"sqlite:///{folder / 'visitors.sqlite'}",
            FLASK_SECRET_KEY=secrets.token_hex(),
            PYWIKIBOT_DIR=str(wiki.write_pywikibot_config(folder / "pywikibot").parent),
        )
        self.browser = requests.Session()
        self.browser.trust_env = False

    def write(self, topic):
        for name in TESTED[topic]:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_for_sandbox(BLOCKS[name], self.wiki))

    def make_django_project(self):
        self.run("django", "startproject", "mysite", ".")
        self.write("Django")
        with (self.folder / "mysite" / "settings.py").open("a") as settings:
            settings.write(BLOCKS["mysite/settings.py"])
        self.manage("migrate")

    def run(self, *module):
        return run([sys.executable, "-m", *module], self.variables, self.folder)

    def manage(self, *words):
        return run([sys.executable, "manage.py", *words], self.variables, self.folder)

    def program(self, text):
        """Run a program that signs Alice in by its standard input and output."""
        with subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-c", SIGNED_IN + text],
            env=self.variables,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            back = self.wiki.approve(process.stdout.readline().strip(), "Alice")
            said = process.communicate(f"{back}\n", timeout=SECONDS)
        assert process.returncode == 0, said

    @contextmanager
    def served(self, *command):
        with serving([sys.executable, *command], self.variables, self.folder, self.port):
            yield

    def press(self, page, path):
        """Send a form of a page."""
        name, value = CSRF.search(self.look(page)).groups()
        return self.browser.post(
            f"{self.url}{path}", {name: value}, headers={"Origin": self.url}, allow_redirects=False
        )

    def look(self, page):
        return self.browser.get(f"{self.url}{page}").text

    def use_tool(self):
        """Sign in, edit, log out."""
        assert 'href="/oauth/login"' in self.look("/")
        gone = self.press("/oauth/login", "/oauth/login")
        self.browser.get(self.wiki.approve(gone.headers["Location"], "Alice"))
        assert "Signed in as <bdi>Alice</bdi>" in self.look("/")
        assert self.press("/", "/greet").headers["Location"] == "/"
        self.press("/", "/oauth/logout")
        assert 'href="/oauth/login"' in self.look("/")
        revision = self.wiki.pages["User talk:Alice"].latest
        assert revision.user == "Alice"
        assert "Hello from my web tool." in revision.text


def _for_sandbox(text, wiki):
    return text.replace('site("test", "wikipedia")', 'site("en", "sandbox")').replace(
        "https://test.wikipedia.org/w/api.php", wiki.api_url
    )


@pytest.fixture
def reader(wiki, tmp_path):
    return Reader(wiki, tmp_path)


class TestExamples:
    """The blocks of code."""

    def test_no_block_is_left_out(self):
        """Each names its file, and is run by a test here."""
        assert sorted(BLOCKS) == sorted(name for names in TESTED.values() for name in names)
        assert len(BLOCKS) == len(re.findall("^```(?:python|html)", TEXT, re.MULTILINE))

    def test_django_visitor_signs_in_and_edits(self, reader):
        """With what ``startproject`` makes, and what the page adds."""
        reader.make_django_project()
        assert "no issues" in reader.manage("check")
        assert "knows the consumer" in reader.manage("check_wiki_oauth")
        with reader.served("manage.py", "runserver", "--noreload", str(reader.port)):
            reader.use_tool()
        assert "Deleted: 0" in reader.manage("purge_wiki_accounts")

    def test_flask_visitor_signs_in_and_edits(self, reader):
        """Started as the page says."""
        reader.write("Flask")
        assert "knows the consumer" in reader.run("flask", "wiki-oauth", "check")
        with reader.served("-m", "flask", "run", "--port", str(reader.port)):
            reader.use_tool()
        assert "Deleted: 0" in reader.run("flask", "wiki-oauth", "purge")

    def test_acting_line_is_added(self, reader):
        """By Pywikibot and by requests, with a flow that knows no framework."""
        reader.write("acting")
        reader.write("jobs")
        reader.program(ACT)
        revision = reader.wiki.pages[SANDBOX].latest
        assert (revision.user, revision.text) == ("Alice", "Try it.\nA line.")

    def test_jobs_celery_and_rq_edit_as_the_visitor(self, reader):
        """Called as each of them would; neither a broker nor a server is needed for that."""
        reader.make_django_project()
        reader.write("jobs")
        reader.program(JOBS)
        revision = reader.wiki.pages[SANDBOX].latest
        assert (revision.user, revision.text) == ("Alice", "Try it.\nFrom Celery.\nFrom RQ.")

    def test_other_libraries_visitors_edit(self, reader):
        """Signed in by python-social-auth and by django-allauth."""
        reader.write("others")
        more = {
            "PYTHONPATH": str(reader.folder),
            "PYWIKIBOT_DIR": reader.variables["PYWIKIBOT_DIR"],
            "SITE_MORE_VIEWS": "social_views allauth_views",
        }
        with login_site(reader.wiki, reader.folder, **more) as site:
            for kind, name in (("social", "Ann"), ("allauth", "Ben")):
                visitor = site.visitor(kind, name)
                assert visitor.open(f"/more/{kind}_views") == f"Saved as {name}."
                assert reader.wiki.pages[SANDBOX].latest.user == name


class TestErrors:
    """The table of errors and statuses."""

    @pytest.mark.parametrize(("said", "kinds", "status"), ROW.findall(TEXT))
    def test_row_status_is_what_a_visitor_gets(self, said, kinds, status):
        """The first error of each row, with the wiki's code that the row speaks of."""
        codes = {
            "blocked": "blocked",
            "not approved": "access_denied",
            "client id": "invalid_client",
        }
        code = next((codes[words] for words in codes if words in f"{said} {kinds}"), None)
        kind = getattr(errors, re.findall(r"`(\w+)`", kinds)[-1 if code == "invalid_client" else 0])
        error = kind("It failed.") if code is None else kind("It failed.", code)
        assert problem_of(error).status == int(status)

    def test_every_error_that_reaches_a_visitor_is_in_it(self):
        """One that is missing would be found out in production."""
        shown = {name for row in ROW.findall(TEXT) for name in re.findall(r"`(\w+Error)`", row[1])}
        internal = {
            "AuthorizationError",
            "PwbOAuthError",
            "ReadOnlyStoreError",
            "TokenDecryptionError",
            "TokenStoreError",
            "UsernameMismatchError",
            "MissingExtraError",
            "UnsupportedPywikibotError",
        }
        assert shown - {"APIError"} == set(errors.__all__) - internal
