"""The fidelity harness and the sandbox wiki: a flow recorded on one is played on another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest

from pwb_oauth.testing.fidelity.outgoing import as_recorded
from pwb_oauth.testing.fidelity.places import query_of, set_cookies
from pwb_oauth.testing.fidelity.recording import Case, Exchange, Reply
from pwb_oauth.testing.fidelity.replay import replay
from pwb_oauth.testing.fidelity.signing import Secrets, signed
from pwb_oauth.testing.fidelity.transport import send
from pwb_oauth.testing.sandbox import SandboxWiki
from pwb_oauth.testing.sandbox.defaults import default_description

if TYPE_CHECKING:
    from pwb_oauth.testing.fidelity.pages import Form

SERVER = "http://wiki.example"
INDEX = f"{SERVER}/w/index.php"
API = f"{SERVER}/w/api.php"
TOKEN_PLACES = ("body:oauth_token", "body:oauth_token_secret")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
CONSUMER = {
    "id": 1,
    "client_id": "consumer-key",
    "client_secret": "consumer-secret",
    "name": "A tool",
    "owner": "Alice",
    "oauth_version": "1.0a",
    "callback": "http://127.0.0.1:9999/",
    "callback_is_prefix": True,
    "owner_only": False,
    "grants": ["basic"],
    "state": "approved",
    "registered_at": "2026-01-01T00:00:00Z",
    "confidential": None,
    "grant_types": None,
    "access_token": None,
    "access_secret": None,
    "version": "1.0",
    "description": "",
    "restrictions": {"IPAddresses": ["0.0.0.0/0"]},
    "rsa_key": "",
    "wiki": "*",
    "acceptance": None,
}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    """Describe a wiki with a consumer."""
    content = default_description("MediaWiki 1.43.9")
    content["site"]["server"] = SERVER
    content["consumers"] = {"one": CONSUMER}
    return content


class Recorder:
    """Records a client and Alice's browser on a sandbox wiki, as the folders' recorder did."""

    def __init__(self, wiki: SandboxWiki, description: dict[str, Any]) -> None:
        self.steps: list[Exchange] = []
        self._wiki = wiki
        self._secrets = Secrets(description)
        self._cookies: dict[str, str] = {}

    def client(
        self, label: str, method: str, url: str, volatile: tuple[str, ...] = (), **oauth: str
    ) -> Reply:
        """Send a signed request."""
        parameters = {
            "oauth_consumer_key": "consumer-key",
            "oauth_nonce": f"nonce{len(self.steps)}",
            "oauth_timestamp": str(int(self._wiki.clock.now.timestamp())),
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_version": "1.0",
            "oauth_signature": "x",
            **oauth,
        }
        pairs = ", ".join(f'{name}="{quoted(value)}"' for name, value in parameters.items())
        request = self._exchange(
            "client", label, method, url, (("Authorization", f"OAuth {pairs}"),)
        )
        rightly = signed(as_recorded(request), self._secrets, rightly=True)
        return self._send(
            replace(request, headers=rightly.headers, signature_verifies=True), volatile
        )

    def browser(
        self,
        label: str,
        url: str,
        volatile: tuple[str, ...] = (),
        pairs: list[tuple[str, str]] | None = None,
    ) -> Reply:
        """Send a request of Alice's browser, a form if there are pairs."""
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = (("Cookie", cookie),) if cookie else ()
        request = self._exchange("browser:Alice", label, "GET", url, headers)
        if pairs is not None:
            request = replace(
                request, method="POST", headers=(*headers, FORM), body=urlencode(pairs)
            )
        reply = self._send(replace(request, jar="browser:Alice"), volatile)
        self._cookies |= {name: value for name, (value, _) in set_cookies(reply).items()}
        return reply

    def _exchange(self, by: str, label: str, method: str, url: str, headers: Any) -> Exchange:
        return Exchange(
            number=len(self.steps),
            by=by,
            label=label,
            jar=None,
            parallel=None,
            status_only=False,
            method=method,
            url=url,
            headers=headers,
            body=None,
            parts=(),
            signature_verifies=None,
            reply=Reply(0, ()),
            volatile=frozenset(),
        )

    def _send(self, exchange: Exchange, volatile: tuple[str, ...]) -> Reply:
        reply = send(urlsplit(self._wiki.url).netloc, as_recorded(exchange))
        self._secrets.learn(reply)
        dates = (f"header:Set-Cookie:{name}:expires" for name in set_cookies(reply))
        places = frozenset({"header:Date", *volatile, *dates})
        self.steps.append(replace(exchange, reply=reply, volatile=places))
        return reply


def quoted(value: str) -> str:
    """Percent-encode as a header wants it."""
    return urlencode({"": value}).removeprefix("=")


