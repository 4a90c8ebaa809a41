"""What differs between the versions that the sandbox wiki can be, each on both sides.

There are no recordings of the newer versions. Each class names where its difference was read: in
Extension:OAuth (branch REL1_46, master for what Wikimedia runs), in league/oauth2-server 9.3.0,
which REL1_46 builds on, or in a public report.
"""

from __future__ import annotations

from datetime import timedelta

import jwt
import pytest
import requests

from bot_actions import save
from pwb_oauth import oauth2
from pwb_oauth.errors import LoginRequiredError
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.wiki import Wiki
from sandbox_clients import CALLBACK, OAuth1Client, OAuth2Client, ask, bearer, pkce, query_of, who

VERSIONS = ("1.43", "1.46", "wikimedia")
KINDS = ("1.0a", "1.0a owner-only", "2.0", "2.0 public", "2.0 owner-only")
EACH = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def wiki(version):
    """A wiki of that version."""
    with SandboxWiki(version=version) as sandbox:
        yield sandbox


@pytest.fixture
def client(wiki):
    return OAuth2Client(wiki, wiki.add_consumer("Tool", callback_url=CALLBACK))


@pytest.fixture
def public(wiki):
    consumer = wiki.add_consumer("App", callback_url=CALLBACK, confidential=False)
    return OAuth2Client(wiki, consumer)


def exchange(client, **fields):
    """Ask for a token with a code."""
    return client.token(grant_type="authorization_code", **fields)


def told(reply):
    """Status, code and hint of an answer of the token endpoint."""
    return reply.status_code, reply.json().get("error"), reply.json().get("hint")


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


class TestVersion:
    """Which there are."""

    def test_unknown_version_is_a_value_error_that_lists_the_known(self):
        """A typing error is told with what there is."""
        with pytest.raises(ValueError, match=r"'1\.43', '1\.46', 'wikimedia'"):
            SandboxWiki(version="1.44")

    @pytest.mark.parametrize(
        ("version", "generator"),
        [*zip(VERSIONS, ("MediaWiki 1.43", "MediaWiki 1.46", "MediaWiki 1.47"), strict=True)],
    )
    def test_site_information_tells_it(self, wiki, generator):
        """Pywikibot reads there what a wiki can do."""
        reply = ask(wiki, action="query", meta="siteinfo").json()
        assert reply["query"]["general"]["generator"].startswith(generator)


@EACH
class TestOwnClient:
    """Pywikibot with pwb_oauth, against each version."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_signs_in_edits_and_renews_its_token(self, wiki, bot, kind):
        """A login by each flow, an edit, and one more after the access token has expired."""
        bot.log_in(kind)
        save(bot.site("Alice"), "Before")
        first = bot.store.load(bot.key("Alice")).access_token
        if "owner-only" not in kind:
            wiki.expire_tokens()
        save(bot.site("Alice"), "After")
        for title in ("Before", "After"):
            assert wiki.pages[title].latest.user == "Alice"
        renewed = bot.store.load(bot.key("Alice")).access_token != first
        assert renewed == (kind in ("2.0", "2.0 public"))

    def test_refresh_token_that_is_used_up_asks_for_a_login(self, wiki, bot):
        """Whatever the version calls it."""
        stored = bot.log_in("2.0")
        address = Wiki.from_url(wiki.api_url)
        oauth2.refresh(address, stored.consumer, stored.access_token, username="Alice")
        wiki.clock.advance(601)
        with pytest.raises(LoginRequiredError):
            oauth2.refresh(address, stored.consumer, stored.access_token, username="Alice")


class TestRefreshTokenRefused:
    """League's changelog, 9.0.0: ``invalid_grant`` and 400, not ``invalid_request`` and 401."""

    @pytest.mark.parametrize(
        ("version", "expected"),
        [
            ("1.43", (401, "invalid_request")),
            ("1.46", (400, "invalid_grant")),
            ("wikimedia", (400, "invalid_grant")),
        ],
    )
    def test_rotated_expired_foreign_and_garbage_are_refused_alike(self, wiki, client, expected):
        """Only the hint tells them apart."""
        other = OAuth2Client(wiki, wiki.add_consumer("Other", callback_url=CALLBACK))
        used = client.obtain()["refresh_token"]
        client.refresh(used)
        late = client.obtain()["refresh_token"]
        wiki.clock.advance(timedelta(days=366).total_seconds())
        foreign = other.obtain()["refresh_token"]
        hints = {}
        for name, token in {"used": used, "late": late, "foreign": foreign, "no": "x"}.items():
            *said, hints[name] = told(client.refresh(token))
            assert tuple(said) == expected, name
        assert hints["foreign"] == "Token is not linked to client"
        assert hints["no"] == "Cannot decrypt the refresh token"
        assert hints["late"] == hints["used"] == "Token has expired"


