"""One web tool in Flask, served by two processes that share nothing but the database."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

import pytest
import requests

from web_examples import NO_SERVER, URLS, _free_port, _serving, _variables, database_on

SERVERS = [None, *URLS] if URLS else [None, pytest.param("", marks=pytest.mark.skip(NO_SERVER))]


class Visitor:
    """A browser whose requests reach the processes in turn, as a load balancer sends them."""

    def __init__(self, ports: list[int]) -> None:
        self.origin = f"http://127.0.0.1:{ports[0]}"
        self.session = requests.Session()
        self._ports = cycle(ports)

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

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{next(self._ports)}{path}"


@contextmanager
def two_processes(wiki, folder, server):
    """Serve ``flask_site`` twice, with an empty database."""
    ports = [_free_port(), _free_port()]
    callback = f"http://127.0.0.1:{ports[0]}/oauth/callback"
    consumer = wiki.add_consumer("tool", callback_url=callback, grants=["basic", "editpage"])
    wiki.write_pywikibot_config(folder)
    with database_on(server, folder) as database, ExitStack() as stack:
        variables = {
            **_variables(wiki, consumer, folder),
            "PYTHONPATH": str(Path(__file__).parent),
            "PYWIKIBOT_DIR": str(folder),
            "PWB_OAUTH_DATABASE_URL": database.url,
            "FLASK_SECRET_KEY": "the same key for every process",
        }
        output = stack.enter_context((folder / "log").open("w"))
        for port in ports:
            serve = [sys.executable, "-m", "flask", "--app", "flask_site", "run", "-p", str(port)]
            stack.enter_context(_serving(serve, variables, output, port))
        yield ports


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
