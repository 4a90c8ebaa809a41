"""What a person sees on the sandbox wiki: sign-in, consent, own grants, registration."""

from __future__ import annotations

import pytest
import requests
from requests_oauthlib import OAuth1

from pwb_oauth.testing.sandbox import html
from pwb_oauth.testing.sandbox.approve import Browser, FormReader
from sandbox_clients import CALLBACK, OAuth1Client, OAuth2Client, query_of, special, who

NASTY = '"><script'


@pytest.fixture
def browser():
    with requests.Session() as session:
        yield session


def form_of(browser, address):
    """Fetch a page and read its form."""
    reply = browser.get(address, timeout=10)
    return reply, FormReader(reply.text)


def sign_in(browser, wiki, user, password=None):
    """Send the sign-in form."""
    _, form = form_of(browser, f"{wiki.index_url}?title=Special:UserLogin")
    typed = {"wpName": user, "wpPassword": password or wiki.users[user].password}
    fields = {**dict(form.fields), **typed}
    return browser.post(wiki.url + form.action, data=fields, timeout=10)


class TestSignIn:
    def test_right_password_signs_in(self, wiki, browser):
        """The session cookie then stands for the user."""
        sign_in(browser, wiki, "Alice")
        reply = browser.get(f"{wiki.api_url}?action=query&meta=userinfo&format=json", timeout=10)
        assert reply.json()["query"]["userinfo"]["name"] == "Alice"

    def test_wrong_password_shows_the_form_again(self, wiki, browser):
        """With the reason, and without a session for the user."""
        reply = sign_in(browser, wiki, "Alice", "wrong")
        assert "Incorrect username or password" in reply.text
        assert "sandboxUserID" not in browser.cookies

    def test_form_without_its_token_is_refused(self, wiki, browser):
        """A form from elsewhere signs nobody in."""
        data = {"wpName": "Alice", "wpPassword": wiki.users["Alice"].password}
        address = f"{wiki.index_url}?title=Special:UserLogin"
        reply = browser.post(address, data=data, allow_redirects=False, timeout=10)
        assert reply.status_code == 200

    def test_returnto_stays_on_the_wiki(self, wiki, browser):
        """A link cannot send the user elsewhere after signing in."""
        address = f"{wiki.index_url}?title=Special:UserLogin&returnto=//evil.example/"
        _, form = form_of(browser, address)
        typed = {"wpName": "Alice", "wpPassword": wiki.users["Alice"].password}
        fields = {**dict(form.fields), **typed}
        reply = browser.post(wiki.url + form.action, data=fields, allow_redirects=False, timeout=10)
        assert reply.headers["Location"].startswith(f"{wiki.url}/w/index.php?")


class TestConsent:
    def test_name_of_an_application_is_escaped(self, wiki, browser):
        """An application cannot put a script into the consent page."""
        consumer = wiki.add_consumer("<script>alert(1)</script>", callback_url=CALLBACK)
        sign_in(browser, wiki, "Alice")
        reply, _ = form_of(browser, OAuth2Client(wiki, consumer).link())
        assert "&lt;script&gt;" in reply.text
        assert "<script>" not in reply.text

    def test_allow_without_the_forms_token_allows_nothing(self, wiki, browser):
        """Another site cannot press Allow."""
        consumer = wiki.add_consumer("Tool", callback_url=CALLBACK)
        sign_in(browser, wiki, "Alice")
        _, form = form_of(browser, OAuth2Client(wiki, consumer).link())
        fields = {**dict(form.fields), "wpEditToken": "+\\", "accept": "Allow"}
        reply = browser.post(wiki.url + form.action, data=fields, timeout=10)
        assert "loss of session data" in reply.text
        assert not wiki._state.acceptances

    def test_approve_goes_back_to_rest_php_only(self, wiki, browser):
        """The consent page is no open redirect."""
        consumer = wiki.add_consumer("Tool", callback_url=CALLBACK)
        sign_in(browser, wiki, "Alice")
        address = special(wiki, "approve") + f"&client_id={consumer.key}&returnto=//evil.example"
        assert "Invalid redirect" in browser.get(address, timeout=10).text

    def test_rest_redirect_goes_to_rest_php_only(self, wiki, browser):
        """Nor is the page that signing in leads through."""
        address = special(wiki, "rest_redirect") + "&rest_url=//evil.example/"
        reply = browser.get(address, allow_redirects=False, timeout=10)
        assert "Location" not in reply.headers

    def test_wrong_kind_of_consumer_is_told(self, wiki, browser):
        """An OAuth 2.0 client at the OAuth 1.0a page."""
        client = OAuth1Client(wiki, wiki.add_consumer("Tool", callback_url=CALLBACK))
        token = client.initiate("oob")
        sign_in(browser, wiki, "Alice")
        assert "Wrong OAuth version" in browser.get(client.link(token), timeout=10).text


