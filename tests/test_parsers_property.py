"""Whatever comes from outside is read as a value or refused by one of our errors, unseen."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone

import jwt
import pytest
import requests
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pwb_oauth import answers, identity, oauth1, oauth2, tokens, transport
from pwb_oauth.account import Account
from pwb_oauth.credential import (
    Consumer,
    Credential,
    OAuth1AccessToken,
    OAuth2AccessToken,
    PendingAuthorization,
    parse_owner_only,
)
from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.refusal import Refusal, refusal_of
from pwb_oauth.stores.index import AccountIndex
from pwb_oauth.stores.split import SplitText
from pwb_oauth.tokens import EnvironmentTokenStore, MemoryTokenStore, TokenKey
from pwb_oauth.wiki import Wiki

# What must never be seen in an error: no other text has it by chance.
SECRET = "s3cr3tS3CR3T" * 3
WIKI = Wiki("https://wiki.example.org")
KEY = TokenKey("wiki.example.org", "Alice")
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
CONSUMER_1 = Consumer("k" * 32, SECRET, "1.0a")
CONSUMER_2 = Consumer("k" * 32, SECRET, "2.0")
TOKEN_1 = OAuth1AccessToken("t" * 32, SECRET)
TOKEN_2 = OAuth2AccessToken(SECRET, SECRET, NOW, NOW - timedelta(hours=1))
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Texts that break parsers more often than chance would find them.
odd_texts = st.sampled_from(
    [
        "",
        " ",
        "\0",
        "\ud800",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-01-01T00:00:00",
        "1e999",
        "-1",
        "9" * 400,
        "٣",
        "[",
        "http://[",
        "http://a:b",
        SECRET,
        f"{SECRET}:{SECRET}",
        f"a:b:c:{SECRET}",
    ]
)
texts = st.text(max_size=40) | odd_texts
odd_values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.just(10**400)
    | texts
    | st.just([])
    | st.just({})
)
json_values = st.recursive(
    odd_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def json_text(value):
    """JSON as PHP and others write it; without surrogates, which no bytes can hold."""
    return json.dumps(value)


def outcome(work):
    """What came of it, once no error other than ours and no secret was seen."""
    try:
        return work()
    except PwbOAuthError as error:
        refusal: BaseException | None = error
    assert str(refusal)
    while refusal is not None:
        assert SECRET not in f"{refusal!r} {refusal} {vars(refusal)}"
        refusal = refusal.__cause__ or refusal.__context__
    return None


def changed(stored, path, value):
    """A copy of a JSON object in which one place holds another value, or is gone."""
    copy = json.loads(json.dumps(stored))
    place = copy
    for name in path[:-1]:
        place = place[name]
    if value is ...:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = value
    return copy


def places(stored, path=()):
    """The path of every value in a JSON object."""
    for name, value in stored.items():
        yield (*path, name)
        if isinstance(value, dict):
            yield from places(value, (*path, name))


def damaged(*objects):
    """JSON objects of a known shape with one place that is not as it should be."""
    return st.sampled_from(objects).flatmap(
        lambda stored: st.builds(
            changed,
            st.just(stored),
            st.sampled_from(list(places(stored))),
            json_values | st.just(...),
        )
    )


CREDENTIALS = [
    json.loads(Credential(consumer, token, "Alice", NOW, "1", ("basic",)).to_json())
    for consumer, token in ((CONSUMER_1, TOKEN_1), (CONSUMER_2, TOKEN_2))
]


class TestCredential:
    """``Credential.from_json``: what a store holds."""

    @given(damaged(*CREDENTIALS) | json_values)
    def test_any_stored_value_a_usable_credential_or_our_error(self, stored):
        """What is read can be used: written again, and asked when it has to be renewed."""
        credential = outcome(lambda: Credential.from_json(json_text(stored)))
        if credential is None:
            return
        assert Credential.from_json(credential.to_json()) == credential
        if isinstance(credential.access_token, OAuth2AccessToken):
            assert credential.access_token.renew_at is None or credential.expires_at.tzinfo

    @given(
        st.sampled_from([("access_token", "expires_at"), ("access_token", "issued_at")])
        | st.just(("logged_in_at",)),
        st.datetimes(timezones=st.timezones()).map(datetime.isoformat) | odd_texts,
    )
    def test_any_time_a_usable_credential_or_our_error(self, path, time):
        """Before and after all times that can be reckoned with, too."""
        stored = changed(CREDENTIALS[1], path, time)
        credential = outcome(lambda: Credential.from_json(json.dumps(stored)))
        if credential is not None:
            assert credential.access_token.renew_at.tzinfo is timezone.utc

    @given(st.text() | st.sampled_from(["[" * 9_000, '{"a":' * 5_000, "NaN", "1" * 5000]))
    def test_any_text_our_error(self, text):
        """Not even JSON."""
        assert outcome(lambda: Credential.from_json(text)) is None


class _Items(dict):
    """A keyring's items."""

    def get(self, service, username):
        return super().get(service)


