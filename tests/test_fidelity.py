"""The fidelity harness: following values, playing a case back, the command."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import pytest

import fidelity_table
import pwb_oauth
from fidelity_helpers import (
    DATE,
    DESCRIPTION,
    FORM,
    JSON,
    NEW,
    OLD,
    SERVER,
    answered,
    exchange,
)
from pwb_oauth.testing.fidelity import replay as replay_module
from pwb_oauth.testing.fidelity.__main__ import main
from pwb_oauth.testing.fidelity.actions import carry_out
from pwb_oauth.testing.fidelity.compare import differences
from pwb_oauth.testing.fidelity.follow import Follower
from pwb_oauth.testing.fidelity.outgoing import as_recorded, followed
from pwb_oauth.testing.fidelity.pages import Field, Form, Page
from pwb_oauth.testing.fidelity.recording import (
    Action,
    Case,
    Exchange,
    RecordingError,
    Recordings,
    Reply,
)
from pwb_oauth.testing.fidelity.replay import replay
from pwb_oauth.testing.fidelity.report import as_table
from pwb_oauth.testing.fidelity.signing import Secrets, header_parameters, signed
from pwb_oauth.testing.sandbox import SandboxWiki
from recordings import FOLDER, needs_recordings


class TestFollower:
    def test_token_in_nested_query_is_replaced_at_every_depth(self):
        """A token inside a query inside a query is found."""
        follower = Follower()
        follower.learn_pair("abc+def/0123456789", "new+token/987654321")
        inner = urlencode({"token": "abc+def/0123456789"})
        text = urlencode({"returntoquery": urlencode({"rest_url": inner}), "x": "a b"})
        expected = text.replace(
            quote(quote(quote("abc+def/0123456789", safe=""), safe=""), safe=""),
            quote(quote(quote("new+token/987654321", safe=""), safe=""), safe=""),
        )
        assert expected != text
        assert follower.encoded_pairs(text, frozenset()) == expected

    def test_pair_without_a_known_value_stays_byte_for_byte(self):
        """An unusual encoding is kept where nothing is replaced."""
        follower = Follower()
        follower.learn_pair(OLD, NEW)
        text = f"title=Special:O%41uth&a&b=&oauth_token={OLD}"
        assert follower.encoded_pairs(text, frozenset()) == text.replace(OLD, NEW)

    def test_short_value_is_replaced_only_where_announced(self):
        """A page number is no made-up value wherever the same digit stands."""
        follower = Follower()
        follower.learn_pair(6, 7)
        assert follower.encoded_pairs("rev=6&n=6", frozenset({"rev"})) == "rev=7&n=6"

    def test_timestamp_is_replaced_as_a_whole_value_only(self):
        """A timestamp inside other text stays."""
        follower = Follower()
        follower.learn_pair("2026-11-22T03:00:00Z", "2026-11-22T03:00:01Z")
        assert follower.text("at 2026-11-22T03:00:00Z") == "at 2026-11-22T03:00:00Z"
        assert follower.value("2026-11-22T03:00:00Z", announced=True) == "2026-11-22T03:00:01Z"

    def test_values_are_learnt_from_every_kind_of_place(self):
        """Cookies, Location, form fields, JSON and form-encoded bodies are read."""
        old = [f"{n}-recorded-value-{n}" for n in "abcd"]
        new = [f"{n}-live-value-of-it" for n in "abcd"]
        follower = Follower()
        for values, learn in ((old, None), (new, follower.learn)):
            headers = (
                ("Set-Cookie", f"s={values[0]}; path=/"),
                ("Location", f"/x?code={values[1]}"),
            )
            page = Page("t", "", [Form("", "post", [Field("wpToken", "hidden", values[2])])])
            reply = Reply(200, headers, f"oauth_token={values[3]}", page)
            if learn is None:
                names = (
                    "header:Set-Cookie:s",
                    "header:Location:code",
                    "html:forms/0:wpToken",
                    "body:oauth_token",
                    "request.url:x",
                )
                recorded = exchange(reply=reply, volatile=frozenset(names))
            else:
                learn(recorded, reply)
        assert [follower.text(value) for value in old] == new

    def test_longer_value_wins_over_one_that_it_contains(self):
        """A value that contains another is replaced as a whole."""
        follower = Follower()
        follower.learn_pair("contained-value", "x1")
        follower.learn_pair("contained-value-and-more", "x2")
        assert follower.text("contained-value-and-more contained-value") == "x2 x1"

    def test_json_body_is_replaced_inside_its_strings(self):
        """A CSRF token, escaped in JSON, is found."""
        follower = Follower()
        follower.learn_pair("0123456789abcdef+\\", "live0123456789+\\")
        body = json.dumps({"token": "0123456789abcdef+\\", "n": [1]})
        assert json.loads(follower.json_text(body)) == {"token": "live0123456789+\\", "n": [1]}
        assert follower.json_text('{"n" : 1}') == '{"n" : 1}'


def authorization(token: str, signature: str = "c2ln") -> tuple[str, str]:
    """Make an OAuth 1.0a header."""
    value = (
        f'OAuth oauth_nonce="n", oauth_timestamp="1", oauth_signature_method="HMAC-SHA1", '
        f'oauth_consumer_key="key", oauth_token="{token}", oauth_signature="{signature}"'
    )
    return "Authorization", value


class TestFollowed:
    def follower(self) -> Follower:
        follower = Follower()
        follower.learn_pair(OLD, NEW)
        return follower

    def test_verifying_request_with_a_replaced_value_is_signed_anew(self):
        """The new signature is the one that the live secrets give."""
        secrets = Secrets(DESCRIPTION)
        secrets.tokens[NEW] = "live-secret"
        recorded = exchange(headers=(authorization(OLD),), signature_verifies=True)
        request = followed(recorded, self.follower(), secrets)
        parameters = header_parameters(request.header("Authorization"))
        assert parameters["oauth_token"] == NEW
        assert parameters["oauth_nonce"] == "n"
        assert request == signed(request, secrets, rightly=True)
        assert parameters["oauth_signature"] != "c2ln"

    def test_request_without_a_replaced_value_keeps_its_signature(self):
        """Nothing to follow: the request goes out as it was."""
        recorded = exchange(headers=(authorization("owner"),), signature_verifies=True)
        assert followed(recorded, self.follower(), Secrets(DESCRIPTION)) == as_recorded(recorded)

    def test_bad_signature_stays_bad_when_a_value_is_replaced(self):
        """A signature that does not verify is replaced by one with a wrong secret."""
        secrets = Secrets(DESCRIPTION)
        secrets.tokens[NEW] = "live-secret"
        recorded = exchange(headers=(authorization(OLD),), signature_verifies=False)
        request = followed(recorded, self.follower(), secrets)
        assert request != signed(request, secrets, rightly=True)
        assert header_parameters(request.header("Authorization"))["oauth_token"] == NEW

    def test_parameters_in_the_query_are_signed_there(self):
        """The signature is put into the query where the recording has it."""
        secrets = Secrets(DESCRIPTION)
        secrets.tokens[NEW] = "live-secret"
        query = (
            f"oauth_consumer_key=key&oauth_token={OLD}&oauth_nonce=n&oauth_timestamp=1"
            "&oauth_signature_method=HMAC-SHA1&oauth_signature=c2ln&z=1"
        )
        recorded = exchange(url=f"{SERVER}/w/api.php?{query}", signature_verifies=True)
        request = followed(recorded, self.follower(), secrets)
        assert request == signed(request, secrets, rightly=True)
        signature = parse_qs(request.url)["oauth_signature"]
        assert signature != ["c2ln"]
        assert len(signature) == 1

    def test_cookie_bearer_and_form_values_are_followed(self):
        """Header and body values come from the live wiki."""
        headers = (("Cookie", f"s={OLD}; u=1"), ("Authorization", f"Bearer {OLD}"), FORM)
        recorded = exchange(method="POST", headers=headers, body=f"a=1&token={OLD}%2B%5C")
        request = followed(recorded, self.follower(), Secrets(DESCRIPTION))
        assert request.header("Cookie") == f"s={NEW}; u=1"
        assert request.header("Authorization") == f"Bearer {NEW}"
        assert request.body == f"a=1&token={NEW}%2B%5C".encode()

    def test_json_body_is_not_signed(self):
        """Only a form's pairs take part in a signature."""
        forms = []
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            headers = (authorization("owner"), ("Content-Type", kind))
            request = as_recorded(exchange(method="POST", headers=headers, body="a=1"))
            forms.append(request.form_text)
        assert forms == [None, "a=1"]

    def test_multipart_is_built_anew_with_its_files(self):
        """Text parts are followed, a file's bytes are kept."""
        parts = (
            {
                "name": "token",
                "headers": [["Content-Disposition", 'form-data; name="token"']],
                "value": OLD,
            },
            {
                "name": "f",
                "headers": [["Content-Disposition", 'form-data; name="f"']],
                "base64": "AP8=",
            },
        )
        headers = (("Content-Type", "multipart/form-data; boundary=old"),)
        recorded = exchange(method="POST", headers=headers, parts=parts)
        request = followed(recorded, self.follower(), Secrets(DESCRIPTION))
        assert NEW.encode() in request.body
        assert b"\r\n\r\n\x00\xff\r\n" in request.body
        assert request.header("Content-Type").partition("=")[2].strip('"').encode() in request.body