class TestCodeRefused:
    """League's changelog, 9.1.0, and ``AuthCodeGrant`` for which of them and for the hints."""

    @pytest.mark.parametrize(
        ("version", "error", "garbage"),
        [
            ("1.43", "invalid_request", "Cannot decrypt the authorization code"),
            ("1.46", "invalid_grant", "Cannot validate the provided authorization code"),
            ("wikimedia", "invalid_grant", "Cannot validate the provided authorization code"),
        ],
    )
    def test_used_expired_and_garbage_have_the_versions_error(self, wiki, client, error, garbage):
        """All are 400."""
        used, late = client.code(), client.code()
        exchange(client, code=used)
        assert told(exchange(client, code=used))[:2] == (400, error)
        wiki.clock.advance(601)
        assert told(exchange(client, code=late)) == (400, error, "Authorization code has expired")
        assert told(exchange(client, code="garbage")) == (400, error, garbage)

    @EACH
    def test_code_of_another_client_is_an_invalid_request_everywhere(self, wiki, client):
        """The newer ones did not change that."""
        other = OAuth2Client(wiki, wiki.add_consumer("Other", callback_url=CALLBACK))
        assert told(exchange(client, code=other.code())) == (
            400,
            "invalid_request",
            "Authorization code was not issued to this client",
        )


class TestErrorText:
    """League's changelog, 9.0.0: the sentence stands under ``error_description`` alone."""

    @pytest.mark.parametrize(
        ("version", "repeated"), [*zip(VERSIONS, (True, False, False), strict=True)]
    )
    def test_message_repeats_it_on_the_older_one(self, wiki, client, repeated):
        """At the token endpoint and at the profile."""
        profile = f"{wiki.rest_url}/oauth2/resource/profile"
        replies = [client.token(grant_type="nonsense"), client.refresh("garbage")]
        replies.append(requests.get(profile, timeout=10))
        for reply in replies:
            said = reply.json()
            assert said.get("message") == (said["error_description"] if repeated else None)


class TestScopeError:
    """League's changelog, 9.0.1: ``state`` comes with ``invalid_scope``."""

    @pytest.mark.parametrize(
        ("version", "state"), [*zip(VERSIONS, (None, "a b", "a b"), strict=True)]
    )
    def test_state_comes_back_with_the_newer_ones(self, wiki, client, state):
        """An application that insists on it would wait for ever on the older one."""
        found = query_of(wiki.approve(client.link(scope="nosuch", state="a b")))
        assert found["error"] == "invalid_scope"
        assert found.get("state") == state

    @EACH
    def test_cancel_has_no_state_anywhere(self, wiki, client):
        """That error is Extension:OAuth's own (``Authorize.execute``)."""
        link = client.link(state="s", redirect_uri=CALLBACK)
        found = query_of(wiki.approve(link, allow=False))
        assert found["error"] == "unauthorized_client"
        assert "state" not in found


class TestClientOfTheTokenRequest:
    """``AbstractGrant.validateClient`` and ``AuthCodeGrant.validateAuthorizationCode``."""

    @pytest.mark.parametrize(
        ("version", "expected"),
        [
            ("1.43", (401, "invalid_client", None)),
            ("1.46", (400, "invalid_request", "Check the `client_secret` parameter")),
            ("wikimedia", (400, "invalid_request", "Check the `client_secret` parameter")),
        ],
    )
    def test_confidential_client_without_a_secret_is_refused(self, client, expected):
        """A wrong one is ``invalid_client`` everywhere."""
        code = client.code()
        assert told(exchange(client, code=code, client_secret="")) == expected
        assert told(exchange(client, code=code, client_secret="x"))[:2] == (401, "invalid_client")

    @pytest.mark.parametrize(
        ("version", "expected"),
        [
            ("1.43", (401, "invalid_client", None)),
            ("1.46", (400, "invalid_request", "Invalid redirect URI")),
            ("wikimedia", (400, "invalid_request", "Invalid redirect URI")),
        ],
    )
    def test_other_redirect_uri_than_registered_is_refused(self, client, expected):
        """In the second step."""
        code = client.code(redirect_uri=CALLBACK)
        assert told(exchange(client, code=code, redirect_uri=CALLBACK + "/x")) == expected

    @pytest.mark.parametrize(("version", "status"), [*zip(VERSIONS, (200, 400, 400), strict=True)])
    def test_redirect_uri_in_the_second_step_alone(self, client, status):
        """Newer ones want it in both steps or in none."""
        assert exchange(client, code=client.code(), redirect_uri=CALLBACK).status_code == status

    @EACH
    def test_redirect_uri_in_both_steps_or_in_none_is_right_everywhere(self, client):
        """What an application should do."""
        both = client.code(redirect_uri=CALLBACK)
        assert exchange(client, code=both, redirect_uri=CALLBACK).status_code == 200
        assert exchange(client, code=client.code()).status_code == 200