class TestKeyringHead:
    """``SplitText.read``: what a keyring's item holds."""

    heads = st.from_regex(r"1 [abc] [0-9]{1,5} [0-9a-f]{63,65} .*", fullmatch=True) | texts

    @given(heads, st.dictionaries(st.sampled_from(["it#a1", "it#a2", "it#b1"]), texts))
    def test_any_item_our_error(self, head, pieces):
        """No text has that digest by chance."""
        items = _Items(pieces, it=f"{head}{SECRET}")
        assert outcome(SplitText(items, "it", "Alice").read) is None

    @given(texts, st.integers(0, 5000))
    def test_any_text_it_is_read_as_it_was_written(self, text, repeats):
        """Of any length, and of any letters that a keyring can hold."""
        text = "x" + (text * repeats).encode("utf-8", "ignore").decode()
        items = _Writable()
        SplitText(items, "it", "Alice").write(text)
        assert SplitText(items, "it", "Alice").read() == text


class _Writable(_Items):
    def set(self, service, username, value):
        self[service] = value

    def delete(self, service, username):
        del self[service]


INDEX = {
    "format": 1,
    "accounts": {
        "0": {
            "wiki": "wiki.example.org",
            "username": "Alice",
            "oauth_version": "2.0",
            "store": "keyring:",
            "logged_in_at": NOW.isoformat(),
            "expires_at": None,
            "grants": ["basic"],
            "complete": True,
        }
    },
}


def _as_list(index):
    """The accounts as the file has them: a list, which has no names to point at."""
    accounts = index.get("accounts")
    return {**index, "accounts": list(accounts.values())} if isinstance(accounts, dict) else index


class TestIndex:
    """``AccountIndex``: the file accounts.json."""

    @pytest.fixture
    def index(self, tmp_path_factory):
        """An index whose file a test writes."""
        index = AccountIndex("keyring:")
        index.path = tmp_path_factory.mktemp("index") / "accounts.json"
        index._file = os.fspath(index.path)
        return index

    @FEW
    @given(
        (damaged(INDEX).map(_as_list) | json_values).map(json_text)
        | st.text().map(lambda text: text.encode("utf-8", "ignore").decode())
        | st.sampled_from(["[" * 9_000, "\x00"])
    )
    def test_any_content_entries_or_our_error(self, index, content):
        """And the file stays as it is. It holds no secret, so that its content may be shown."""
        content = content.replace(SECRET, "")
        index.path.write_bytes(content.encode())
        index._read_at = (None, {}, ())
        entries = outcome(index.entries)
        if entries is not None:
            assert all(entry.key.wiki and entry.key.username for entry in entries)
        assert index.path.read_bytes() == content.encode()


class TestEnvironment:
    """``EnvironmentTokenStore`` and ``PWB_OAUTH_STORE``."""

    wikis = st.sampled_from(["wiki.example.org", "https://wiki.example.org/w/index.php"]) | texts
    users = st.sampled_from(["Alice", "alice_B"]) | texts
    secrets = st.builds("{}{}".format, st.just(SECRET), texts) | texts

    @given(wikis, users, secrets)
    def test_any_variables_an_account_or_our_error(self, wiki, username, token):
        """What is listed can be loaded."""
        names = EnvironmentTokenStore._VARIABLES
        store = EnvironmentTokenStore(dict(zip(names, (wiki, username, token), strict=True)))
        for entry in outcome(store.entries) or ():
            credential = outcome(lambda key=entry.key: store.load(key))
            assert credential.username == entry.key.username

    @given(texts | st.builds("{}://u:{}@h/d".format, texts, st.just(SECRET)))
    def test_any_store_url_a_store_or_our_error(self, url):
        """A password in it is not repeated."""
        store = outcome(lambda: tokens.open_token_store(url))
        assert store is None or SECRET not in repr(store)

    @given(secrets)
    def test_any_owner_only_text_a_token_or_our_error(self, text):
        """What a person pastes; what is accepted can stand in a header."""
        found = outcome(lambda: parse_owner_only(text))
        assert found is None or found[0].owner_only