class TestManageMyGrants:
    def walk(self, browser, wiki, action, unchecked=()):
        """Open the form of the only grant, and send it."""
        number = wiki._state.acceptances[-1].id
        place = f"{wiki.url}/wiki/Special:OAuthManageMyGrants/{action}/{number}"
        _, form = form_of(browser, place)
        fields = [pair for pair in form.fields if pair[1] not in unchecked]
        fields += list(form.buttons.items())
        return browser.post(wiki.url + form.action, data=fields, timeout=10)

    def test_list_shows_the_applications(self, wiki, browser):
        """With a link to manage and one to revoke each."""
        client = OAuth2Client(wiki, wiki.add_consumer("My <tool>", callback_url=CALLBACK))
        client.obtain()
        sign_in(browser, wiki, "Alice")
        page = browser.get(f"{wiki.url}/wiki/Special:OAuthManageMyGrants", timeout=10).text
        assert "My &lt;tool&gt;" in page
        assert "/revoke/" in page

    def test_revoking_ends_the_tokens(self, wiki, browser):
        """Both of them."""
        client = OAuth2Client(wiki, wiki.add_consumer("Tool", callback_url=CALLBACK))
        pair = client.obtain()
        sign_in(browser, wiki, "Alice")
        assert "has been revoked" in self.walk(browser, wiki, "revoke").text
        assert who(wiki, token=pair["access_token"]) == "mwoauth-invalid-authorization"
        assert client.refresh(pair["refresh_token"]).status_code == 401

    def test_narrowing_ends_the_tokens_too(self, wiki, browser):
        """The next approval asks for everything again."""
        client = OAuth2Client(wiki, wiki.add_consumer("Tool", callback_url=CALLBACK))
        pair = client.obtain()
        sign_in(browser, wiki, "Alice")
        self.walk(browser, wiki, "update", unchecked=("grant-editpage",))
        assert "editpage" not in wiki._state.acceptances[0].grants
        assert "basic" in wiki._state.acceptances[0].grants
        assert who(wiki, token=pair["access_token"]) == "mwoauth-invalid-authorization"

    def test_other_users_grant_cannot_be_touched(self, wiki, browser):
        """The number alone is not enough."""
        client = OAuth2Client(wiki, wiki.add_consumer("Tool", callback_url=CALLBACK))
        client.obtain("Bob")
        sign_in(browser, wiki, "Alice")
        number = wiki._state.acceptances[0].id
        place = f"{wiki.url}/wiki/Special:OAuthManageMyGrants/revoke/{number}"
        assert "No such grant" in browser.get(place, timeout=10).text


