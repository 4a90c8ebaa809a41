"""The sandbox wiki's OAuth 1.0a, asked by requests-oauthlib."""

from __future__ import annotations

import time

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa
from requests_oauthlib import OAuth1

from pwb_oauth.testing import SandboxWiki
from sandbox_clients import CALLBACK, OAuth1Client, ask, edit, query_of, special, who


@pytest.fixture
def client(wiki):
    consumer = wiki.add_consumer(
        "Tool",
        oauth_version="1.0a",
        callback_url="http://127.0.0.1:9999/",
        callback_is_prefix=True,
    )
    return OAuth1Client(wiki, consumer)


@pytest.fixture
def bot(wiki):
    return wiki.add_consumer("Bot", oauth_version="1.0a", owner="BotOwner", owner_only=True)


def signer(consumer, **settings):
    return OAuth1(
        consumer.key,
        consumer.secret,
        consumer.access_token,
        consumer.access_secret,
        **settings,
    )


def info(reply):
    return reply.json()["error"]["info"].partition("not valid: ")[2]


class TestHandshake:
    def test_three_legs_yield_a_token_for_the_user(self, wiki, client):
        """Request token, approval, access token; the token acts for who approved."""
        assert who(wiki, auth=client.obtain("Bob")) == "Bob"

    def test_callback_carries_verifier_and_request_token(self, wiki, client):
        """The browser ends on the callback, its own query kept."""
        token = client.initiate(CALLBACK + "?x=1&y=a%20b")
        ended_on = wiki.approve(client.link(token))
        assert ended_on.startswith(CALLBACK + "?x=1&y=a%20b&oauth_verifier=")
        assert query_of(ended_on)["oauth_token"] == token["oauth_token"]

    def test_oob_without_a_callback_ends_on_a_page_with_the_verifier(self, wiki):
        """The user reads the verifier on the wiki."""
        client = OAuth1Client(wiki, wiki.add_consumer("Tool", oauth_version="1.0a"))
        token = client.initiate("oob")
        ended_on = wiki.approve(client.link(token))
        assert ended_on.startswith(f"{wiki.url}/wiki/Special:OAuth/verified?")
        verifier = query_of(ended_on)["oauth_verifier"]
        assert verifier in requests.get(ended_on, timeout=10).text
        assert who(wiki, auth=client.exchange(token, verifier)) == "Alice"

    def test_cancel_sends_nothing_to_the_callback(self, wiki, client):
        """The browser stays on the wiki, and the request token stays without approval."""
        token = client.initiate()
        ended_on = wiki.approve(client.link(token), allow=False)
        assert ended_on.startswith(wiki.url)
        reply = client.post(
            "token",
            resource_owner_key=token["oauth_token"],
            resource_owner_secret=token["oauth_token_secret"],
            verifier="x" * 32,
        )
        assert reply.text == "Error: No token was found matching your request."

    def test_wrong_verifier_leaves_the_request_token_usable(self, wiki, client):
        """A typing error can be put right; a second use cannot."""
        token = client.initiate()
        verifier = query_of(wiki.approve(client.link(token)))["oauth_verifier"]
        pair = {
            "resource_owner_key": token["oauth_token"],
            "resource_owner_secret": token["oauth_token_secret"],
        }
        wrong = client.post("token", verifier="f" * 32, **pair)
        assert "verification code provided was not valid" in wrong.text
        assert who(wiki, auth=client.exchange(token, verifier)) == "Alice"
        assert "already been completed" in client.post("token", verifier=verifier, **pair).text

    def test_request_token_after_ten_minutes_is_unknown(self, wiki, client):
        """The wiki keeps request tokens for 10 minutes."""
        token = client.initiate()
        wiki.clock.advance(601)
        assert "E004" in client.post("token", resource_owner_key=token["oauth_token"]).text

    def test_second_approval_yields_the_same_token(self, client):
        """Access tokens of OAuth 1.0a belong to the approval."""
        first, second = client.obtain(), client.obtain()
        assert first.client.resource_owner_key == second.client.resource_owner_key

    @pytest.mark.parametrize("state", ["proposed", "disabled", "rejected"])
    def test_unapproved_consumer_initiates_but_is_shown_an_error(self, wiki, client, state):
        """Only the user's browser is told that the consumer is not approved."""
        wiki.set_consumer_state(client.consumer.key, state)
        token = client.initiate()
        ended_on = wiki.approve(client.link(token), user="Bob")
        assert ended_on.startswith(wiki.url)

    def test_proposed_consumer_serves_its_owner(self, wiki, client):
        """An owner can try a consumer out before it is approved."""
        wiki.set_consumer_state(client.consumer.key, "proposed")
        assert who(wiki, auth=client.obtain("Alice")) == "Alice"

    def test_callback_outside_the_prefix_is_refused(self, client):
        """The error comes with status 200, as text."""
        reply = client.post("initiate", callback_uri="http://evil.example/")
        assert reply.status_code == 200
        assert reply.text.startswith("Error: oauth_callback must be set")

    def test_errors_as_json_carry_a_code(self, wiki):
        """format=json turns the sentence into an object."""
        auth = OAuth1("nobody", "secret", callback_uri="oob")
        address = special(wiki, "initiate") + "&format=json"
        assert requests.post(address, auth=auth, timeout=10).json() == {
            "error": "mwoauth-oauth-exception",
            "message": "An error occurred in the OAuth protocol: Invalid consumer",
        }


