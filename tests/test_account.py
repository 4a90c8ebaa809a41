"""A credential at work, against the sandbox wiki over real sockets and a plain requests session."""

from __future__ import annotations

import http.server
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import requests
from requests.adapters import HTTPAdapter

from bots import Bot
from pwb_oauth import clock, oauth2, transport
from pwb_oauth.account import Account
from pwb_oauth.credential import OAuth2AccessToken
from pwb_oauth.errors import (
    ConfigurationError,
    LoginRequiredError,
    StoreUnavailableError,
    TokenRequestError,
    TransportError,
    UsernameMismatchError,
)
from pwb_oauth.sender import Sender, _take_over
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.tokens import MemoryTokenStore, _Slot
from pwb_oauth.wiki import Wiki

BOTH = pytest.mark.parametrize("kind", ["1.0a", "2.0"])
WHO = {"action": "query", "meta": "userinfo", "format": "json"}
REFUSAL = '{"error":{"code":"mwoauth-invalid-authorization","info":"%s"}}'


class Rig:
    """Accounts on a sandbox wiki, and what the wiki saw of them."""

    def __init__(self, wiki, folder, monkeypatch):
        self.wiki = wiki
        self.bot = Bot(wiki, folder)
        self.store = MemoryTokenStore()
        self.base = requests.Session()
        self._monkeypatch = monkeypatch

    def log_in(self, kind="2.0", user="Alice", **options):
        """Store a credential and make an account of it that has read nothing yet."""
        credential = self.bot.credential(kind, user, **options)
        self.store.save(self.bot.key(user), credential)
        self.wiki.log.clear()
        return self.account(user)

    def account(self, user="Alice"):
        return Account(self.bot.key(user), self.store, Wiki.from_url(self.wiki.api_url))

    def who(self, account, **options):
        """Whom api.php takes a request of an account for."""
        return self.get(account, **options).json()["query"]["userinfo"]["name"]

    def get(self, account, **options):
        return account.request("GET", self.wiki.api_url, base=self.base, params=WHO, **options)

    def refreshes(self):
        return self.wiki.log.select(path="/w/rest.php/oauth2/access_token")

    def answers(self):
        """What api.php answered to each request: the user, or the error."""
        return [entry.error or entry.user for entry in self.wiki.log.select(path="/w/api.php")]

    def let_pass(self, seconds):
        """Move the clocks of the wiki and of this machine."""
        self.wiki.clock.advance(seconds)
        self.set_machine_clock(seconds)

    def set_machine_clock(self, seconds):
        """Let this machine's clock differ from the real time."""
        offset = timedelta(seconds=seconds)
        self._monkeypatch.setattr(clock, "now", lambda: datetime.now(timezone.utc) + offset)


@pytest.fixture
def rig(wiki, tmp_path, monkeypatch):
    return Rig(wiki, tmp_path, monkeypatch)