class TestWiki:
    """``Wiki``: addresses."""

    urls = (
        texts
        | st.builds("{}://{}{}".format, st.sampled_from(["http", "https", "ftp"]), texts, texts)
        | st.builds("https://wiki.example.org/w/{}".format, texts)
    )

    @given(urls)
    def test_any_url_a_wiki_or_our_error(self, url):
        """What it says of itself can be asked, and is an address again."""
        wiki = outcome(lambda: Wiki.from_url(url))
        if wiki is not None:
            assert wiki.central.host
            assert outcome(lambda: Wiki.from_url(wiki.api_url)) is not None
            outcome(wiki.require_safe_transport)

    @given(urls)
    def test_any_url_tokens_go_there_only_if_requests_would_ask_that_host(self, url):
        """What we compare and what is then asked must be the same."""
        if not outcome(lambda: WIKI.accepts_tokens_at(url)):
            return
        prepared = requests.Request("GET", url).prepare()
        asked = requests.utils.urlparse(prepared.url)
        assert (asked.scheme, asked.hostname, asked.port) == ("https", "wiki.example.org", None)
        assert asked.path.startswith(("/w/api.php", "/w/rest.php"))


def response_of(status, headers, body, url=WIKI.api_url):
    """An answer of a wiki."""
    response = requests.Response()
    response.status_code, response.url, response._content = status, url, body
    response.headers.update(headers)
    return response


class TestRefusal:
    """Errors of api.php and rest.php: what headers and bodies say."""

    codes = st.sampled_from(
        ["mwoauth-invalid-authorization", "mwoauth-invalid-authorization-jwt", "badtoken"]
    )
    bodies = st.binary() | st.sampled_from(
        [b"Nonce already used", b"Expired timestamp", b"Invalid signature", b"\xff\xfe\x00"]
    )
    headers = st.fixed_dictionaries(
        {},
        optional={
            "MediaWiki-API-Error": codes | texts,
            "WWW-Authenticate": texts | st.just('Bearer error="invalid_token"'),
            "Content-Type": texts | st.just("text/html; charset=utf-7"),
            "Date": texts,
        },
    )
    urls = st.sampled_from([WIKI.api_url, WIKI.rest_url, f"{WIKI.rest_url}/v1/page/A"])

    @given(st.integers(100, 599), headers, bodies, urls)
    def test_any_answer_a_refusal_or_none(self, status, headers, body, url):
        """Nothing is raised, whatever the wiki says."""
        refusal = refusal_of(response_of(status, headers, body, url))
        assert refusal is None or isinstance(refusal, Refusal)

    @given(
        texts
        | st.builds("Thu, 01 Jan {} 00:00:00 {}".format, st.integers(-9, 10**6), texts)
        | st.builds("Thu, 01 Jan 2026 00:00:00 {}{}".format, st.sampled_from("+-"), st.integers(0))
    )
    def test_any_date_the_clock_is_learned_or_our_error(self, date):
        """OAuth 1.0a's refusal of a timestamp."""
        account = Account(KEY, MemoryTokenStore(), WIKI)
        outcome(lambda: account._set_clock(response_of(200, {"Date": date}, b""), 0))
        assert isinstance(account._clock_offset, int)

    @given(headers, st.sampled_from(list(Refusal)))
    def test_any_refusal_its_error_shows_no_secret(self, headers, refusal):
        """A code may be anything."""
        credential = Credential(CONSUMER_1, TOKEN_1, "Alice", NOW)
        account = Account(KEY, MemoryTokenStore(), WIKI)
        headers = {**headers, "MediaWiki-API-Error": f"mwoauth {SECRET}"}
        error = account._error(refusal, credential, response_of(200, headers, b""))
        assert SECRET not in str(error)