class TestPkce:
    """``AuthCodeGrant.respondToAccessTokenRequest``."""

    @pytest.mark.parametrize(
        ("version", "expected"),
        [
            ("1.43", (200, None, None)),
            (
                "1.46",
                (
                    400,
                    "invalid_request",
                    "code_verifier received when no code_challenge is present",
                ),
            ),
            (
                "wikimedia",
                (
                    400,
                    "invalid_request",
                    "code_verifier received when no code_challenge is present",
                ),
            ),
        ],
    )
    def test_verifier_for_a_code_without_a_challenge(self, client, expected):
        """1.43 accepts it, which is why a state matters there."""
        fields = {"code": client.code(), "code_verifier": pkce()[0]}
        assert told(exchange(client, **fields)) == expected

    @EACH
    def test_public_client_without_a_challenge_is_refused_everywhere(self, wiki, public):
        """``wgOAuth2RequireCodeChallengeForPublicClients`` is the default, and later the rule."""
        assert wiki.approve(public.link()).startswith(wiki.url)


class TestLoopbackPort:
    """``RedirectUriValidator``, by RFC 8252 section 7.3."""

    @pytest.mark.parametrize(
        ("version", "accepted"), [*zip(VERSIONS, (False, True, True), strict=True)]
    )
    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
    def test_another_port_of_a_loopback_address(self, wiki, host, accepted):
        """A program that listens where there is room need not be registered with a port."""
        registered = wiki.add_consumer("Tool", callback_url=f"http://{host}:9999/cb")
        client = OAuth2Client(wiki, registered)
        other = f"http://{host}:4321/cb"
        ended_on = wiki.approve(client.link(redirect_uri=other))
        assert ended_on.startswith(f"{other}?code=") == accepted
        if accepted:
            fields = {"code": query_of(ended_on)["code"], "redirect_uri": other}
            assert exchange(client, **fields).status_code == 200

    @EACH
    @pytest.mark.parametrize(
        ("registered", "asked"),
        [
            ("http://localhost:9999/cb", "http://localhost:1/cb"),
            ("http://127.0.0.1:9999/cb", "http://127.0.0.1:1/cb2"),
            ("http://127.0.0.1:9999/cb", "http://127.0.0.1.evil.invalid:9999/cb"),
            ("https://127.0.0.1:9999/cb", "https://127.0.0.1:1/cb"),
            ("https://tool.invalid/cb", "https://tool.invalid:8443/cb"),
        ],
    )
    def test_nothing_else_may_differ(self, wiki, registered, asked):
        """Neither ``localhost``'s port, nor another path, host, or port under https."""
        client = OAuth2Client(wiki, wiki.add_consumer("Tool", callback_url=registered))
        assert wiki.approve(client.link(redirect_uri=asked)).startswith(wiki.url)


class TestPublicRefresh:
    """League's changelog, 9.2.0: only a confidential client's secret is checked."""

    @pytest.mark.parametrize(
        ("version", "expected"),
        [
            ("1.43", (401, "invalid_client")),
            ("1.46", (200, None)),
            ("wikimedia", (200, None)),
        ],
    )
    def test_public_client_without_its_secret(self, public, expected):
        """On 1.43 it is issued one, and must send it."""
        verifier, challenge = pkce()
        fields = {"code": public.code(**challenge), "code_verifier": verifier}
        token = exchange(public, client_secret="", **fields).json()["refresh_token"]
        assert told(public.refresh(token, client_secret=""))[:2] == expected


