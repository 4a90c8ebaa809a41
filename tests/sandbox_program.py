"""``pwb-oauth sandbox`` in a process of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
from requests_oauthlib import OAuth1

COMMAND = Path(sys.executable).with_name("pwb-oauth")
LAST_LINE = "Ctrl-C ends it."
WHO = {"action": "query", "meta": "userinfo", "format": "json", "formatversion": "2"}


class Program:
    """The command at work, and what it has printed at its start."""

    def __init__(self, *arguments: str, log: bool = True) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own command, no shell
            [COMMAND, "sandbox", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if log else subprocess.DEVNULL,
            text=True,
        )
        lines = []
        while LAST_LINE not in lines:
            line = self.process.stdout.readline()
            assert line, self.process.communicate()
            lines.append(line.rstrip("\n"))
        self.said = "\n".join(lines)
        self.url = re.search(r"A wiki listens at (\S+)", self.said)[1]
        self.api = self.fact("api.php")

    def fact(self, name: str, after: str = "") -> str:
        """What stands behind a name, the first time after some text."""
        said = self.said[self.said.index(after) :]
        return re.search(rf"^ *{name}: (.+)$", said, re.MULTILINE)[1]

    def ask(self, **options: Any) -> str:
        """Who a request is from, with these options of requests."""
        reply = requests.get(self.api, WHO, timeout=10, **options)
        return reply.json()["query"]["userinfo"]["name"]

    def interrupt(self) -> tuple[int, list[str]]:
        """Press Ctrl-C; the exit code, and its log."""
        self.process.send_signal(signal.SIGINT)
        rest, log = self.process.communicate(timeout=20)
        assert rest == ""
        return self.process.returncode, log.splitlines()

    def owner_only(self) -> OAuth1:
        """What signs as BotOwner, by the example of an owner-only consumer of OAuth 1.0a."""
        names = ("key", "secret", "access token", "access secret")
        return OAuth1(*(self.fact(name, "consumer: Example 1.0a, owner-only") for name in names))
