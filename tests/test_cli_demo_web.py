"""``pwb-oauth demo --web``: each example runs, and ends with the command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from pwb_oauth.cli import demo_web

PATIENCE = 60


class Demo:
    """The command, at work in a process of its own."""

    def __init__(self, name, folder):
        self.output = folder / "output.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603  # our own
                [Path(sys.executable).with_name("pwb-oauth"), "demo", "--web", name],
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def await_text(self, pattern):
        """What the command says, once it says that."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(pattern, self.said)
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(self.said)

    @property
    def said(self):
        return self.output.read_text("utf-8", "replace")

    def press_ctrl_c(self):
        """As a terminal does: every process of the session is told."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE)

    def has_left_processes(self):
        """Whether any process of its group still lives."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True


@pytest.fixture
def start(tmp_path):
    """Start the command; it is ended when the test ends."""
    begun = []

    def start(name):
        begun.append(Demo(name, tmp_path))
        return begun[-1]

    yield start
    for demo in begun:
        if demo.process.poll() is None:
            os.killpg(demo.process.pid, signal.SIGKILL)
            demo.process.wait()


class TestWeb:
    """``--web``."""

    @pytest.mark.parametrize("name", sorted(demo_web.WEB_TOOLS))
    def test_web_tool_answers_and_ctrl_c_ends_it_all(self, start, name):
        """Its front page offers to sign in, with the wiki that was started for it."""
        demo = start(name)
        address = demo.await_text(r"http://127\.0\.0\.1:\d+/")[0]
        demo.await_text("Ctrl-C ends it")
        assert re.search(r"Reviewer, password \S+", demo.said)
        page = requests.get(address, timeout=PATIENCE)
        assert page.status_code == 200
        assert "Sign in" in page.text
        assert demo.press_ctrl_c() == 0
        assert not demo.has_left_processes()

    def test_told_to_end_the_web_tool_ends_too(self, start):
        """As a service manager or a test does it; nothing goes on listening."""
        demo = start("whoami")
        demo.await_text("Ctrl-C ends it")
        demo.process.terminate()
        assert demo.process.wait(PATIENCE) == 128 + signal.SIGTERM
        assert not demo.has_left_processes()

    def test_web_tool_that_cannot_start_is_an_error(self, start, monkeypatch):
        """What it says itself stands above the line that says what to install."""
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "there.is.none")
        demo = start("django")
        assert demo.process.wait(PATIENCE) == 2
        assert "there.is.none" in demo.said or "No module named 'there'" in demo.said
        assert "pip install 'pwb-oauth[django,flask]'" in demo.said.splitlines()[-1]
