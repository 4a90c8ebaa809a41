"""Every example of docs/web-tools.md, run as it stands there, on the sandbox wiki."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from login_visitor import login_site
from pwb_oauth import errors
from pwb_oauth.cli.sandbox import _CONSUMERS
from pwb_oauth.encryption import new_key
from pwb_oauth.testing.sandbox.approve import Browser
from pwb_oauth.web.problems import problem_of
from sandbox_program import Program
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
EXPORTS = re.findall(r"^export .+$", TEXT, re.MULTILINE)
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
        consumer = wiki.add_consumer(
            "Mine", callback_url="http://127.0.0.1:9/oauth/callback", grants=("basic", "editpage")
        )
        wiki.add_page(SANDBOX, "Try it.")
        self.variables = variables_for(
            folder,
            PWB_OAUTH_WIKI=wiki.api_url,
            PWB_OAUTH_CLIENT_ID=consumer.key,
            PWB_OAUTH_CLIENT_SECRET=consumer.secret,
            PWB_OAUTH_CALLBACK_URL=consumer.callback_url,
            PWB_OAUTH_ENCRYPTION_KEYS=new_key(),
            PWB_OAUTH_DATABASE_URL=f"sqlite:///{folder / 'visitors.sqlite'}",
            PYWIKIBOT_DIR=str(wiki.write_pywikibot_config(folder / "pywikibot").parent),
        )

    def text_of(self, name):
        """What the page has for a file, for the wiki that is there."""
        return (
            BLOCKS[name]
            .replace('site("test", "wikipedia")', 'site("en", "sandbox")')
            .replace("https://test.wikipedia.org/w/api.php", self.wiki.api_url)
        )

    def write(self, topic):
        for name in TESTED[topic]:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text_of(name))

    def make_django_project(self):
        self.run("django", "startproject", "mysite", ".")
        self.write("Django")
        with (self.folder / "mysite" / "settings.py").open("a") as settings:
            settings.write(self.text_of("mysite/settings.py"))
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


class Newcomer(Reader):
    """Somebody who begins with nothing, and does what the page says to the letter.

    Only the two ports are others, so that the tests of several people go on at once.
    """

    def __init__(self, folder, port, sandbox):
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.sandbox = sandbox
        self.variables = self._exported()
        self.browser = requests.Session()
        self.browser.trust_env = False

    def _exported(self):
        """The environment after the page's own lines."""
        consumer = "consumer: Example 2.0 ("
        lines = (
            "\n".join(EXPORTS)
            .replace("CLIENT_ID=…", f"CLIENT_ID={self.sandbox.fact('key', consumer)}")
            .replace("CLIENT_SECRET=…", f"CLIENT_SECRET={self.sandbox.fact('secret', consumer)}")
            .replace("http://127.0.0.1:8090", self.sandbox.url)
            .replace("http://127.0.0.1:8000", self.url)
        )
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        variables = variables_for(self.folder, PATH=path)
        variables.pop("PYWIKIBOT_DIR", None)
        shown = "python -c 'import json, os; print(json.dumps(dict(os.environ)))'"
        return json.loads(run(["/bin/sh", "-ec", f"{lines}\n{shown}"], variables, self.folder))

    def text_of(self, name):
        return BLOCKS[name]

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
        self.browser.get(self._allowed(gone.headers["Location"]))
        assert "Signed in as <bdi>Alice</bdi>" in self.look("/")
        assert self.press("/", "/greet").headers["Location"] == "/"
        self.press("/", "/oauth/logout")
        assert 'href="/oauth/login"' in self.look("/")
        user, text = self._last_edit("User talk:Alice")
        assert user == "Alice"
        assert "Hello from my web tool." in text

    def _allowed(self, link):
        password = re.search(r"^ *Alice +(\S+)", self.sandbox.said, re.MULTILINE)[1]
        with Browser(self.sandbox.url, self.sandbox.url) as browser:
            return browser.approve(link, user="Alice", password=password, allow=True)

    def _last_edit(self, title):
        ask = {"action": "query", "prop": "revisions", "titles": title, "format": "json"}
        more = {"rvprop": "user|content", "rvslots": "main", "formatversion": "2"}
        reply = requests.get(self.sandbox.api, ask | more, timeout=SECONDS).json()
        (revision,) = reply["query"]["pages"][0]["revisions"]
        return revision["user"], revision["slots"]["main"]["content"]


@pytest.fixture
def reader(wiki, tmp_path):
    return Reader(wiki, tmp_path)


@pytest.fixture
def newcomer(tmp_path):
    port, seed = free_port(), tmp_path / "seed.json"
    seed.write_text(json.dumps(_CONSUMERS).replace(":8000/", f":{port}/"))
    sandbox = Program("--seed", str(seed), log=False)
    try:
        yield Newcomer(tmp_path, port, sandbox)
    finally:
        sandbox.process.kill()
        sandbox.process.communicate()


class TestExamples:
    """The blocks of code."""

    def test_no_block_is_left_out(self):
        """Each names its file, and is run by a test here."""
        assert sorted(BLOCKS) == sorted(name for names in TESTED.values() for name in names)
        assert len(BLOCKS) == len(re.findall("^```(?:python|html)", TEXT, re.MULTILINE))

    def test_django_visitor_signs_in_and_edits(self, newcomer):
        """With what ``startproject`` makes, and what the page adds."""
        newcomer.make_django_project()
        assert "no issues" in newcomer.manage("check")
        assert "knows the consumer" in newcomer.manage("check_wiki_oauth")
        with newcomer.served("manage.py", "runserver", "--noreload", str(newcomer.port)):
            newcomer.use_tool()
        assert "Deleted: 0" in newcomer.manage("purge_wiki_accounts")

    def test_flask_visitor_signs_in_and_edits(self, newcomer):
        """Started as the page says."""
        newcomer.write("Flask")
        assert "knows the consumer" in newcomer.run("flask", "wiki-oauth", "check")
        with newcomer.served("-m", "flask", "run", "--port", str(newcomer.port)):
            newcomer.use_tool()
        assert "Deleted: 0" in newcomer.run("flask", "wiki-oauth", "purge")

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