class TestSecrets:
    @pytest.mark.parametrize(
        "body", ['{"key": "t", "secret": "s"}', "oauth_token=t&oauth_token_secret=s"]
    )
    def test_reply_of_the_token_endpoint_is_learnt(self, body):
        """JSON and form-encoded replies bring token and secret."""
        secrets = Secrets(DESCRIPTION)
        secrets.learn(Reply(200, (), body))
        assert secrets.tokens == {"owner": "owner-secret", "t": "s"}

    @pytest.mark.parametrize("body", [None, "", "Error: no", "[]", '{"key": 1, "secret": null}'])
    def test_reply_without_a_token_teaches_nothing(self, body):
        """An error is no token."""
        secrets = Secrets(DESCRIPTION)
        secrets.learn(Reply(200, (), body))
        assert secrets.tokens == {"owner": "owner-secret"}


class _Clock:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=timezone.utc)
        self.moments: list[datetime] = []

    def set(self, moment: datetime) -> None:
        self.now = moment
        self.moments.append(moment)


class _FakeWiki:
    """Gives out tokens one after another and takes each one once."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.clock = _Clock()
        self.errors: list[Exception] = []
        self.given: set[str] = set()
        self.lock = threading.Lock()
        wiki = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(*wiki.reply(self.path))

            def log_message(self, *args: Any) -> None:
                pass

            def answer(self, status: int, body: str) -> None:
                self.send_response_only(status)
                self.send_header(*JSON)
                self.end_headers()
                self.wfile.write(body.encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        if self.errors:
            raise self.errors[0]

    def reply(self, path: str) -> tuple[int, str]:
        with self.lock:
            if path == "/token":
                self.given.add(f"live-token-number-{len(self.given)}")
                return 200, json.dumps({"token": max(self.given)})
            token = path.partition("=")[2]
            if token in self.given:
                self.given.remove(token)
                return 200, "{}"
            return 401, '{"error": "no"}'


def fake_case(*uses: int) -> Case:
    """Make a case that fetches a token and uses it as often, at once, as statuses are given."""
    give = answered({"token": "recorded-token-1"}, "body:/token", url=f"{SERVER}/token")
    bodies = {200: {}, 401: {"error": "no"}}
    use = [
        exchange(
            number=n,
            label="use",
            parallel="p",
            url=f"{SERVER}/use?token=recorded-token-1",
            reply=Reply(status, (DATE, JSON), json.dumps(bodies[status])),
        )
        for n, status in enumerate(uses, 1)
    ]
    return Case("made-up", (give, *use))


class TestReplay:
    @pytest.fixture(autouse=True)
    def fake_wiki(self, monkeypatch):
        """Play against a server of a few lines."""
        monkeypatch.setattr(replay_module, "SandboxWiki", _FakeWiki)

    def test_value_is_followed_and_parallel_replies_are_compared_as_a_set(self):
        """One of three requests sent at once succeeds, whichever it is."""
        result = replay(fake_case(401, 200, 401), DESCRIPTION)
        assert result.reasons == []
        assert result.passed

    def test_other_set_of_replies_fails_with_reasons(self):
        """Two successes were recorded, the wiki gives one."""
        result = replay(fake_case(200, 200), DESCRIPTION)
        assert not result.passed
        assert "step 2 (use): status: recorded 200, got 401" in result.reasons

    def test_case_ends_where_there_is_no_reply(self, monkeypatch):
        """A cut connection is a difference and ends the case."""
        monkeypatch.setattr(_FakeWiki, "reply", lambda self, path: 1 / 0)
        monkeypatch.setattr(ThreadingHTTPServer, "handle_error", lambda *args: None)
        result = replay(fake_case(200), DESCRIPTION)
        assert len(result.played) == 1
        assert "step 0 (ask): reply" in result.reasons[0]

    def test_clock_is_put_to_the_date_and_never_back_within_a_minute(self, monkeypatch):
        """A wiki that is a second late is left alone: its tokens must not come from the future."""
        wikis = []
        monkeypatch.setattr(_FakeWiki, "__exit__", lambda self, *args: wikis.append(self))
        first, *others = fake_case(200, 401).steps
        later = Reply(200, (("Date", "Sun, 22 Nov 2026 03:00:09 GMT"), JSON), "{}")
        alone = [replace(others[0], parallel=None, reply=reply) for reply in (later, first.reply)]
        replay(Case("made-up", (first, *alone)), DESCRIPTION)
        (wiki,) = wikis
        _FakeWiki.stop(wiki)
        assert [moment.second for moment in wiki.clock.moments] == [7, 9]

    def test_exception_in_the_sandbox_fails_the_case(self, monkeypatch):
        """What went wrong inside the sandbox is a reason, and is not raised again."""
        monkeypatch.setattr(
            _FakeWiki, "reply", lambda self, path: self.errors.append(KeyError("x")) or (200, "{}")
        )
        result = replay(Case("made-up", (exchange(),)), DESCRIPTION)
        assert result.reasons == ["in the sandbox: KeyError('x')"]

    def test_step_that_is_not_known_is_an_error(self):
        """A recording of a later kind is not played as if nothing were."""
        with pytest.raises(RecordingError, match="explode"):
            replay(Case("made-up", (Action("explode", {}),)), DESCRIPTION)


class TestCarryOut:
    @pytest.fixture
    def wiki(self):
        with SandboxWiki() as wiki:
            yield wiki

    def test_consumer_is_disabled_and_enabled_again(self, wiki):
        """The consumer's state is that of an administrator's decision."""
        key = wiki.add_consumer("one", callback_url="http://127.0.0.1/").key
        for do, state in (("disable_consumer", "disabled"), ("reenable_consumer", "approved")):
            carry_out(Action(do, {"consumer": key}), wiki)
            assert wiki.consumers[key].state == state

    def test_lifetimes_are_set(self, wiki):
        """Durations are ISO 8601."""
        carry_out(Action("set_lifetimes", {"access": "PT2S", "refresh": "P1M"}), wiki)
        assert wiki._state.lifetimes.access == timedelta(seconds=2)

    def test_account_is_blocked_and_unblocked(self, wiki):
        """The block has its reason."""
        fields = {"user": "Bob", "by": "Admin", "reason": "test"}
        carry_out(Action("block", fields), wiki)
        assert wiki.users["Bob"].block.reason == "test"
        carry_out(Action("unblock", fields), wiki)
        assert wiki.users["Bob"].block is None

    @pytest.mark.parametrize("do", ["wait", "advance_clock"])
    def test_passing_time_changes_nothing(self, wiki, do):
        """The Dates that follow carry the time."""
        before = wiki.clock.now
        carry_out(Action(do, {"seconds": 3600}), wiki)
        assert wiki.clock.now - before < timedelta(minutes=1)


class TestMain:
    @pytest.fixture(autouse=True)
    def folder(self, monkeypatch, tmp_path):
        """Have a folder with two cases, of which one passes."""
        monkeypatch.setattr(replay_module, "SandboxWiki", _FakeWiki)
        step = {
            "do": "request",
            "by": "client",
            "label": "ask",
            "method": "GET",
            "url": f"{SERVER}/token",
            "request_headers": [],
            "status": 200,
            "response_headers": [list(DATE), list(JSON)],
            "response_body": '{"token": "recorded-token-1"}',
            "volatile": ["body:/token"],
        }
        write(tmp_path, "_wiki", DESCRIPTION)
        write(tmp_path, "good", {"steps": [step]})
        write(tmp_path, "bad", {"steps": [step | {"status": 404}]})
        return str(tmp_path)

    def test_every_case_has_a_line_and_the_last_line_counts(self, folder, capsys):
        """The failing case says why in its line."""
        assert main([folder]) == 0
        assert capsys.readouterr().out.splitlines() == [
            "FAIL bad: step 0 (ask): status: recorded 404, got 200",
            "ok   good",
            "1 of 2",
        ]

    def test_named_case_is_played_alone_and_shown_at_length(self, folder, capsys):
        """Options may stand between the folder and the cases."""
        assert main([folder, "--verbose", "bad"]) == 0
        output = capsys.readouterr().out
        assert f"> GET {SERVER}/token" in output
        assert '< {"token": "live-token-number-0"}' in output
        assert "! status: recorded 404, got 200" in output
        assert output.endswith("0 of 1\n")

    def test_json_is_one_object(self, folder, capsys):
        """A program can read the result."""
        assert main([folder, "--json", "good"]) == 0
        cases = [{"case": "good", "passed": True, "reasons": []}]
        assert json.loads(capsys.readouterr().out) == {"passed": 1, "of": 1, "cases": cases}

    @pytest.mark.parametrize("arguments", [["nowhere"], ["--json", "nowhere"]])
    def test_case_that_does_not_exist_ends_with_2(self, folder, capsys, arguments):
        """The missing file is named in one line."""
        assert main([folder, *arguments]) == 2
        assert "nowhere.json" in capsys.readouterr().err

    def test_wiki_without_users_ends_with_2(self, folder, capsys):
        """A description that no wiki can be set up from is named."""
        write(Path(folder), "_wiki", {"site": {}})
        assert main([folder]) == 2
        assert "lacks users, consumers" in capsys.readouterr().err


def write(folder: Path, name: str, content: Any) -> None:
    """Write a file of a folder of recordings."""
    (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")


class TestRecordings:
    def test_steps_are_read_and_grouped(self, tmp_path):
        """Actions stand alone, exchanges of one parallel group together."""
        step = {
            "do": "request",
            "by": "client",
            "label": "l",
            "method": "GET",
            "url": f"{SERVER}/",
            "request_headers": [],
            "status": 200,
            "response_headers": [list(DATE)],
            "volatile": [],
        }
        parallel = step | {"parallel": "p1"}
        write(tmp_path, "_wiki", DESCRIPTION)
        steps = [step, {"do": "wait", "seconds": 1}, parallel, parallel, step, step]
        write(tmp_path, "a", {"steps": steps, "compare": "status"})
        recordings = Recordings(tmp_path)
        assert recordings.names() == ["a"]
        groups = list(recordings.case("a").groups())
        assert [1 if isinstance(g, Action) else [e.number for e in g] for g in groups] == [
            [0],
            1,
            [2, 3],
            [4],
            [5],
        ]
        assert groups[0][0].status_only
        assert groups[0][0].moment == datetime(2026, 11, 22, 3, 0, 7, tzinfo=timezone.utc)

    def test_last_of_repeated_headers_counts(self):
        """Names are compared without regard to case."""
        assert Reply(200, (("A", "1"), ("a", "2"))).header("A") == "2"

    @pytest.mark.parametrize("content", ["{", "[]", '{"steps": [{"do": "request"}]}'])
    def test_file_that_is_no_recording_is_an_error(self, tmp_path, content):
        """A broken file is named."""
        write(tmp_path, "_wiki", DESCRIPTION)
        (tmp_path / "a.json").write_text(content, "utf-8")
        with pytest.raises(RecordingError, match="a"):
            Recordings(tmp_path).case("a")

    def test_folder_without_a_wiki_ends_the_command_with_2(self, tmp_path, capsys):
        """What is no folder of recordings is said in one line."""
        assert main([str(tmp_path)]) == 2
        assert "_wiki.json" in capsys.readouterr().err


@needs_recordings
class TestFolder:
    def test_every_recorded_reply_is_like_itself(self):
        """Comparing finds nothing where there is nothing to find."""
        recordings = Recordings(FOLDER)
        compared = 0
        for name in recordings.names():
            for step in recordings.case(name).steps:
                if isinstance(step, Exchange):
                    assert differences(step, step.reply) == []
                    compared += 1
        assert compared > 1000

    def test_command_reports_every_case_and_almost_all_are_alike(self, capsys):
        """The harness plays the whole folder and tells what became of each case."""
        assert main([str(FOLDER), "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert [c["case"] for c in report["cases"]] == Recordings(FOLDER).names()
        assert report["of"] == len(report["cases"])
        assert report["passed"] == sum(c["passed"] for c in report["cases"])
        assert all(c["passed"] or c["reasons"] for c in report["cases"])
        assert report["passed"] >= 0.95 * report["of"]
        table = as_table(report)
        assert fidelity_table.documented() == table, "run: python tests/fidelity_table.py"
        document = fidelity_table.DOCUMENT.read_text("utf-8").replace(table, "")
        for case in report["cases"]:
            assert case["passed"] or f"`{case['case']}`" in document, "give its reason there"


class TestTable:
    """What stands in docs/sandbox-wiki.md."""

    def test_cases_are_counted_by_the_start_of_their_names_and_failures_named(self):
        """So that a reader sees at a glance what is not like the wiki."""
        cases = {"a_b_c": True, "a_b_d": False, "e_f": True}
        listed = [{"case": name, "passed": passed} for name, passed in cases.items()]
        report = {"passed": 2, "of": 3, "cases": listed}
        assert as_table(report).splitlines()[2:] == [
            "| `a_b` | 2 | 1 |",
            "| ⚠ `a_b_d` | | no |",
            "| `e_f` | 1 | 1 |",
            "| all | 3 | 2 |",
        ]


@needs_recordings
class TestIgnorance:
    """The sandbox wiki does not know what it is held against."""

    PACKAGE = Path(pwb_oauth.__file__).parent

    def test_no_file_of_the_sandbox_names_a_case(self):
        """Nothing is answered because of what a case is called."""
        assert self.found(Recordings(FOLDER).names(), self.PACKAGE / "testing") == []

    def test_no_file_holds_a_recorded_secret(self):
        """No key, secret, token, password or private key that the recordings were made with."""
        description = json.loads((FOLDER / "_wiki.json").read_text("utf-8"))
        secrets = {text for text in _texts(description) if _is_secret(text)}
        for consumer in description["consumers"].values():
            names = ("client_id", "client_secret", "access_token", "access_secret")
            secrets |= {consumer[name] for name in names if consumer[name]}
        secrets |= {user["password"] for user in description["users"] if user["password"]}
        assert len(secrets) > 50
        assert self.found(secrets, self.PACKAGE) == []

    def found(self, texts, folder):
        """Those that stand in a file of a folder, whole words alone."""
        words = set()
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                words |= set(re.split(r"[^\w.+/=-]+", path.read_text("utf-8")))
                words |= set(re.split(r"\W+", path.read_text("utf-8")))
        return sorted(words.intersection(texts))


def _texts(value):
    """Every text in a JSON document."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def _is_secret(text):
    """Whether a text is long and random: hexadecimal, or a JWT."""
    return re.fullmatch(r"[0-9a-f]{32,}|[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}", text) is not None