class TestIdentify:
    def test_identity_is_a_jwt_signed_with_the_consumer_secret(self, wiki, client):
        """It names user, issuer and audience, and lives for 100 seconds."""
        auth = client.obtain("Bob")
        text = requests.post(special(wiki, "identify"), auth=auth, timeout=10).text
        claims = jwt.decode(
            text,
            client.consumer.secret,
            algorithms=["HS256"],
            audience=client.consumer.key,
            issuer=wiki.url,
        )
        assert claims["username"] == "Bob"
        assert claims["sub"] == str(wiki.users["Bob"].id)
        assert claims["exp"] - claims["iat"] == 100

    def test_rights_are_not_limited_by_the_grants(self, wiki, client):
        """Identify tells the user's rights, the API obeys the grants."""
        auth = client.obtain("Bob")
        text = requests.post(special(wiki, "identify"), auth=auth, timeout=10).text
        assert "upload" in jwt.decode(text, options={"verify_signature": False})["rights"]
        reply = ask(wiki, auth=auth, action="query", meta="userinfo", uiprop="rights")
        assert "upload" not in reply.json()["query"]["userinfo"]["rights"]


class TestSignatures:
    def test_wrong_secret_is_refused(self, wiki, bot):
        """The signature is checked, with oauthlib's server side."""
        bad = OAuth1(bot.key, bot.secret, bot.access_token, "0" * 40)
        assert info(ask(wiki, auth=bad, action="query")) == "Invalid signature"

    def test_signed_form_body_is_accepted(self, wiki, bot):
        """An edit's fields take part in the signature."""
        assert edit(wiki, auth=signer(bot))["edit"]["result"] == "Success"

    def test_changed_form_body_is_refused(self, wiki, bot):
        """What was not signed is not done."""
        data = {"action": "query", "meta": "userinfo", "format": "json"}
        prepared = requests.Request("POST", wiki.api_url, data=data, auth=signer(bot)).prepare()
        prepared.body = prepared.body.replace(b"userinfo", b"siteinfo")
        with requests.Session() as session:
            assert "Invalid signature" in session.send(prepared).text

    @pytest.mark.parametrize("seconds", [-310, 310])
    def test_timestamp_outside_five_minutes_is_refused(self, wiki, bot, seconds):
        """The error tells both times."""
        theirs = str(int(time.time()) + seconds)
        reply = ask(wiki, auth=signer(bot, timestamp=theirs), action="query")
        assert info(reply).startswith(f"Expired timestamp, yours {theirs}, ours ")

    @pytest.mark.parametrize("seconds", [-290, 290])
    def test_timestamp_within_five_minutes_is_accepted(self, wiki, bot, seconds):
        """Clocks may differ a little."""
        theirs = str(int(time.time()) + seconds)
        assert who(wiki, auth=signer(bot, timestamp=theirs)) == "BotOwner"

    def test_nonce_is_burnt_even_by_a_bad_signature(self, wiki, bot):
        """A retry must be signed anew."""
        bad = OAuth1(bot.key, bot.secret, bot.access_token, "wrong", nonce="n1")
        ask(wiki, auth=bad, action="query")
        reply = ask(wiki, auth=signer(bot, nonce="n1"), action="query")
        assert info(reply) == "Nonce already used: n1"

    def test_nonce_works_again_after_five_minutes(self, wiki, bot):
        """The wiki forgets nonces with the timestamps' window."""
        ask(wiki, auth=signer(bot, nonce="n1"), action="query")
        wiki.clock.advance(301)
        later = str(int(wiki.clock.now.timestamp()))
        again = signer(bot, nonce="n1", timestamp=later)
        assert who(wiki, auth=again) == "BotOwner"

    def test_plaintext_is_refused(self, wiki, bot):
        """Only the two SHA-1 methods are known."""
        reply = ask(wiki, auth=signer(bot, signature_method="PLAINTEXT"), action="query")
        assert info(reply).startswith("Signature method 'PLAINTEXT' not supported")

    def test_rsa_signature_is_checked_against_the_consumers_key(self, wiki, bot):
        """RSA-SHA1 works where a public key is registered, and only there."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()
        ).decode()
        auth = signer(bot, signature_method="RSA-SHA1", rsa_key=private)
        assert who(wiki, auth=auth) == "mwoauth-invalid-authorization"
        bot.rsa_key = (
            key.public_key()
            .public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )
        assert who(wiki, auth=auth) == "BotOwner"

    def test_configured_server_name_is_what_counts(self):
        """The signature must be for the wiki's own name, whatever the Host header says."""
        with SandboxWiki() as model:
            description = dict(model._description)
        description["site"] = {**description["site"], "server": "https://wiki.example"}
        with SandboxWiki(description) as wiki:
            bot = wiki.add_consumer("B", oauth_version="1.0a", owner="Bob", owner_only=True)
            assert who(wiki, auth=signer(bot)) == "mwoauth-invalid-authorization"
            address = "https://wiki.example/w/api.php?action=query&meta=userinfo&format=json"
            signed = requests.Request("GET", address, auth=signer(bot)).prepare()
            reply = requests.get(
                address.replace("https://wiki.example", wiki.url),
                headers={"Authorization": signed.headers["Authorization"].decode()},
                timeout=10,
            )
            assert reply.json()["query"]["userinfo"]["name"] == "Bob"

    def test_other_address_than_allowed_is_refused(self, wiki, bot):
        """A consumer may be restricted to some networks."""
        bot.ip_ranges = ["10.1.2.3/32"]
        reply = ask(wiki, auth=signer(bot), action="query")
        assert info(reply) == "The request came from an invalid IP address."

    def test_index_php_refuses_a_signed_page_view(self, wiki, bot):
        """OAuth is for the API only."""
        reply = requests.get(wiki.url + "/wiki/Sandbox", auth=signer(bot), timeout=10)
        assert reply.status_code == 400
        assert "OAuth can only be used with the API" in reply.text