CLAIMS = {
    "iss": WIKI.server,
    "aud": CONSUMER_1.key,
    "exp": int(NOW.timestamp()) + 100,
    "iat": int(NOW.timestamp()),
    "nonce": "n",
    "sub": "1",
    "username": "Alice",
    "grants": ["basic"],
    "rights": {"0": "edit"},
    "blocked": False,
}


class TestIdentity:
    """What a wiki says of who a token belongs to."""

    @given(damaged(CLAIMS))
    def test_any_claims_in_a_signed_statement_an_identity_or_our_error(self, claims):
        """OAuth 1.0a's identify: the signature is right, and the content anything."""
        signed = jwt.api_jws.encode(json_text(claims).encode(), SECRET, "HS256")
        found = outcome(lambda: identity._decode(signed, CONSUMER_1))
        assert found is None or isinstance(found, dict)

    @given(damaged(CLAIMS) | st.dictionaries(texts, json_values))
    def test_any_claims_an_identity_or_our_error(self, claims):
        """OAuth 2.0's profile, and what was in the statement."""
        found = outcome(lambda: identity._identity(WIKI, claims))
        if found:
            assert TokenKey(WIKI.host, found.username)
            assert found.username.encode()


TOKEN_ANSWER = {
    "token_type": "Bearer",
    "expires_in": 14400,
    "access_token": SECRET,
    "refresh_token": SECRET,
    "error": "invalid_request",
    "error_description": f"The refresh token {SECRET} is invalid.",
    "hint": f"{SECRET}",
}
PENDING = PendingAuthorization(CONSUMER_2, WIKI.api_url, "state", SECRET, NOW)
PENDING_1 = PendingAuthorization(CONSUMER_1, WIKI.api_url, "state", SECRET, NOW)


class TestTokenAnswer:
    """The token endpoints, and what a browser brings back."""

    @FEW
    @given(damaged(TOKEN_ANSWER), st.sampled_from([200, 302, 400, 401, 403, 404, 429, 500]))
    def test_any_answer_to_a_refresh_a_token_or_our_error(self, answer, status):
        """What it yields can be stored and used."""
        with responses.RequestsMock() as mock:
            url = f"{WIKI.rest_url}/oauth2/access_token"
            mock.post(url, body=json_text(answer), status=status)
            token = outcome(lambda: oauth2.refresh(WIKI, CONSUMER_2, TOKEN_2, username="Alice"))
        if token is not None:
            credential = Credential(CONSUMER_2, token, "Alice", NOW)
            assert Credential.from_json(credential.to_json()) == credential
            assert token.renew_at

    @given(st.dictionaries(st.sampled_from(["state", "code", "error", "error_description"]), texts))
    def test_any_callback_a_code_or_our_error(self, returned):
        """Only the state that was sent is let through."""
        code = outcome(lambda: oauth2._code(WIKI, PENDING, returned))
        assert code is None or returned["state"] == "state"

    @given(st.dictionaries(st.sampled_from(["oauth_token", "oauth_verifier", "x"]), texts))
    def test_any_callback_a_verifier_or_our_error(self, returned):
        """Only the request token that was sent is let through."""
        query = "&".join(f"{name}={value}" for name, value in returned.items())
        for response in (query, f"https://tool.example.org/back?{query}"):
            verifier = outcome(lambda response=response: oauth1._verifier(PENDING_1, response))
            assert verifier is None or PENDING_1.consumer.callback_url is None

    @FEW
    @given(st.sampled_from([429, 500, 503]), texts)
    def test_any_retry_after_our_error(self, status, text):
        """Only a number is repeated."""
        header = "".join(char for char in text if char.isprintable() and ord(char) < 256)
        said = transport._http_failure(response_of(status, {"Retry-After": header}, b""))
        assert said
        assert SECRET not in said

    @given(texts, json_values)
    def test_any_error_its_words_are_one_line_without_a_secret(self, text, value):
        """Both a message and a code."""
        for said in (text, value, f"{text}{SECRET}"):
            words = answers.sentence(said, [SECRET])
            assert SECRET not in words
            assert len(words) <= answers.MAX_SENTENCE
            assert words.isprintable()
            code = answers.error_code(said, [SECRET])
            assert code is None or SECRET not in code
