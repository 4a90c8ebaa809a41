"""The sandbox wiki's OAuth 2.0, asked by plain requests and oauthlib's PKCE."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
import requests

from sandbox_clients import CALLBACK, OAuth2Client, ask, bearer, edit, pkce, query_of, who


@pytest.fixture
def client(wiki):
    return OAuth2Client(wiki, wiki.add_consumer("Tool", callback_url=CALLBACK))


@pytest.fixture
def public(wiki):
    consumer = wiki.add_consumer("App", callback_url=CALLBACK, confidential=False)
    return OAuth2Client(wiki, consumer)


class TestAuthorize:
    def test_approval_sends_code_and_state_to_the_callback(self, wiki, client):
        """The code is long, the state comes back as it was."""
        found = query_of(wiki.approve(client.link(state="a b&c"), user="Bob"))
        assert len(found["code"]) > 800
        assert found["state"] == "a b&c"

    def test_cancel_sends_unauthorized_client_without_the_state(self, wiki, client):
        """MediaWiki's answer is not the RFC's access_denied."""
        link = client.link(state="s", redirect_uri=CALLBACK)
        found = query_of(wiki.approve(link, allow=False))
        assert found["error"] == "unauthorized_client"
        assert "state" not in found

    def test_cancel_without_redirect_uri_ends_on_the_wiki(self, wiki, client):
        """Then the application hears nothing."""
        assert wiki.approve(client.link(), allow=False).startswith(wiki.url)

    @pytest.mark.parametrize(
        "redirect_uri", [CALLBACK + "/more", CALLBACK + "?x=1", "http://127.0.0.1:1/cb"]
    )
    def test_other_redirect_uri_ends_on_an_error_page(self, wiki, client, redirect_uri):
        """It must be the registered one, byte for byte."""
        ended_on = wiki.approve(client.link(redirect_uri=redirect_uri))
        assert ended_on.startswith(wiki.url)

    def test_unknown_scope_is_sent_to_the_callback(self, wiki, client):
        """invalid_scope, without the state."""
        found = query_of(wiki.approve(client.link(scope="nosuch", state="s")))
        assert found["error"] == "invalid_scope"
        assert "state" not in found

    def test_scope_narrows_the_token(self, wiki, client):
        """Only what was asked for is in the token."""
        token = client.obtain(scope="basic editpage")["access_token"]
        scopes = jwt.decode(token, options={"verify_signature": False})["scopes"]
        assert scopes == ["basic", "editpage"]

    def test_public_client_without_challenge_is_refused(self, wiki, public):
        """PKCE is a must for those who cannot keep a secret."""
        assert wiki.approve(public.link()).startswith(wiki.url)

    def test_owner_only_client_cannot_be_approved(self, wiki):
        """Its token comes from the registration page."""
        consumer = wiki.add_consumer("Own", owner="Alice", owner_only=True)
        ended_on = wiki.approve(OAuth2Client(wiki, consumer).link())
        assert ended_on.startswith(wiki.url)

    def test_approval_pass_without_an_approval_asks(self, wiki, client):
        """The parameter alone yields no code."""
        ended_on = wiki.approve(client.link(approval_pass="1"), allow=False)
        assert "code=" not in ended_on

    def test_identity_only_client_asks_once(self, wiki):
        """The second time there is no form, so even Cancel yields a code."""
        consumer = wiki.add_consumer("Id", callback_url=CALLBACK, grants=["mwoauth-authonly"])
        client = OAuth2Client(wiki, consumer)
        assert "code=" in wiki.approve(client.link())
        assert "code=" in wiki.approve(client.link(), allow=False)


class TestAccessToken:
    def test_token_is_a_jwt_that_the_wiki_accepts(self, wiki, client):
        """RS256, issued by the wiki for the client, for the user."""
        answer = client.obtain("Bob")
        claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
        assert jwt.get_unverified_header(answer["access_token"])["alg"] == "RS256"
        assert (claims["aud"], claims["iss"]) == (client.consumer.key, wiki.url)
        assert claims["sub"] == str(wiki.users["Bob"].id)
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
        assert who(wiki, token=answer["access_token"]) == "Bob"

    def test_forged_token_is_refused(self, wiki, client):
        """Another key's signature does not count."""
        token = client.obtain()["access_token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        forged = jwt.encode(claims, "a" * 40, "HS256")
        assert who(wiki, token=forged) == "mwoauth-invalid-authorization"

    def test_code_works_once_and_the_first_token_survives(self, wiki, client):
        """Reuse is refused without revoking anything."""
        code = client.code()
        first = client.token(grant_type="authorization_code", code=code).json()
        second = client.token(grant_type="authorization_code", code=code)
        assert (second.status_code, second.json()["error"]) == (400, "invalid_request")
        assert second.json()["hint"] == "Authorization code has been revoked"
        assert who(wiki, token=first["access_token"]) == "Alice"

    def test_code_after_ten_minutes_is_refused(self, wiki, client):
        """Codes live for 10 minutes of the wiki's time."""
        code = client.code()
        wiki.clock.advance(601)
        assert client.token(grant_type="authorization_code", code=code).status_code == 400

    def test_wrong_secret_is_invalid_client(self, client):
        """In the body, or by HTTP Basic with a challenge."""
        code = client.code()
        fields = {"grant_type": "authorization_code", "code": code}
        body = client.token(client_secret="wrong", **fields)
        assert (body.status_code, body.json()["error"]) == (401, "invalid_client")
        basic = requests.post(
            body.url, data=fields, auth=(client.consumer.key, "wrong"), timeout=10
        )
        assert basic.headers["WWW-Authenticate"] == 'Basic realm="OAuth"'
        good = requests.post(
            body.url, data=fields, auth=(client.consumer.key, client.consumer.secret), timeout=10
        )
        assert good.status_code == 200

    def test_public_client_with_its_verifier_needs_no_secret(self, wiki, public):
        """PKCE S256 stands in for the secret."""
        verifier, challenge = pkce()
        code = public.code(**challenge)
        answer = public.token(
            grant_type="authorization_code", code=code, code_verifier=verifier, client_secret=""
        )
        assert who(wiki, token=answer.json()["access_token"]) == "Alice"

    @pytest.mark.parametrize(
        ("verifier", "error"), [("", "invalid_request"), ("w" * 64, "invalid_grant")]
    )
    def test_missing_or_wrong_verifier_is_refused(self, public, verifier, error):
        """The two have different codes."""
        code = public.code(**pkce()[1])
        answer = public.token(
            grant_type="authorization_code", code=code, code_verifier=verifier, client_secret=""
        )
        assert (answer.status_code, answer.json()["error"]) == (400, error)

    def test_client_credentials_act_for_nobody(self, wiki):
        """An ordinary client's own token is anonymous."""
        consumer = wiki.add_consumer(
            "Cron", callback_url=CALLBACK, grant_types=["client_credentials"]
        )
        answer = OAuth2Client(wiki, consumer).token(grant_type="client_credentials").json()
        assert "refresh_token" not in answer
        assert who(wiki, token=answer["access_token"]) == "127.0.0.1"

    def test_json_body_is_an_unsupported_media_type(self, wiki, client):
        """The endpoint reads forms only."""
        reply = requests.post(f"{wiki.rest_url}/oauth2/access_token", json={}, timeout=10)
        assert reply.status_code == 415

    def test_lifetimes_are_settings(self, wiki, client):
        """A test can make tokens short-lived."""
        wiki.set_lifetimes(access=timedelta(seconds=20))
        assert client.obtain()["expires_in"] == 20


class TestRefreshing:
    def test_refresh_rotates_both_tokens(self, wiki, client):
        """The old pair is dead at once, the new one works."""
        old = client.obtain()
        new = client.refresh(old["refresh_token"]).json()
        assert new["refresh_token"] != old["refresh_token"]
        assert who(wiki, token=old["access_token"]) == "mwoauth-invalid-authorization"
        assert who(wiki, token=new["access_token"]) == "Alice"
        again = client.refresh(old["refresh_token"])
        assert (again.status_code, again.json()["error"]) == (401, "invalid_request")
        assert again.json()["error_description"] == "The refresh token is invalid."

    def test_four_refreshes_at_once_yield_one_token(self, client):
        """One wins, three are told to log in again."""
        token = client.obtain()["refresh_token"]
        with ThreadPoolExecutor(4) as pool:
            statuses = sorted(reply.status_code for reply in pool.map(client.refresh, [token] * 4))
        assert statuses == [200, 401, 401, 401]

    def test_expired_refresh_token_says_so_in_the_hint(self, wiki, client):
        """After its lifetime it is of no use."""
        token = client.obtain()["refresh_token"]
        wiki.clock.advance(timedelta(days=32).total_seconds())
        assert client.refresh(token).json()["hint"] == "Token has expired"

    def test_wider_scope_is_refused_and_nothing_is_spent(self, client):
        """A refresh can only narrow; after the error the token still works."""
        token = client.obtain(scope="basic")["refresh_token"]
        assert client.refresh(token, scope="basic editpage").json()["error"] == "invalid_scope"
        assert client.refresh(token).status_code == 200

    def test_disabled_client_is_denied(self, wiki, client):
        """401 access_denied, as for a code."""
        token = client.obtain()["refresh_token"]
        wiki.disable(client.consumer)
        answer = client.refresh(token)
        assert (answer.status_code, answer.json()["error"]) == (401, "access_denied")

    def test_public_client_needs_its_secret_on_1_43(self, public):
        """It is issued one, and must send it to refresh."""
        verifier, challenge = pkce()
        code = public.code(**challenge)
        fields = {"code": code, "code_verifier": verifier, "client_secret": ""}
        token = public.token(grant_type="authorization_code", **fields).json()["refresh_token"]
        assert public.refresh(token, client_secret="").json()["error"] == "invalid_client"
        assert public.refresh(token).status_code == 200


class TestCsrfTokens:
    def test_token_of_the_old_access_token_is_bad_after_a_refresh(self, wiki, client):
        """CSRF tokens belong to the access token."""
        old = client.obtain()
        reply = ask(wiki, token=old["access_token"], action="query", meta="tokens")
        csrf = reply.json()["query"]["tokens"]["csrftoken"]
        new = client.refresh(old["refresh_token"]).json()["access_token"]
        assert edit(wiki, token=new, csrf=csrf)["error"]["code"] == "badtoken"
        assert edit(wiki, token=new)["edit"]["result"] == "Success"

    def test_two_live_tokens_void_each_others_by_a_mere_read(self, wiki, client):
        """Two browsers of one user disturb each other."""
        first, second = (client.obtain()["access_token"] for _ in range(2))
        reply = ask(wiki, token=first, action="query", meta="tokens")
        csrf = reply.json()["query"]["tokens"]["csrftoken"]
        who(wiki, token=second)
        assert edit(wiki, token=first, csrf=csrf)["error"]["code"] == "badtoken"

    def test_two_users_do_not_disturb_each_other(self, wiki, client):
        """Each approval has a session of its own."""
        alice, bob = (client.obtain(user)["access_token"] for user in ("Alice", "Bob"))
        reply = ask(wiki, token=alice, action="query", meta="tokens")
        csrf = reply.json()["query"]["tokens"]["csrftoken"]
        who(wiki, token=bob)
        assert edit(wiki, token=alice, csrf=csrf)["edit"]["result"] == "Success"


class TestGrants:
    def test_token_without_the_edit_grant_cannot_edit(self, wiki):
        """Grants really limit what a token may do."""
        consumer = wiki.add_consumer("R", owner="Bob", owner_only=True, grants=["basic"])
        answer = edit(wiki, token=consumer.access_token, csrf="x")
        assert "error" in answer
        answer = edit(wiki, token=consumer.access_token)
        assert answer["error"]["code"] == "permissiondenied"

    def test_grant_gives_no_right_that_the_user_lacks(self, wiki):
        """The grant highvolume makes nobody a bot."""
        own = wiki.add_consumer("B", owner="Bob", owner_only=True)
        bot = wiki.add_consumer("C", owner="BotOwner", owner_only=True)

        def failure(consumer):
            reply = ask(wiki, token=consumer.access_token, action="query", **{"assert": "bot"})
            return reply.headers.get("MediaWiki-API-Error")

        assert failure(own) == "assertbotfailed"
        assert failure(bot) is None


class TestRest:
    def test_profile_tells_user_grants_and_limited_rights(self, wiki, client):
        """The identity of an OAuth 2.0 token."""
        token = client.obtain("Bob")["access_token"]
        profile = requests.get(
            f"{wiki.rest_url}/oauth2/resource/profile", headers=bearer(token), timeout=10
        ).json()
        assert (profile["username"], profile["sub"]) == ("Bob", str(wiki.users["Bob"].id))
        assert profile["grants"] == client.consumer.grants
        assert "upload" not in profile["rights"]

    def test_scopes_come_as_php_left_the_array(self, wiki, client):
        """Several grants are an object without "1", a single one is a list."""
        address = f"{wiki.rest_url}/oauth2/resource/scopes"
        token = client.obtain()["access_token"]
        several = requests.get(address, headers=bearer(token), timeout=10).json()["scopes"]
        assert list(several) == ["0", "2", "3", "4"]
        own = wiki.add_consumer("B", owner="Bob", owner_only=True, grants=["basic"])
        single = requests.get(address, headers=bearer(own.access_token), timeout=10).json()
        assert single == {"scopes": ["basic"]}

    @pytest.mark.parametrize(
        ("token", "hint"),
        [
            ("garbage", "The JWT string must have two dots"),
            ("a.b.c", "Access token could not be verified"),
        ],
    )
    def test_bad_token_is_told_by_the_profile(self, wiki, token, hint):
        """401 access_denied; the hint tells which."""
        address = f"{wiki.rest_url}/oauth2/resource/profile"
        reply = requests.get(address, headers=bearer(token), timeout=10)
        assert (reply.status_code, reply.json()["hint"]) == (401, hint)

    def test_bad_token_at_a_page_is_a_bare_403(self, wiki):
        """rest.php does not say why."""
        reply = requests.get(
            f"{wiki.rest_url}/v1/page/Sandbox", headers=bearer("garbage"), timeout=10
        )
        assert (reply.status_code, reply.json()["error"]) == (403, "rest-read-denied")

    def test_page_is_put_by_the_tokens_user_unless_it_changed(self, wiki, client):
        """A stale base revision is a conflict."""
        headers = bearer(client.obtain("Bob")["access_token"])
        address = f"{wiki.rest_url}/v1/page/Sandbox"
        base = wiki.pages["Sandbox"].latest.revid
        wish = {"source": "New.", "comment": "c", "latest": {"id": base}}
        assert requests.put(address, json=wish, headers=headers, timeout=10).ok
        assert wiki.pages["Sandbox"].latest.user == "Bob"
        assert requests.put(address, json=wish, headers=headers, timeout=10).status_code == 409

    def test_protected_page_is_not_put(self, wiki, client):
        """Rights count here too."""
        headers = bearer(client.obtain("Bob")["access_token"])
        base = wiki.pages["Protected"].latest.revid
        wish = {"source": "New.", "comment": "c", "latest": {"id": base}}
        address = f"{wiki.rest_url}/v1/page/Protected"
        assert requests.put(address, json=wish, headers=headers, timeout=10).status_code == 403

    def test_put_without_token_or_account_needs_a_csrf_token(self, wiki):
        """A browser's cookie alone changes nothing."""
        base = wiki.pages["Sandbox"].latest.revid
        wish = {"source": "New.", "comment": "c", "latest": {"id": base}}
        address = f"{wiki.rest_url}/v1/page/Sandbox"
        assert requests.put(address, json=wish, timeout=10).status_code == 403

    def test_body_that_is_no_wish_is_a_400(self, wiki, client):
        """Half a JSON, or one without source."""
        headers = bearer(client.obtain("Bob")["access_token"])
        address = f"{wiki.rest_url}/v1/page/Sandbox"
        for body in ("{", "[]", "{}"):
            reply = requests.put(address, data=body, headers=headers, timeout=10)
            assert reply.status_code == 400