class TestConsumerRegistration:
    def test_form_is_filled_from_the_address(self, wiki, browser):
        """Name, callback and kind come from the link; the grants do not."""
        sign_in(browser, wiki, "Bob")
        query = "wpname=A+b&wpcallbackUrl=http://127.0.0.1:1/cb&wpownerOnly=1"
        address = f"{wiki.url}/wiki/Special:OAuthConsumerRegistration/propose/oauth2?{query}"
        _, form = form_of(browser, address)
        fields = dict(form.fields)
        assert (fields["wpname"], fields["wpownerOnly"]) == ("A b", "1")
        assert fields["wpcallbackUrl"] == "http://127.0.0.1:1/cb"
        assert "wpgrants[]" not in fields

    @pytest.mark.parametrize("version", ["oauth1a", "oauth2"])
    def test_owner_only_consumer_is_approved_and_works_at_once(self, wiki, browser, version):
        """The page shows the secrets, once."""
        sign_in(browser, wiki, "Bob")
        place = f"{wiki.url}/wiki/Special:OAuthConsumerRegistration/propose/{version}"
        _, form = form_of(browser, place + "?wpownerOnly=1&wpname=Mine")
        fields = [*form.fields, ("wpgrants[]", "grant-editpage")]
        page = browser.post(wiki.url + form.action, data=fields, timeout=10).text
        consumer = next(iter(wiki.consumers.values()))
        assert consumer.secret in page
        assert consumer.grants == ["basic", "editpage"]
        if version == "oauth2":
            assert who(wiki, token=consumer.access_token) == "Bob"
        else:
            secrets = (consumer.key, consumer.secret, consumer.access_token)
            assert who(wiki, auth=OAuth1(*secrets, consumer.access_secret)) == "Bob"

    def test_proposed_consumer_serves_only_its_owner(self, wiki, browser):
        """Until an administrator approves it."""
        sign_in(browser, wiki, "Bob")
        place = f"{wiki.url}/wiki/Special:OAuthConsumerRegistration/propose/oauth2"
        _, form = form_of(browser, f"{place}?wpcallbackUrl={CALLBACK}")
        browser.post(wiki.url + form.action, data=form.fields, timeout=10)
        client = OAuth2Client(wiki, next(iter(wiki.consumers.values())))
        assert "code" in query_of(wiki.approve(client.link(), user="Bob"))
        assert "code" not in query_of(wiki.approve(client.link(), user="Alice"))


class TestPageView:
    def test_text_is_escaped(self, wiki):
        """A page cannot run anything in the browser."""
        wiki.pages["Sandbox"].latest.text = "<b>bold</b>"
        page = requests.get(f"{wiki.url}/wiki/Sandbox", timeout=10)
        assert "&lt;b&gt;bold" in page.text

    def test_raw_is_the_text_itself(self, wiki):
        """action=raw, for programs."""
        page = requests.get(f"{wiki.index_url}?title=Sandbox&action=raw", timeout=10)
        assert page.text == "Sandbox start."

    def test_missing_page_is_a_404(self, wiki):
        """With a page that says so."""
        assert requests.get(f"{wiki.url}/wiki/Nowhere", timeout=10).status_code == 404


class TestHtml:
    @pytest.mark.parametrize(
        "made",
        [
            html.link(NASTY, NASTY),
            html.field("text", NASTY, NASTY, NASTY),
            html.checkbox(NASTY, NASTY, NASTY),
            html.button(NASTY, NASTY),
            html.hidden({NASTY: NASTY}),
            html.form(NASTY, [], form_id=NASTY),
        ],
        ids=["link", "field", "checkbox", "button", "hidden", "form"],
    )
    def test_every_text_is_escaped(self, made):
        """Neither an attribute nor a tag can be broken out of."""
        assert "<script" not in made
        assert NASTY not in made
        assert made.count("&quot;&gt;&lt;script") >= made.count("script")


class TestBrowser:
    def test_wrong_password_ends_on_the_sign_in_page(self, wiki):
        """It does not try for ever."""
        client = OAuth2Client(wiki, wiki.add_consumer("Tool", callback_url=CALLBACK))
        with Browser(wiki.url, wiki.url) as browser:
            ended_on = browser.approve(client.link(), user="Bob", password="wrong", allow=True)
        assert "Special:UserLogin" in ended_on