class TestSubject:
    """``AccessTokenEntity.getUserIdentifierForJwt``; T417278 for a token that acts for nobody."""

    @pytest.mark.parametrize(
        ("version", "start"),
        [*zip(VERSIONS, ("", "mw:local:sandbox:", "mw:local:sandbox:"), strict=True)],
    )
    def test_access_token_names_its_user(self, wiki, client, start):
        """The profile's ``sub`` stays a bare number, and so does an owner-only token's."""
        pair = client.obtain("Bob")
        number = str(wiki.users["Bob"].id)
        assert claims(pair["access_token"])["sub"] == start + number
        own = wiki.add_consumer("Own", owner="Bob", owner_only=True).access_token
        assert claims(own)["sub"] == number
        profile = f"{wiki.rest_url}/oauth2/resource/profile"
        reply = requests.get(profile, headers=bearer(pair["access_token"]), timeout=10)
        assert reply.json()["sub"] == number

    @pytest.mark.parametrize(
        ("version", "owner"), [*zip(VERSIONS, (False, True, True), strict=True)]
    )
    def test_token_of_client_credentials_names_nobody_or_the_owner(self, wiki, owner):
        """It is anonymous either way."""
        consumer = wiki.add_consumer("Cron", owner="Bob", grant_types=["client_credentials"])
        answer = OAuth2Client(wiki, consumer).token(grant_type="client_credentials").json()
        number = wiki.users["Bob"].id
        subject = f"mw:local:sandbox:{number}" if owner else ""
        assert claims(answer["access_token"])["sub"] == subject
        assert who(wiki, token=answer["access_token"]) == "127.0.0.1"


class TestUsedRefreshToken:
    """``OAuth2RefreshTokenGracePeriod``, 600 s, in Extension:OAuth for 1.47 (e4424057)."""

    @EACH
    def test_old_access_token_is_dead_at_once_everywhere(self, wiki, client):
        """The grace is the refresh token's alone."""
        pair = client.obtain()
        client.refresh(pair["refresh_token"])
        assert who(wiki, token=pair["access_token"]) == "mwoauth-invalid-authorization"

    @pytest.mark.parametrize("version", ["1.43", "1.46"])
    def test_it_is_dead_at_once_before_1_47(self, client):
        """A client whose answer was lost must log in again."""
        token = client.obtain()["refresh_token"]
        client.refresh(token)
        assert client.refresh(token).status_code in (400, 401)

    @pytest.mark.parametrize("version", ["wikimedia"])
    def test_it_works_for_ten_minutes_from_its_first_use(self, wiki, client):
        """A second use does not prolong it."""
        token = client.obtain()["refresh_token"]
        client.refresh(token)
        wiki.clock.advance(590)
        renewed = client.refresh(token)
        assert who(wiki, token=renewed.json()["access_token"]) == "Alice"
        wiki.clock.advance(20)
        assert told(client.refresh(token)) == (400, "invalid_grant", "Token has been revoked")

    @pytest.mark.parametrize("version", ["wikimedia"])
    def test_withdrawn_grant_ends_it_at_once(self, wiki, client):
        """``RefreshTokenRepository.isRefreshTokenRevoked`` looks for the approval."""
        token = client.obtain()["refresh_token"]
        client.refresh(token)
        wiki.revoke("Alice")
        assert client.refresh(token).status_code == 400


class TestLifetimes:
    """wmf-config's ``wgOAuth2GrantExpirationInterval`` and ``wgOAuth2RefreshTokenTTL``."""

    @pytest.mark.parametrize(
        ("version", "hours", "days"), [("1.43", 1, 31), ("1.46", 1, 31), ("wikimedia", 4, 365)]
    )
    def test_wikimedias_are_longer(self, wiki, client, hours, days):
        """``expires_in`` tells the access token's; the refresh token's is not told."""
        pair = client.obtain()
        assert pair["expires_in"] == hours * 3600
        lifetime = timedelta(days=days).total_seconds()
        wiki.clock.advance(lifetime - 60)
        renewed = client.refresh(pair["refresh_token"]).json()
        wiki.clock.advance(lifetime + 1)
        assert told(client.refresh(renewed["refresh_token"]))[2] == "Token has expired"