class Scripted(http.server.ThreadingHTTPServer):
    """A server that gives one answer to everything, and remembers the headers that it was sent."""

    def __init__(self, status=200, body="{}", **headers):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.body, self.headers = status, body.encode(), headers
        self.seen = []
        self.url = f"http://127.0.0.1:{self.server_port}/w/api.php"

    def __enter__(self):
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(dict(self.headers))
        self.send_response_only(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_GET  # noqa: N815  # the name that the base class looks for

    def log_message(self, *_):
        pass


def at_once(count, work):
    """Do the same in many threads that start together; what each got, errors included."""
    barrier = threading.Barrier(count)

    def run(_):
        barrier.wait()
        try:
            return work()
        except Exception as error:  # noqa: BLE001  # compared by the test
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def answer_401(rig, body=b"{}"):
    """Let the next answer of api.php be a 401 that says no more than its body does."""
    left = [401]

    def change(response, **_):
        if left:
            response.status_code, response._content = left.pop(), body
            response.headers.clear()

    rig.base.hooks["response"].append(change)


class TestRequest:
    """One request as an account."""

    @pytest.mark.parametrize(
        "kind", ["1.0a", "1.0a owner-only", "2.0", "2.0 owner-only", "2.0 public"]
    )
    def test_good_token_the_wiki_takes_it_for_the_account(self, rig, kind):
        """Each kind of credential signs in, by one request."""
        assert rig.who(rig.log_in(kind)) == "Alice"
        assert len(rig.wiki.log) == 1

    @BOTH
    def test_post_its_form_arrives_whole(self, rig, kind):
        """What was to be sent was sent, and signed."""
        account = rig.log_in(kind)
        form = {**WHO, "titles": "Ä & b=c|+~*'"}
        reply = account.request("POST", rig.wiki.api_url, base=rig.base, data=form)
        assert reply.json()["query"]["userinfo"]["name"] == "Alice"
        assert dict(rig.wiki.log[-1].params) == form

    def test_nothing_stored_it_says_log_in(self, rig):
        """An account without a credential sends nothing and names the command."""
        account = rig.account()
        with pytest.raises(LoginRequiredError, match=r"pwb-oauth login .* --user Alice"):
            rig.get(account)
        assert not len(rig.wiki.log)

    @BOTH
    def test_netrc_names_the_host_it_is_not_used(self, rig, kind, tmp_path, monkeypatch):
        """The requests library would put the password of .netrc in the place of the token."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login mallory password hunter2\n")
        monkeypatch.setenv("NETRC", str(netrc))
        assert rig.who(rig.log_in(kind)) == "Alice"

    @pytest.mark.parametrize(("kind", "status"), [("2.0", 301), ("1.0a", 302), ("2.0", 308)])
    def test_redirect_the_token_does_not_follow(self, rig, kind, status):
        """Another server is named in the error, and gets no request at all."""
        account = rig.log_in(kind)
        with Scripted() as target, Scripted(status, Location=target.url) as wiki:
            with pytest.raises(ConfigurationError, match=f":{target.server_port}") as error:
                account.request("GET", wiki.url, base=rig.base, allow_redirects=True)
            assert target.seen == []
            assert len(wiki.seen) == 1
        assert "Bearer" not in str(error.value)

    @pytest.mark.parametrize("location", ["http://[bad", "//", "javascript:alert(1)", "http://x:y"])
    def test_redirect_to_nowhere_it_is_the_same_error(self, rig, location):
        """Pywikibot takes a ValueError for its own."""
        account = rig.log_in()
        with (
            Scripted(302, Location=location) as wiki,
            pytest.raises(ConfigurationError, match="redirects its API to"),
        ):
            account.request("GET", wiki.url, base=rig.base)

    def test_redirect_within_the_host_the_error_names_it(self, rig):
        """A relative address is told as a whole one."""
        account = rig.log_in()
        with Scripted(302, Location="/elsewhere") as wiki:
            with pytest.raises(
                ConfigurationError, match=rf"to http://127.0.0.1:{wiki.server_port}"
            ):
                account.request("GET", wiki.url, base=rig.base)
            assert len(wiki.seen) == 1

    def test_stream_the_body_is_left_to_be_read(self, rig):
        """A refused answer is thrown away, the next is streamed."""
        account = rig.log_in()
        rig.wiki.expire_tokens()
        reply = rig.get(account, stream=True)
        assert not reply._content_consumed
        assert reply.json()["query"]["userinfo"]["name"] == "Alice"

    def test_a_session_sends_it_by_itself_it_refuses(self, rig):
        """An account as the auth of a foreign session would go out unsigned."""
        with pytest.raises(ConfigurationError, match="was replaced"):
            rig.base.get(rig.wiki.api_url, auth=rig.log_in())
        assert not len(rig.wiki.log)

    def test_repr_it_names_the_account_alone(self, rig):
        """Wherever it is printed, it says whose it is."""
        assert repr(rig.log_in()) == f"Account('Alice', '{rig.bot.host}')"


class TestBaseSession:
    """The session in whose place an account's own sends: its settings count as they are now."""

    def test_adapter_mounted_later_it_is_used(self, rig, monkeypatch):
        """With the certificates of that session and the time-out that the request asks for."""
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        account = rig.log_in()
        rig.get(account)
        sent = []

        class Noting(HTTPAdapter):
            def send(self, request, **options):
                sent.append(options)
                return super().send(request, **options)

        rig.base.mount("http://", Noting())
        rig.base.verify = "/certificates"
        rig.get(account, timeout=7)
        assert [(options["verify"], options["timeout"]) for options in sent] == [
            ("/certificates", 7)
        ]

    def test_proxy_gets_nothing_that_is_in_clear_text(self, rig, monkeypatch):
        """Only this machine is reached by http; a proxy on the network would read the token."""
        monkeypatch.setenv("NO_PROXY", "")
        account = rig.log_in()
        with Scripted(body='{"by":"proxy"}') as proxy:
            address = f"http://127.0.0.1:{proxy.server_port}"
            rig.base.proxies["http"] = address
            monkeypatch.setenv("HTTP_PROXY", address)
            monkeypatch.setenv("http_proxy", address)
            rig.wiki.expire_tokens()
            assert "query" in rig.get(account).json()
            assert len(rig.refreshes()) == 1
            assert proxy.seen == []

    def test_proxy_gets_nothing_while_another_thread_begins_a_request(self, rig, monkeypatch):
        """Threads share the session, which takes over its settings anew for each request."""
        account = rig.log_in()
        real = Sender._signature

        def begin_another(sender, offset):
            _take_over(sender._session, rig.base)
            return real(sender, offset)

        monkeypatch.setattr(Sender, "_signature", begin_another)
        monkeypatch.setenv("NO_PROXY", "")
        with Scripted(body='{"by":"proxy"}') as proxy:
            rig.base.proxies["http"] = f"http://127.0.0.1:{proxy.server_port}"
            monkeypatch.setenv("http_proxy", rig.base.proxies["http"])
            assert "query" in rig.get(account).json()
            assert proxy.seen == []

    @pytest.mark.parametrize("kind", ["1.0a", "2.0", "2.0 owner-only"])
    def test_pickles_of_answers_and_network_errors_hold_no_token(self, tmp_path, monkeypatch, kind):
        """Some run requests in other processes, or keep answers in files."""
        with SandboxWiki(version="wikimedia") as wiki:
            rig = Rig(wiki, tmp_path, monkeypatch)
            account = rig.log_in(kind)
            pickled = [pickle.dumps(rig.get(account)) for _ in range(2)]
            wiki.fail_next("cut")
            with pytest.raises(requests.ConnectionError) as cut:
                rig.get(account)
            pickled.append(pickle.dumps((cut.value, cut.value.request)))
            cookies = [entry.headers.get("Cookie", "") for entry in wiki.log]
        token = account.credential.access_token
        secrets = {cookie.partition("=")[2] for cookie in cookies} - {""}
        assert secrets or kind != "1.0a"
        for secret in {getattr(token, "value", None) or token.key, *secrets}:
            assert not [text for text in pickled if secret.encode() in text]
        assert not [text for text in pickled if b"oauth_signature" in text or b"Bearer" in text]

    def test_hook_set_later_it_is_called(self, rig):
        """A response hook sees the answer."""
        account = rig.log_in()
        seen = []
        rig.base.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
        rig.get(account)
        assert seen == [200]

    def test_headers_they_are_sent_but_never_an_authorization(self, rig):
        """The User-Agent is shared, a foreign credential is not."""
        account = rig.log_in()
        rig.base.headers.update({"User-Agent": "my bot", "Authorization": "Basic bWFsbG9yeQ=="})
        assert rig.who(account) == "Alice"
        assert rig.wiki.log[-1].headers["User-Agent"] == "my bot"

    def test_cookies_and_auth_they_stay_there(self, rig):
        """Neither the other session's cookies nor its password reach the account's requests."""
        account = rig.log_in()
        rig.base.cookies.set("sandbox_session", "of somebody else", domain="127.0.0.1")
        rig.base.auth = ("mallory", "hunter2")
        assert rig.who(account) == "Alice"
        assert "Cookie" not in rig.wiki.log[-1].headers


class TestRenewal:
    """Renewing the access token ahead of time, and when the wiki refuses it."""

    def test_minute_before_the_end_it_is_renewed_first(self, rig):
        """The wiki never sees the old token again; the new one is stored."""
        account = rig.log_in()
        old = account.credential
        rig.let_pass(3600 - 59)
        assert rig.who(account) == "Alice"
        assert rig.answers() == ["Alice"]
        assert len(rig.refreshes()) == 1
        assert rig.store.load(account.key) == account.credential
        assert account.credential.access_token != old.access_token
        assert account.credential.logged_in_at == old.logged_in_at

    def test_before_that_minute_it_is_not(self, rig):
        """A token that is good for more than a minute is used as it is."""
        account = rig.log_in()
        rig.let_pass(3600 - 65)
        rig.who(account)
        assert rig.refreshes() == []

    @pytest.mark.parametrize(("passed", "refreshes"), [(25, 0), (28, 1)])
    def test_token_of_half_a_minute_its_last_tenth_counts(self, rig, passed, refreshes):
        """A minute would be more than its whole life."""
        rig.wiki.set_lifetimes(access=timedelta(seconds=30))
        account = rig.log_in()
        rig.let_pass(passed)
        rig.who(account)
        assert len(rig.refreshes()) == refreshes

    def test_refused_by_api_it_is_renewed_and_sent_again(self, rig):
        """HTTP 200 with the error in a header."""
        account = rig.log_in()
        rig.wiki.expire_tokens()
        assert rig.who(account) == "Alice"
        assert rig.answers() == ["mwoauth-invalid-authorization", "Alice"]
        assert len(rig.refreshes()) == 1

    @pytest.mark.parametrize(
        ("errorformat", "body_format"), [("plaintext", "json"), ("html", "xml"), ("bc", "jsonfm")]
    )
    def test_refused_in_any_format_it_is_renewed(self, rig, errorformat, body_format):
        """What the body looks like does not matter."""
        account = rig.log_in()
        rig.wiki.expire_tokens()
        params = {**WHO, "errorformat": errorformat, "format": body_format}
        reply = account.request("GET", rig.wiki.api_url, base=rig.base, params=params)
        assert "Alice" in reply.text

    def test_refused_by_the_edge_it_is_renewed_and_sent_again(self, tmp_path, monkeypatch):
        """HTTP 401 with a JSON body that Pywikibot would take for a success."""
        with SandboxWiki(version="wikimedia") as wiki:
            rig = Rig(wiki, tmp_path, monkeypatch)
            account = rig.log_in()
            wiki.expire_tokens()
            assert rig.who(account) == "Alice"
            assert [entry.status for entry in wiki.log.select(path="/w/api.php")] == [401, 200]
            assert len(rig.refreshes()) == 1

    @BOTH
    def test_bare_401_of_api_and_a_good_token_the_account_lives(self, rig, kind):
        """It is no success, as Pywikibot would think, and nothing against the token."""
        account = rig.log_in(kind)
        answer_401(rig)
        with pytest.raises(TransportError, match=r"\(HTTP 401\).*Try again later"):
            rig.get(account)
        assert rig.refreshes() == []
        assert rig.who(account) == "Alice"

    @pytest.mark.parametrize("profile", ["503", "html"])
    def test_bare_401_of_api_and_nobody_knows_the_account_lives(self, rig, profile):
        """A wiki that is out of order says neither."""
        account = rig.log_in()
        answer_401(rig)
        rig.wiki.fail_next(profile, path="resource/profile")
        with pytest.raises(TransportError):
            rig.get(account)
        assert rig.refreshes() == []
        assert rig.who(account) == "Alice"

    def test_bare_401_of_api_and_a_bad_token_it_is_renewed(self, rig):
        """The profile says so."""
        account = rig.log_in()
        rig.wiki.expire_tokens()
        answer_401(rig)
        assert rig.who(account) == "Alice"
        assert [entry.path.rpartition("/")[2] for entry in rig.wiki.log] == [
            "api.php",
            "profile",
            "access_token",
            "api.php",
        ]

    def test_401_that_names_the_expiry_in_its_body_alone_it_is_renewed(self, rig):
        """The edge's words count without a challenge, and the profile need not be asked."""
        account = rig.log_in()
        answer_401(rig, b'{"httpCode":401,"httpReason":"Jwt is expired"}')
        assert rig.who(account) == "Alice"
        assert len(rig.refreshes()) == 1
        assert rig.wiki.log.select(path="/w/rest.php/oauth2/resource/profile") == []

    def test_refused_by_rest_the_profile_decides(self, rig):
        """Its bare 403 proves nothing; the profile's 401 does."""
        account = rig.log_in()
        rig.wiki.expire_tokens()
        reply = account.request("GET", f"{rig.wiki.rest_url}/v1/page/Main_Page", base=rig.base)
        assert reply.status_code in (200, 404)
        asked = [(entry.path.removeprefix("/w/rest.php/"), entry.status) for entry in rig.wiki.log]
        assert asked == [
            ("v1/page/Main_Page", 403),
            ("oauth2/resource/profile", 401),
            ("oauth2/access_token", 200),
            ("v1/page/Main_Page", reply.status_code),
        ]

    @pytest.mark.parametrize("profile", [None, "503", "html"])
    def test_rest_forbids_for_another_reason_the_answer_is_given(self, rig, profile):
        """The token is good, or nobody knows: a refresh would be for nothing."""
        account = rig.log_in()
        if profile:
            rig.wiki.fail_next(profile, path="resource/profile")
        with Scripted(403, '{"httpCode":403}') as wiki:
            url = wiki.url.replace("api.php", "rest.php/v1/page/Secret")
            assert account.request("GET", url, base=rig.base).status_code == 403
        assert rig.refreshes() == []

    def test_oauth1_forbidden_by_rest_the_answer_is_given(self, rig):
        """It says that the token is good, or that this machine's clock is wrong."""
        account = rig.log_in("1.0a")
        with Scripted(403, '{"httpCode":403}') as wiki:
            url = wiki.url.replace("api.php", "rest.php/v1/page/Secret")
            assert account.request("GET", url, base=rig.base).status_code == 403
            rig.set_machine_clock(-3600)
            assert account.request("GET", url, base=rig.base).status_code == 403

    def test_post_sent_again_its_body_is_the_same(self, rig):
        """Both times the wiki got the whole form."""
        account = rig.log_in()
        rig.wiki.expire_tokens()
        form = {**WHO, "titles": "x" * 10_000}
        account.request("POST", rig.wiki.api_url, base=rig.base, data=form)
        sent = rig.wiki.log.select(path="/w/api.php")
        assert [dict(entry.params) for entry in sent] == [form, form]

    @pytest.mark.parametrize("fault", ["503", "html", "half-json", "empty", "maxlag", "badtoken"])
    def test_another_failure_it_is_sent_once(self, rig, fault):
        """Whether such a request was executed is not known, or Pywikibot knows what to do."""
        account = rig.log_in()
        rig.wiki.fail_next(fault, path="/api.php")
        rig.get(account)
        assert len(rig.wiki.log) == 1

    @pytest.mark.parametrize("fault", ["cut", "hang"])
    def test_no_answer_the_error_is_requests_own(self, rig, fault):
        """Pywikibot knows those, and the request may have been executed."""
        account = rig.log_in()
        rig.wiki.fail_next(fault, path="/api.php")
        with pytest.raises(requests.RequestException):
            rig.get(account, timeout=0.3)
        assert rig.refreshes() == []

    def test_each_new_token_refused_it_gives_up_after_three(self, rig):
        """A wiki that gives tokens that it does not accept is not asked for ever."""
        account = rig.log_in()
        text = REFUSAL % "Invalid access token"
        with Scripted(body=text, MediaWiki_API_Error="mwoauth-invalid-authorization") as wiki:
            with pytest.raises(LoginRequiredError, match="refuses each new access token"):
                account.request("GET", wiki.url, base=rig.base)
            assert len({seen["Authorization"] for seen in wiki.seen}) == len(wiki.seen) == 4
            assert len(rig.refreshes()) == 3
            with pytest.raises(LoginRequiredError):
                account.request("GET", wiki.url, base=rig.base)
            assert len(wiki.seen) == 4
        assert rig.store.load(account.key) is not None

    @pytest.mark.parametrize("by_clock", [False, True])
    def test_many_threads_one_refresh(self, rig, by_clock):
        """Sixteen threads with one expired token: one renews it, none fails."""
        account = rig.log_in()
        rig.get(account)
        if by_clock:
            rig.let_pass(3600)
        else:
            rig.wiki.expire_tokens()
        assert at_once(16, lambda: rig.who(account)) == ["Alice"] * 16
        assert len(rig.refreshes()) == 1

    def test_two_processes_one_refresh(self, rig):
        """Two accounts on one store stand for two processes: the second uses what the first got."""
        ours, theirs = rig.log_in(), rig.account()
        assert ours.credential == theirs.credential
        rig.wiki.expire_tokens()
        assert [rig.who(theirs), rig.who(ours)] == ["Alice", "Alice"]
        assert len(rig.refreshes()) == 1

    def test_no_refresh_token_another_process_stored_one_it_is_used(self, rig):
        """Also a token that cannot be renewed may have been replaced."""
        account = rig.log_in("1.0a owner-only")
        rig.get(account)
        rig.wiki.revoke("Alice")
        rig.store.save(account.key, rig.bot.credential("1.0a"))
        assert rig.who(account) == "Alice"

    def test_forgotten_meanwhile_nothing_is_revived(self, rig):
        """Somebody logged out: the wiki is not asked for a token, nothing is stored."""
        account = rig.log_in()
        rig.get(account)
        rig.wiki.expire_tokens()
        rig.store.forget(account.key)
        with pytest.raises(LoginRequiredError, match="Logged out meanwhile"):
            rig.get(account)
        assert rig.refreshes() == []
        assert rig.store.load(account.key) is None

    def test_forgotten_during_the_refresh_the_new_token_is_dropped(self, rig, monkeypatch):
        """A logout between the wiki's answer and the write wins."""
        account = rig.log_in()
        real = oauth2.refresh

        def refresh(*args, **kwargs):
            token = real(*args, **kwargs)
            rig.store.forget(account.key)
            return token

        monkeypatch.setattr(oauth2, "refresh", refresh)
        rig.wiki.expire_tokens()
        with pytest.raises(LoginRequiredError, match="Logged out meanwhile"):
            rig.get(account)
        assert rig.store.load(account.key) is None

    def test_stored_before_it_is_used(self, rig, monkeypatch):
        """A process that is killed with a new token in hand has stored it already."""
        account = rig.log_in()
        rig.wiki.expire_tokens()
        stored = []

        def sender(credential):
            stored.append(rig.store.load(account.key) == credential)
            return Sender(credential)

        monkeypatch.setattr("pwb_oauth.renewal.Sender", sender)
        rig.get(account)
        assert stored == [True, True]


class TestOtherLogin:
    """Another credential turns up in the store while a process runs."""

    def test_it_is_somebody_elses_nothing_is_sent_with_it(self, rig):
        """The request that waits may be an edit, so the wiki is asked first whose token it is."""
        account = rig.log_in()
        rig.get(account)
        rig.wiki.expire_tokens()
        rig.store.save(account.key, rig.bot.credential("2.0", "Bob"))
        rig.wiki.log.clear()
        for _ in range(2):
            with pytest.raises(UsernameMismatchError, match=r"'Bob'.*'Alice'"):
                rig.get(account)
        assert rig.wiki.log.select(user="Bob", path="/w/api.php") == []
        assert len(rig.wiki.log.select(path="/w/rest.php/oauth2/resource/profile")) == 1

    def test_it_is_of_no_use_it_says_so(self, rig):
        """A stored token that the wiki never gave ends at once."""
        account = rig.log_in()
        rig.get(account)
        rig.wiki.expire_tokens()
        credential = account.credential
        garbage = replace(
            credential,
            access_token=OAuth2AccessToken("garbage"),
            logged_in_at=credential.logged_in_at + timedelta(seconds=1),
        )
        rig.store.save(account.key, garbage)
        with pytest.raises(LoginRequiredError, match="does not accept the stored token"):
            rig.get(account)

    def test_a_new_login_has_to_be_confirmed_a_refresh_not(self, rig):
        """What the wiki said of one access token does not hold for another login's."""
        account = rig.log_in()
        assert not account.confirmed
        account.confirm()
        rig.wiki.expire_tokens()
        rig.get(account)
        assert account.confirmed
        rig.wiki.revoke("Alice")
        rig.store.save(account.key, rig.bot.credential("2.0"))
        rig.get(account)
        assert not account.confirmed


class TestDead:
    """A token that is of no use and cannot be renewed."""

    @pytest.mark.parametrize(
        ("version", "kind"),
        [
            ("1.43", "1.0a"),
            ("1.43", "2.0"),
            ("1.43", "2.0 owner-only"),
            ("1.46", "2.0"),
            ("wikimedia", "1.0a owner-only"),
            ("wikimedia", "2.0"),
        ],
    )
    def test_revoked_it_stays_dead_until_another_is_stored(
        self, kind, version, tmp_path, monkeypatch
    ):
        """The credential is kept, no request is made with it, and a new login is used at once."""
        with SandboxWiki(version=version) as wiki:
            rig = Rig(wiki, tmp_path, monkeypatch)
            account = rig.log_in(kind)
            assert rig.who(account) == "Alice"
            stored = account.credential
            wiki.revoke("Alice")
            with pytest.raises(LoginRequiredError, match="pwb-oauth login") as first:
                rig.get(account)
            wiki.log.clear()
            with pytest.raises(LoginRequiredError) as second:
                rig.get(account)
            assert not len(wiki.log)
            assert str(second.value) == str(first.value)
            assert second.value is not first.value
            assert rig.store.load(account.key) == stored
            rig.store.save(account.key, rig.bot.credential(kind))
            assert rig.who(account) == "Alice"

    def test_many_threads_the_wiki_is_asked_once(self, rig):
        """The refresh that fails for good is not tried by each thread."""
        account = rig.log_in()
        rig.get(account)
        rig.wiki.revoke("Alice")
        errors = at_once(16, lambda: rig.get(account))
        assert {type(error) for error in errors} == {LoginRequiredError}
        assert len(rig.refreshes()) == 1

    def test_wrong_consumer_secret_it_says_so_and_keeps_everything(self, rig):
        """No refresh token is lost to a mistyped secret."""
        account = rig.log_in()
        stored = replace(
            account.credential, consumer=replace(account.credential.consumer, secret="wrong")
        )
        rig.store.save(account.key, stored)
        account = rig.account()
        rig.wiki.expire_tokens()
        for _ in range(2):
            with pytest.raises(TokenRequestError, match="key and secret") as error:
                rig.get(account)
            assert error.value.error == "invalid_client"
        assert len(rig.refreshes()) == 1
        assert rig.store.load(account.key) == stored

    def test_refused_by_the_caller_every_request_raises_that(self, rig):
        """What the sign-in found out holds for all that follows."""
        account = rig.log_in()
        account.refuse(UsernameMismatchError("Alice", "Bob"))
        with pytest.raises(UsernameMismatchError, match="'Bob'"):
            rig.get(account)
        assert not len(rig.wiki.log)

    @BOTH
    def test_consumer_disabled_it_says_so(self, rig, kind):
        """Nobody can renew that away; the code is in the message."""
        account = rig.log_in(kind)
        rig.wiki.disable(rig.wiki.consumers[account.credential.consumer.key])
        for _ in range(2):
            with pytest.raises(LoginRequiredError, match=r"disabled \(mwoauth-.*-not-approved\)"):
                rig.get(account)
        assert len(rig.wiki.log) == 1

    @BOTH
    def test_account_locked_it_says_so(self, rig, kind):
        """That is no matter of the token: it is used again when the lock is gone."""
        account = rig.log_in(kind)
        rig.wiki.lock("Alice")
        with pytest.raises(LoginRequiredError, match="does not let Alice in"):
            rig.get(account)
        rig.wiki.users["Alice"].locked = False
        assert rig.who(account) == "Alice"

    def test_store_read_only_it_names_the_variable(self, rig):
        """Nobody can log in to an environment."""
        account = rig.log_in("2.0 owner-only")
        rig.store.read_only = True
        rig.wiki.revoke("Alice")
        with pytest.raises(LoginRequiredError, match="into PWB_OAUTH_TOKEN"):
            rig.get(account)


def out_of_order(_slot, _credential):
    """Write as a keyring that is locked just now does."""
    raise StoreUnavailableError("The keyring is locked. Unlock it.")


class TestTokenEndpointFails:
    """The access token cannot be renewed just now."""

    @pytest.mark.parametrize("fault", ["503", "html", "half-json", "empty", "cut", "hang"])
    def test_it_is_a_transport_error_and_tried_again_next_time(self, rig, fault, monkeypatch):
        """The credential is as it was, and good for the next request."""
        monkeypatch.setattr(transport, "READ_TIMEOUT", 1)
        account = rig.log_in()
        stored = account.credential
        rig.wiki.expire_tokens()
        rig.wiki.fail_next(fault, path="oauth2/access_token", seconds=2)
        with pytest.raises(TransportError):
            rig.get(account)
        assert rig.store.load(account.key) == stored
        if fault != "hang":  # the wiki renewed it after all, and nobody heard
            assert rig.who(account) == "Alice"

    def test_threads_that_waited_do_not_try_it_one_by_one(self, rig, monkeypatch):
        """Eight threads wait for one time-out, not for eight."""
        monkeypatch.setattr(transport, "READ_TIMEOUT", 1)
        account = rig.log_in()
        rig.get(account)
        rig.wiki.expire_tokens()
        rig.wiki.fail_next("hang", count=8, path="oauth2/access_token", seconds=3)
        began = time.monotonic()
        errors = at_once(8, lambda: rig.get(account))
        assert {type(error) for error in errors} == {TransportError}
        assert time.monotonic() - began < 4  # one by one it would be eight

    def test_store_fails_at_the_write_it_is_written_later_without_asking_again(
        self, rig, monkeypatch
    ):
        """The wiki has ended the old pair: only this process still has the new one."""
        account = rig.log_in()
        rig.get(account)
        old = account.credential
        rig.wiki.expire_tokens()
        with monkeypatch.context() as patch:
            patch.setattr(_Slot, "replace", out_of_order)
            for _ in range(3):
                with pytest.raises(StoreUnavailableError):
                    rig.get(account)
        assert rig.store.load(account.key) == old
        assert rig.who(account) == "Alice"
        assert len(rig.refreshes()) == 1
        stored = rig.store.load(account.key)
        assert stored == account.credential != old
        rig.wiki.expire_tokens()
        assert rig.who(account) == "Alice"
        assert [entry.status for entry in rig.refreshes()] == [200, 200]

    def test_login_after_a_failed_write_it_is_the_later_that_counts(self, rig, monkeypatch):
        """What was kept for the first login is not stored for the second."""
        account = rig.log_in()
        rig.get(account)
        rig.wiki.expire_tokens()
        with monkeypatch.context() as patch:
            patch.setattr(_Slot, "replace", out_of_order)
            with pytest.raises(StoreUnavailableError):
                rig.get(account)
        later = rig.bot.credential("2.0")
        rig.store.save(account.key, later)
        assert rig.who(account) == "Alice"
        assert rig.store.load(account.key) == later
        rig.wiki.expire_tokens()
        assert rig.who(account) == "Alice"
        assert rig.store.load(account.key).logged_in_at == later.logged_in_at

    def test_store_unusable_the_error_is_the_stores(self, rig, monkeypatch):
        """The refresh is not even tried."""
        account = rig.log_in()
        rig.get(account)
        rig.wiki.expire_tokens()

        def locked(_key):
            raise OSError

        monkeypatch.setattr(rig.store, "locked", locked)
        with pytest.raises(OSError):  # noqa: PT011
            rig.get(account)
        assert rig.refreshes() == []


class TestCookies:
    """The cookies that wikis set for an account."""

    @pytest.fixture
    def rig(self, tmp_path, monkeypatch):
        """Wikimedia sets sessionJwt, and refuses that of another token."""
        with SandboxWiki(version="wikimedia") as wiki:
            yield Rig(wiki, tmp_path, monkeypatch)

    def sent(self, rig):
        return rig.wiki.log.select(path="/w/api.php")[-1].headers.get("Cookie")

    def test_they_are_sent_back_and_kept_from_the_caller(self, rig):
        """Pywikibot would write the header to its log."""
        account = rig.log_in("1.0a")
        reply = rig.get(account)
        assert "Set-Cookie" not in reply.headers
        rig.get(account)
        assert self.sent(rig).startswith("sessionJwt=")

    def test_two_accounts_share_none(self, rig):
        """One base session, two accounts, each with its own."""
        alice, bob = rig.log_in("1.0a"), rig.log_in("1.0a", "Bob")
        rig.get(alice)
        assert rig.who(bob) == "Bob"
        assert self.sent(rig) is None
        assert not rig.base.cookies

    def test_dropped_they_are_gone(self, rig):
        """A logout leaves none."""
        account = rig.log_in("1.0a")
        rig.get(account)
        account.drop_cookies()
        rig.get(account)
        assert self.sent(rig) is None

    def test_nothing_read_yet_dropping_does_nothing(self, rig):
        """A logout without a request before it."""
        rig.account().drop_cookies()

    def test_another_token_it_starts_without(self, rig):
        """The wiki refuses a request whose sessionJwt belongs to another token."""
        account = rig.log_in("1.0a owner-only")
        rig.get(account)
        rig.wiki.revoke("Alice")
        rig.store.save(account.key, rig.bot.credential("1.0a owner-only"))
        rig.wiki.log.clear()
        assert rig.who(account) == "Alice"
        assert rig.answers() == ["mwoauth-invalid-authorization", "Alice"]
        assert self.sent(rig) is None

    def test_answer_under_way_it_leaves_no_cookie_behind(self, rig):
        """A request that was sent before the logout is answered after it."""
        account = rig.log_in("1.0a")

        def log_out_meanwhile(response, **_):
            account.drop_cookies()

        rig.base.hooks["response"].append(log_out_meanwhile)
        rig.get(account)
        rig.base.hooks["response"].clear()
        rig.get(account)
        assert self.sent(rig) is None


class TestOAuth1Signature:
    """Refusals of a signature, which only OAuth 1.0a knows."""

    @pytest.fixture
    def nonces(self, monkeypatch):
        """What the next requests are signed with, the last for ever."""
        made = ["A" * 32, "B" * 32]
        monkeypatch.setattr(
            "oauthlib.oauth1.rfc5849.generate_nonce",
            lambda: made.pop(0) if len(made) > 1 else made[0],
        )
        return made

    def test_nonce_used_it_is_signed_anew(self, rig, nonces):
        """Another nonce, and the request goes through."""
        account = rig.log_in("1.0a owner-only")
        nonces[:] = ["C" * 32, "C" * 32, "D" * 32]
        rig.get(account)
        assert rig.who(account) == "Alice"
        assert rig.answers() == ["Alice", "mwoauth-invalid-authorization", "Alice"]

    def test_each_nonce_refused_it_is_no_matter_of_the_token(self, rig, nonces):
        """After three repeats it is an error that passes; the account lives."""
        account = rig.log_in("1.0a owner-only")
        nonces[:] = ["C" * 32]
        rig.get(account)
        with pytest.raises(TransportError, match="nonce"):
            rig.get(account)
        assert len(rig.wiki.log) == 1 + 4
        nonces[:] = ["D" * 32]
        assert rig.who(account) == "Alice"

    @pytest.mark.parametrize("seconds", [-4000, 4000])
    def test_clock_wrong_it_is_learned_once(self, rig, seconds):
        """From the wiki's Date; later requests are right at once."""
        account = rig.log_in("1.0a")
        rig.set_machine_clock(seconds)
        assert rig.who(account) == "Alice"
        assert rig.who(account) == "Alice"
        assert rig.answers() == ["mwoauth-invalid-authorization", "Alice", "Alice"]

    def test_clock_put_right_later_it_is_learned_again(self, rig):
        """The machine synchronized its time in the meantime."""
        account = rig.log_in("1.0a")
        rig.set_machine_clock(-4000)
        rig.get(account)
        rig.set_machine_clock(0)
        assert rig.who(account) == "Alice"

    def test_clock_wrong_for_many_threads_none_fails(self, rig):
        """What one thread has learned holds for requests that were under way."""
        account = rig.log_in("1.0a")
        rig.set_machine_clock(-4000)
        account.credential  # noqa: B018
        assert at_once(8, lambda: rig.who(account)) == ["Alice"] * 8

    @pytest.mark.parametrize(
        "date", [None, "", "tomorrow", "Thu, 01 Jan 99999 00:00:00 GMT", "Mon, 01 Jan 2024 00:00"]
    )
    def test_clock_refused_without_a_date_it_says_set_it(self, rig, date):
        """Nothing can be learned: the person has to set the clock."""
        account = rig.log_in("1.0a")
        headers = {"MediaWiki_API_Error": "mwoauth-invalid-authorization"}
        if date is not None:
            headers["Date"] = date
        body = REFUSAL % "Expired timestamp, yours 1, ours 2"
        with Scripted(body=body, **headers) as wiki:
            with pytest.raises(TransportError, match="Set the clock right"):
                account.request("GET", wiki.url, base=rig.base)
            assert len(wiki.seen) == 1
        assert rig.who(account) == "Alice"

    def test_clock_refused_again_and_again_it_ends(self, rig):
        """A Date that has nothing to do with the clock that judges."""
        account = rig.log_in("1.0a")
        rig.get(account)
        body = REFUSAL % "Expired timestamp, yours 1, ours 2"
        headers = {
            "MediaWiki_API_Error": "mwoauth-invalid-authorization",
            "Date": "Mon, 01 Jan 2024 00:00:00 GMT",
        }
        with Scripted(body=body, **headers) as wiki:
            with pytest.raises(TransportError, match="Set the clock right"):
                account.request("GET", wiki.url, base=rig.base)
            assert 2 <= len(wiki.seen) <= 4
        assert rig.who(account) == "Alice"

    def test_signature_refused_the_token_may_still_be_good(self, rig):
        """Some requests cannot be signed as MediaWiki reads them; others go on."""
        account = rig.log_in("1.0a")
        params = [*WHO.items(), ("titles", "A"), ("titles", "B")]
        with pytest.raises(LoginRequiredError, match="repeats a parameter"):
            account.request("GET", rig.wiki.api_url, base=rig.base, params=params)
        assert rig.who(account) == "Alice"

    def test_wrong_secret_it_is_named(self, rig):
        """The wiki calls the signature invalid."""
        account = rig.log_in("1.0a owner-only")
        credential = account.credential
        wrong = replace(credential, consumer=replace(credential.consumer, secret="wrong"))
        rig.store.save(account.key, wrong)
        with pytest.raises(LoginRequiredError, match="secret is wrong"):
            rig.get(rig.account())
