"""Whatever is sent to the sandbox wiki, it answers as a wiki does."""

from __future__ import annotations

import http.client
import json
import os
import socket
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pwb_oauth.testing import SandboxWiki
from pwb_oauth.testing.sandbox import sessions


def words(text, between=" "):
    """Many short texts, written as one."""
    return text.split(between)


MANY = int(os.environ.get("PWB_OAUTH_TEST_GARBAGE", "1"))
TIMEOUT = 20
METHODS = st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "BREW"])
# Not only noise, which no handler looks at twice: also what each of them reads.
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        words(
            "Alice~Bob~Sandbox~Protected~Main Page~File:X.png~Category:C~Talk:X~a~1~0~-1~"
            "10~max~\\~2~json~xml~jsonfm~php~none~plaintext~html~bc~wikitext~csrf~login~"
            "content~ids~user~title~2026-01-01T00:00:00Z~20260101000000~infinity~now~+\\~"
            "oob~oauth~code~plain~S256~query~edit~upload~move~delete~clientlogin~revisions~"
            "userinfo~siteinfo~allpages~imageinfo~recentchanges~tokens~users~parse~"
            "9999999999999999999~1e5~\x00~\ud7ff~%~[[]]~#",
            "~",
        )
    ),
    st.lists(st.sampled_from(["Alice", "1", "", "content", "x"]), max_size=4).map("|".join),
)
ACTIONS = st.sampled_from(
    words(
        "query edit login logout clientlogin upload move delete undelete protect block "
        "patrol rollback watch parse paraminfo help purge checktoken opensearch "
        "emailuser nosuch"
    )
)
QUERY = st.sampled_from(
    words(
        "info revisions categories links templates categorymembers backlinks "
        "embeddedin allpages allusers recentchanges usercontribs logevents imageinfo "
        "imageusage users userinfo siteinfo tokens search watchlistraw pageprops "
        "random blocks transcludedin langlinks nosuch"
    )
)
NAMES = st.sampled_from(
    words(
        "format formatversion errorformat errorlang assert assertuser maxlag titles "
        "pageids revids generator redirects continue curtimestamp requestid origin "
        "title text token summary section basetimestamp starttimestamp nocreate "
        "createonly appendtext contentmodel lgname lgpassword lgtoken username "
        "password logintoken loginreturnurl filename file url filekey offset filesize "
        "chunk stash ignorewarnings comment from to fromid reason movetalk noredirect "
        "rcid revid user type uiprop siprop inprop rvprop rvlimit rvstartid rvstart "
        "rvdir rvcontinue rvslots aplimit apfrom apprefix apnamespace apcontinue "
        "cmtitle cmlimit cmprop bltitle eititle rcprop rclimit rcstart rccontinue "
        "rcshow ucuser ucuserids ususers usprop iiprop iilimit aulimit auprefix "
        "modules querymodules unwatch expiry titles[] x[] callback indexpageids export "
        "client_id client_secret response_type redirect_uri scope state code_challenge "
        "code_challenge_method approval_pass approval_cancel grant_type code "
        "refresh_token code_verifier oauth_token oauth_verifier oauth_consumer_key "
        "oauth_callback returnto returntoquery rest_url wpName wpPassword wpLoginToken "
        "wpEditToken accept cancel wpgrants[] wpname wpcallbackUrl wpagreement "
        "consumerKey requestToken action"
    )
) | st.text(max_size=6)
PARAMETERS = st.builds(
    lambda action, prop, pairs: [*action, *prop, *pairs],
    st.lists(st.tuples(st.just("action"), ACTIONS), max_size=1),
    st.lists(st.tuples(st.sampled_from(["prop", "list", "meta", "generator"]), QUERY), max_size=2),
    st.lists(st.tuples(NAMES, TEXTS), max_size=6),
)
PATHS = st.one_of(
    st.sampled_from(
        words("/ /w/api.php /w/api.php/x /w/index.php /w/rest.php /w/rest.php/ /wiki/")
    ),
    st.sampled_from(
        [
            "authorize",
            "access_token",
            "resource/profile",
            "resource/scopes",
            "resource/x",
            "client",
            "x",
        ]
    ).map("/w/rest.php/oauth2/{}".format),
    TEXTS.map(lambda text: f"/w/rest.php/v1/page/{quote(text)}"),
    st.sampled_from(
        words(
            "OAuth OAuth/initiate OAuth/token OAuth/identify OAuth/authorize "
            "OAuth/authenticate OAuth/approve OAuth/verified OAuth/rest_redirect "
            "OAuthManageMyGrants UserLogin OAuthManageMyGrants/update/1 "
            "OAuthManageMyGrants/update/x OAuthManageMyGrants/revoke/-1 "
            "OAuthConsumerRegistration/propose OAuthConsumerRegistration/propose/oauth2 "
            "OAuthConsumerRegistration/update/x Nosuch"
        )
    ).map("/wiki/Special:{}".format),
    TEXTS.map(lambda text: f"/wiki/{quote(text)}"),
    st.text(max_size=8).map(lambda text: f"/{quote(text)}"),
)
AUTHORIZATIONS = st.one_of(
    st.just(""),
    st.sampled_from(["OAuth", "Bearer", "Basic", "oauth", "Digest", "Bearer a.b.c", "Basic !!!!"]),
    st.builds(
        lambda scheme, rest: f"{scheme} {rest}",
        st.sampled_from(["OAuth", "Bearer", "Basic"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")),
    ),
    st.dictionaries(
        st.sampled_from(
            [
                "oauth_consumer_key",
                "oauth_token",
                "oauth_signature",
                "oauth_signature_method",
                "oauth_timestamp",
                "oauth_nonce",
                "oauth_version",
                "oauth_callback",
                "oauth_verifier",
                "realm",
            ]
        ),
        st.sampled_from(["", "1.0", "HMAC-SHA1", "RSA-SHA1", "KEY", "TOKEN", "1", "²", "x" * 99]),
    ).map(lambda pairs: "OAuth " + ", ".join(f'{n}="{quote(v)}"' for n, v in pairs.items())),
)
TYPES = st.sampled_from(
    [
        "",
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=latin-1",
        "multipart/form-data; boundary=b",
        "multipart/form-data",
        "application/json",
        "text/plain; charset=nosuch",
        ";;=",
    ]
)
PARTS = st.lists(st.tuples(NAMES, TEXTS), max_size=4).map(
    lambda pairs: (
        "".join(
            f'--b\r\nContent-Disposition: form-data; name="{quote(name)}"; filename="x.png"\r\n\r\n'
            f"{quote(value)}\r\n"
            for name, value in pairs
        )
        + "--b--\r\n"
    ).encode()
)
BODIES = st.one_of(
    st.binary(max_size=60),
    PARAMETERS.map(lambda pairs: urlencode(pairs, errors="replace").encode()),
    PARTS,
    st.sampled_from([b"{}", b"[]", b'{"source":1,"comment":null}', b'{"latest":{"id":"x"}}']),
    st.dictionaries(
        st.sampled_from(["source", "comment", "latest", "token"]),
        TEXTS | st.none() | st.integers() | st.dictionaries(st.just("id"), TEXTS),
    ).map(lambda wish: json.dumps(wish).encode()),
)
COOKIES = st.sampled_from(
    ["", "sandbox_session=x", "sandbox_BPsession=", "sessionJwt=a.b.c", "=;;=", "\xff", 'a="\\777']
)


@pytest.fixture(scope="module", params=["1.43", "wikimedia"])
def wiki(request):
    """One for all requests of a version, in which there is something to find."""
    with SandboxWiki(version=request.param) as sandbox:
        sandbox.add_consumer(
            "K", oauth_version="1.0a", owner="BotOwner", owner_only=True, key="KEY"
        )
        sandbox.add_page("Category:C", "[[Main Page]] {{T}} [[Category:C]]")
        yield sandbox


def send(wiki, method, target, headers, body):
    """Send a request; status, headers and body of the answer."""
    port = int(wiki.url.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.putrequest(method, target)
        for name, value in headers.items():
            if value:
                connection.putheader(name, value.encode("latin-1", "replace"))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        connection.close()


def check(wiki, target, answer):
    """That an answer is a wiki's."""
    status, headers, body = answer
    assert wiki.errors == []
    assert status in (200, 302, 303, 304, 307, 400, 401, 403, 404, 405, 409, 415)
    for trace in (
        b"Traceback",
        b"werkzeug",
        b"Werkzeug",
        b'File "',
        b"<html lang=en>",
        b"[sandbox]",
    ):
        assert trace not in body
    kind = headers.get("Content-Type", "")
    if body and "json" in kind and not body.startswith(b"/**/"):
        json.loads(body)
    if target.startswith("/w/rest.php/") and status >= 400 and body and "json" in kind:
        assert {"httpCode", "error"} & json.loads(body).keys()
    if target.partition("?")[0] == "/w/api.php" and status != 401:
        assert status in (200, 400, 403, 405), (status, body)


class TestGarbage:
    """Every endpoint."""

    @settings(max_examples=150 * MANY, deadline=None)
    @given(METHODS, PATHS, PARAMETERS, AUTHORIZATIONS, TYPES, COOKIES, BODIES)
    def test_request_of_anything_is_answered_by_a_wiki(
        self, wiki, method, path, query, authorization, content_type, cookie, body
    ):
        """No traceback, no page of the server's library, no hang."""
        target = f"{path}?{urlencode(query, errors='replace')}" if query else path
        headers = {"Authorization": authorization, "Content-Type": content_type, "Cookie": cookie}
        check(wiki, target, send(wiki, method, target, headers, body))

    @settings(max_examples=200 * MANY, deadline=None)
    @given(st.sampled_from(["GET", "POST"]), PARAMETERS, st.booleans())
    def test_api_is_asked_for_anything(self, wiki, method, pairs, signed_in):
        """By an administrator with a token that is good, too."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if signed_in:
            cookie, token = _session_of(wiki)
            headers["Cookie"] = f"sandbox_session={cookie}"
            pairs = [*pairs, ("token", token)]
        text = urlencode(pairs, errors="replace")
        target = "/w/api.php" if method == "POST" else f"/w/api.php?{text}"
        body = text.encode() if method == "POST" else b""
        check(wiki, target, send(wiki, method, target, headers, body))

    @settings(max_examples=60 * MANY, deadline=None)
    @given(st.binary(max_size=120))
    @example(b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n")
    @example(b"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n")
    @example(b"POST /w/api.php HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    @example(b"POST /w/api.php HTTP/1.1\r\nContent-Length: 99\r\n\r\naction=query")
    @example(b"GET http://[ HTTP/1.1\r\n\r\n")
    @example(b"GET //w/api.php HTTP/1.1\r\n\r\n")
    @example(b"GET /w/api.php?%ff=%fe&\xff HTTP/1.1\r\nHost: \xff\r\nCookie: \xff\r\n\r\n")
    @example(b"GET /%ff%00%2e%2e/ HTTP/1.1\r\n\r\n")
    def test_bytes_that_are_no_http_end_in_an_answer_or_none(self, wiki, sent):
        """Nothing hangs, nothing is printed, and the next one is served."""
        port = int(wiki.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert wiki.errors == []
        assert b"Traceback" not in answer
        assert b"erkzeug" not in answer.partition(b"\r\n\r\n")[2]
        assert b" 500 " not in answer.partition(b"\r\n")[0]


def _session_of(wiki):
    """The id of a cookie session of the administrator, and its CSRF token."""
    state = wiki._state
    with state.lock:
        session = sessions.start(state, state.users["Admin"])
        return session.id, sessions.make_token(session, "csrf", state.now)