class TestEdge:
    """T419034, a public report: Wikimedia's edge looks at a JWT before the wiki does."""

    @pytest.mark.parametrize("version", ["1.43", "1.46"])
    def test_elsewhere_the_wiki_answers(self, wiki, client):
        """HTTP 200 with api.php's error."""
        token = client.obtain()["access_token"]
        wiki.expire_tokens()
        for bad in (token, "damaged", token[:-8]):
            reply = ask(wiki, token=bad, action="query")
            assert reply.status_code == 200
            assert reply.headers["MediaWiki-API-Error"] == "mwoauth-invalid-authorization"

    @pytest.mark.parametrize("version", ["wikimedia"])
    def test_expired_or_damaged_jwt_is_a_401_in_every_place(self, wiki, client):
        """With a challenge, and a body that is no API error."""
        token = client.obtain()["access_token"]
        wiki.expire_tokens()
        places = (wiki.api_url, f"{wiki.rest_url}/v1/page/Sandbox", wiki.index_url)
        for bad, reason in {token: "Jwt is expired", "damaged": "Jwt verification fails"}.items():
            for place in places:
                reply = requests.get(place, headers=bearer(bad), timeout=10)
                assert reply.status_code == 401
                assert reply.json() == {"httpCode": 401, "httpReason": reason}
                assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]

    @pytest.mark.parametrize("version", ["wikimedia"])
    def test_revoked_jwt_passes_the_edge(self, wiki, client):
        """Only the wiki knows what was revoked."""
        pair = client.obtain()
        client.refresh(pair["refresh_token"])
        assert who(wiki, token=pair["access_token"]) == "mwoauth-invalid-authorization"

    @pytest.mark.parametrize("version", ["wikimedia"])
    def test_signature_of_oauth1_passes_the_edge(self, wiki):
        """It is no JWT."""
        consumer = wiki.add_consumer("1", oauth_version="1.0a", callback_url=CALLBACK)
        auth = OAuth1Client(wiki, consumer).obtain(callback="oob")
        assert who(wiki, auth=auth) == "Alice"


class TestSessionJwt:
    """T417833; ``SessionProvider.shouldUseJwtCookie`` and its message in i18n/en.json."""

    @staticmethod
    def cookie(wiki, **credential):
        reply = ask(wiki, action="query", meta="userinfo", **credential)
        return reply.cookies.get("sessionJwt")

    @pytest.mark.parametrize("version", ["1.43", "1.46"])
    def test_nobody_is_sent_one_elsewhere(self, wiki):
        """1.46 knows it (``OAuthUseJwtCookie``), but does not use it unless told to."""
        own = wiki.add_consumer("B", owner="Bob", owner_only=True).access_token
        assert self.cookie(wiki, token=own) is None
        cookies = {"sessionJwt": "garbage"}
        assert "MediaWiki-API-Error" not in ask(wiki, token=own, cookies=cookies).headers

    @pytest.mark.parametrize("version", ["wikimedia"])
    def test_oauth1_and_owner_only_are_sent_one_and_others_not(self, wiki, client):
        """A short-lived JWT needs no other beside it."""
        consumer = wiki.add_consumer("1", oauth_version="1.0a", callback_url=CALLBACK)
        auth = OAuth1Client(wiki, consumer).obtain(callback="oob")
        own = wiki.add_consumer("B", owner="Bob", owner_only=True).access_token
        assert self.cookie(wiki, auth=auth)
        assert self.cookie(wiki, token=own)
        assert self.cookie(wiki, token=client.obtain()["access_token"]) is None

    @pytest.mark.parametrize("version", ["wikimedia"])
    def test_sent_back_it_is_fine_and_with_another_token_an_error(self, wiki):
        """A client must keep the cookies of its tokens apart."""
        bot, bob = (
            wiki.add_consumer("B", owner=owner, owner_only=True).access_token
            for owner in ("BotOwner", "Bob")
        )
        cookies = {"sessionJwt": self.cookie(wiki, token=bot)}
        again = ask(wiki, token=bot, cookies=cookies, action="query")
        assert "MediaWiki-API-Error" not in again.headers
        assert "Set-Cookie" not in again.headers
        for token, sent in ((bob, cookies), (bot, {"sessionJwt": "garbage"})):
            wrong = ask(wiki, token=token, cookies=sent, action="query")
            assert wrong.headers["MediaWiki-API-Error"] == "mwoauth-invalid-authorization-jwt"
            assert wrong.json()["error"]["info"].startswith("Invalid 'sessionJwt' cookie: ")
