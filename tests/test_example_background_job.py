"""The example with a worker: the tool as it is served, and the worker as a process of its own."""

from __future__ import annotations

import re
import secrets
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from pwb_oauth.encryption import new_key
from served import SECONDS, free_port, run, serving, variables_for

PLACE = Path(__file__).resolve().parents[1] / "examples" / "background_job"
WORKER = [sys.executable, str(PLACE / "worker.py")]
FIELD = re.compile(r'name="pwb_oauth_csrf" value="([^"]*)"')


class Tool:
    """The tool, and Alice's browser."""

    def __init__(self, wiki, url, variables, folder):
        self.wiki = wiki
        self.url = url
        self.variables = variables
        self.folder = folder
        self.browser = requests.Session()
        self.browser.trust_env = False

    def log_in(self, user="Alice"):
        gone = self._send("/oauth/login", "/oauth/login")
        back = self.wiki.approve(gone.headers["Location"], user)
        assert self.browser.get(back).ok

    def ask(self, names):
        self._send("/", "/thank", names="\n".join(names))

    def log_out(self):
        self._send("/", "/oauth/logout")

    def work(self):
        """Start a worker and wait for its end; what it printed."""
        return run(WORKER, self.variables, self.folder)

    @contextmanager
    def working(self):
        with subprocess.Popen(  # noqa: S603  # our own program
            WORKER, env=self.variables, cwd=self.folder, stdout=subprocess.PIPE, text=True
        ) as worker:
            try:
                yield worker
            finally:
                worker.kill()

    def thanked(self):
        return [title for title in list(self.wiki.pages) if title.startswith("User talk:")]

    def _send(self, page, path, **form):
        text = self.browser.get(f"{self.url}{page}").text
        form["pwb_oauth_csrf"] = FIELD.search(text)[1]
        return self.browser.post(
            f"{self.url}{path}", form, headers={"Origin": self.url}, allow_redirects=False
        )


@pytest.fixture
def tool(wiki, tmp_path, request):
    version = getattr(request, "param", "2.0")
    port = free_port()
    url = f"http://localhost:{port}"
    consumer = wiki.add_consumer(
        "Thanks",
        oauth_version=version,
        callback_url=f"{url}/oauth/callback",
        grants=("basic", "editpage", "createeditmovepage"),
    )
    config = wiki.write_pywikibot_config(tmp_path / "pywikibot")
    variables = variables_for(
        tmp_path,
        FLASK_SECRET_KEY=secrets.token_hex(),
        PWB_OAUTH_WIKI=wiki.api_url,
        PWB_OAUTH_CLIENT_ID=consumer.key,
        PWB_OAUTH_CLIENT_SECRET=consumer.secret,
        PWB_OAUTH_OAUTH_VERSION=version,
        PWB_OAUTH_CALLBACK_URL=consumer.callback_url,
        PWB_OAUTH_ENCRYPTION_KEYS=new_key(),
        PWB_OAUTH_DATABASE_URL=f"sqlite:///{tmp_path / 'visitors.sqlite'}",
        PYWIKIBOT_DIR=str(config.parent),
        THANK_SITE="sandbox:en",
        THANK_PAUSE="0",
    )
    serve = [sys.executable, "-m", "flask", "--app", str(PLACE / "tool"), "run", "--port"]
    with serving([*serve, str(port)], variables, tmp_path, port):
        tool = Tool(wiki, url, variables, tmp_path)
        tool.log_in()
        yield tool


def names(count):
    return [f"Reader {number}" for number in range(count)]


class TestTool:
    """``tool.py``."""

    def test_name_has_markup_it_is_text(self, tool):
        """MediaWiki has no such names; a wiki that was broken into may answer with any."""
        name = "<img src=x onerror=alert(1)>"
        tool.wiki.add_user(name)
        tool.log_in(name)
        page = tool.browser.get(tool.url).text
        assert "Signed in as <bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>" in page
        assert "<img" not in page


class TestWorker:
    """``worker.py``."""

    def test_visitor_asks_worker_edits_as_them(self, tool):
        """Hours later, perhaps; the page says how far it is."""
        tool.ask(names(2))
        assert not tool.thanked()
        assert "Job 1: done" in tool.work()
        for title in ("User talk:Reader 0", "User talk:Reader 1"):
            revision = tool.wiki.pages[title].latest
            assert revision.user == "Alice"
            assert any(tag.startswith("OAuth") for tag in revision.tags)
        assert "2 of 2 thanked, done" in tool.browser.get(tool.url).text

    def test_visitor_logs_out_before_nothing_is_written(self, tool):
        """The handle in the queue opens nothing any more."""
        tool.ask(names(2))
        tool.log_out()
        assert "Job 1: stopped: you have signed out" in tool.work()
        assert not tool.thanked()

    @pytest.mark.parametrize("tool", ["2.0", "1.0a"], indirect=True)
    def test_visitor_logs_out_meanwhile_one_more_write_at_most(self, tool):
        """That which was on its way. The wiki itself goes on taking a token of OAuth 1.0a."""
        tool.ask(names(50))
        with tool.working() as worker:
            give_up_at = time.monotonic() + SECONDS
            while len(tool.thanked()) < 3 and time.monotonic() < give_up_at:
                time.sleep(0.01)
            tool.log_out()
            done = len(tool.thanked())
            said = worker.communicate(timeout=SECONDS)[0]
        assert "Job 1: stopped: you have signed out" in said
        assert 3 <= done <= len(tool.thanked()) <= done + 1 < 50

    def test_queue_is_stolen_no_token_is_in_it(self, tool):
        """What it holds is encrypted, and forgotten when the job is over."""
        tool.ask(names(1))
        queue = tool.folder / "queue.sqlite"
        assert b"v1." in queue.read_bytes()
        assert b"eyJ" not in queue.read_bytes()
        tool.work()
        with closing(sqlite3.connect(queue)) as database:
            assert database.execute("SELECT handle FROM jobs").fetchall() == [("",)]