def filled(form: Form, button: str, **typed: str) -> list[tuple[str, str]]:
    """Fill in a form and press a button."""
    hidden = [(f.name, f.value) for f in form.fields if f.type == "hidden"]
    pressed = [(b.name, b.value) for b in form.buttons if b.name == button]
    return [*hidden, *typed.items(), *pressed]


def token_of(reply: Reply) -> str:
    """Read the token in a form-encoded reply."""
    return dict(parse_qsl(reply.body))["oauth_token"]


@pytest.fixture(scope="module")
def case(description) -> Case:
    """Record initiate, sign-in, Allow, token and a request with the access token."""
    with SandboxWiki(description) as wiki:
        recorder = Recorder(wiki, description)
        reply = recorder.client(
            "initiate",
            "POST",
            f"{INDEX}?title=Special:OAuth/initiate",
            TOKEN_PLACES,
            oauth_callback="http://127.0.0.1:9999/cb",
        )
        request_token = token_of(reply)
        verifier = approve(recorder, request_token, wiki.users["Alice"].password)
        reply = recorder.client(
            "token",
            "POST",
            f"{INDEX}?title=Special:OAuth/token",
            TOKEN_PLACES,
            oauth_token=request_token,
            oauth_verifier=verifier,
        )
        recorder.client(
            "who am I",
            "GET",
            f"{API}?action=query&meta=userinfo&format=json",
            oauth_token=token_of(reply),
        )
    return Case("recorded-here", tuple(recorder.steps))


def approve(recorder: Recorder, request_token: str, password: str) -> str:
    """Sign in and press Allow; give the verifier that the callback gets."""
    query = {"title": "Special:OAuth/authorize", "oauth_token": request_token}
    query["oauth_consumer_key"] = "consumer-key"
    session = "header:Set-Cookie:sandbox_session"
    reply = recorder.browser(
        "hop", f"{INDEX}?{urlencode(query)}", ("header:Location:returntoquery",)
    )
    login = reply.header("Location")
    fields = ("html:forms/0:wpLoginToken", "html:forms/0:action:returntoquery")
    (form,) = recorder.browser("login page", login, (session, *fields)).page.forms
    reply = recorder.browser(
        "sign in",
        urljoin(login, form.action),
        (session, "header:Location:oauth_token"),
        filled(form, "wploginattempt", wpName="Alice", wpPassword=password),
    )
    address = reply.header("Location")
    fields = ("html:forms/0:wpEditToken", "html:forms/0:requestToken")
    (form,) = recorder.browser("consent", address, fields).page.forms
    pairs = [*filled(form, "accept"), ("nobody_asked", "1")]
    places = ("header:Location:oauth_verifier", "header:Location:oauth_token")
    reply = recorder.browser("Allow", urljoin(address, form.action), places, pairs)
    return query_of(reply.header("Location"))["oauth_verifier"]


class TestReplay:
    def test_flow_of_one_wiki_is_answered_alike_by_another(self, case, description):
        """Token, secret, cookies, form fields and verifier are all followed."""
        assert '"name":"Alice"' in case.steps[-1].reply.body
        result = replay(case, description)
        assert result.reasons == []
        assert len(result.played) == len(case.steps) == 8

    def test_form_is_sent_with_the_fields_it_has(self, case, description):
        """A field that the page does not have is not sent, whatever was recorded."""
        (press,) = (p for p in replay(case, description).played if p.exchange.label == "Allow")
        assert "nobody_asked" in press.exchange.body
        assert b"nobody_asked" not in press.request.body
        assert b"accept=Allow" in press.request.body

    def test_requests_go_to_the_sandbox_in_the_recorded_name(self, case, description):
        """The Host header is the recorded server's."""
        with SandboxWiki(description) as wiki:
            send(urlsplit(wiki.url).netloc, as_recorded(case.steps[0]))
            assert wiki.log[0].headers["Host"] == "wiki.example"
            own = replace(case.steps[0], headers=(("Host", "other.example"),))
            send(urlsplit(wiki.url).netloc, as_recorded(own))
            assert wiki.log[1].headers.getlist("Host") == ["other.example"]

    def test_wiki_that_answers_otherwise_fails_where_it_does(self, case, description):
        """Another name of the user is found in the last step, and nowhere else."""
        last = case.steps[-1]
        body = last.reply.body.replace('"Alice"', '"Alicia"')
        changed = replace(last, reply=replace(last.reply, body=body))
        result = replay(Case("x", (*case.steps[:-1], changed)), description)
        assert result.reasons == [
            "step 7 (who am I): body:/query/userinfo/name: recorded 'Alicia', got 'Alice'"
        ]
