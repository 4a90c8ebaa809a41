"""One web tool in Flask, served by two processes that share nothing but the database."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle

import pytest
import requests

from flask_visitor import environment, settings_for
from web_examples import NO_SERVER, URLS, database_on

SECONDS = 60

SERVERS = [None, *URLS] if URLS else [None, pytest.param("", marks=pytest.mark.skip(NO_SERVER))]


class Visitor:
    """A browser whose requests reach the processes in turn, as a load balancer sends them."""

    def __init__(self, ports: list[int]) -> None:
        self.origin = f"http://127.0.0.1:{ports[0]}"
        self.session = requests.Session()
        self._ports = cycle(ports)
        for port in ports:
            self._await(port)

    def get(self, path: str) -> requests.Response:
        return self.session.get(self._url(path), allow_redirects=False, timeout=30)

    def post(self, path: str, **fields: str) -> requests.Response:
        token = re.search(r'name="pwb_oauth_csrf" value="([^"]*)"', self.get("/form").text)[1]
        return self.session.post(
            self._url(path),
            {"pwb_oauth_csrf": token, **fields},
            headers={"Origin": self.origin},
            allow_redirects=False,
            timeout=30,
        )

    def edit(self, title: str) -> str:
        return self.post("/edit", title=title, text="x").text

    @staticmethod
    def _await(port: int) -> None:
        give_up_at = time.monotonic() + SECONDS
        while True:
            with socket.socket() as caller:
                if caller.connect_ex(("127.0.0.1", port)) == 0:
                    return
            assert time.monotonic() < give_up_at
            time.sleep(0.05)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{next(self._ports)}{path}"


@contextmanager
def two_processes(wiki, folder, server):
    """Serve ``flask_site`` twice, with an empty database; its log is the file ``log``."""
    ports = [free_port(), free_port()]
    config = wiki.write_pywikibot_config(folder / "pywikibot")
    with database_on(server, folder) as database, (folder / "log").open("w") as log:
        settings = settings_for(
            wiki,
            folder,
            f"http://127.0.0.1:{ports[0]}/oauth/callback",
            PWB_OAUTH_DATABASE_URL=database.url,
        )
        variables = {
            **os.environ,
            **environment(settings),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYWIKIBOT_DIR": str(config.parent),
        }
        command = [sys.executable, "-m", "flask", "--app", "flask_site", "run", "-p"]
        processes = [
            subprocess.Popen(  # noqa: S603  # our own program
                [*command, str(port)], env=variables, stdout=log, stderr=log
            )
            for port in ports
        ]
        try:
            yield ports
        finally:
            for process in processes:
                process.terminate()
                process.wait(SECONDS)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class TestTwoProcesses:
    @pytest.mark.parametrize("server", SERVERS, ids=lambda url: (url or "file").partition(":")[0])
    def test_visitor_is_served_by_both(self, wiki, tmp_path, server):
        """Whatever begins in one process goes on in the other."""
        wiki.add_page("Page", "text")
        with two_processes(wiki, tmp_path, server) as ports:
            visitor = Visitor(ports)
            away = visitor.post("/oauth/login", next="/protected")
            back = wiki.approve(away.headers["Location"])
            arrival = visitor.get(back.removeprefix(visitor.origin))
            assert arrival.headers["Location"] == "/protected"
            assert {visitor.get("/me").text for _ in ports} == {"You are Alice."}
            wiki.clock.advance(5 * 3600)  # both have to renew the access token
            with ThreadPoolExecutor() as threads:
                assert list(threads.map(visitor.edit, ["Page"] * 6)) == ["Saved."] * 6
            visitor.post("/oauth/logout")
            assert {visitor.get("/me").text for _ in ports} == {"You are nobody."}
        code = re.search(r"code=([^&]+)", back)[1]
        assert code not in (tmp_path / "log").read_text()
