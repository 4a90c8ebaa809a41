"""What api.php of the sandbox wiki checks before it answers, and how its replies look."""

from __future__ import annotations

import pytest

from pwb_oauth.testing.sandbox import api as answering
from pwb_oauth.testing.sandbox import api_query
from sandbox_api import Api, signed_in

BOT = "BotOwner"


@pytest.fixture
def api(wiki) -> Api:
    return Api(wiki)


@pytest.fixture
def bot_api(wiki) -> Api:
    return signed_in(wiki, BOT)


class TestParameters:
    def test_unknown_action_is_a_bad_value(self, api):
        """An action that MediaWiki does not have is refused by name."""
        error = api("nonsense")["error"]
        assert error["code"] == "badvalue"
        assert error["info"] == 'Unrecognized value for parameter "action": nonsense.'

    def test_action_of_mediawiki_only_says_that_the_sandbox_lacks_it(self, api):
        """What MediaWiki has and the sandbox has not is never answered as if it had worked."""
        assert api.error("parse", text="x") == "sandbox-unsupported"

    def test_unrecognized_parameter_is_warned_about(self, api):
        """A parameter that no module reads is named in a warning, and the rest is answered."""
        answer = api("query", meta="userinfo", nonsense="1", other="2")
        text = "Unrecognized parameters: nonsense, other."
        assert answer["warnings"]["main"]["warnings"] == text
        assert answer["query"]["userinfo"]["anon"] is True

    def test_unknown_value_of_a_list_is_warned_about(self, api):
        """Of several values the known ones count."""
        answer = api("query", prop="info|nonsense", titles="Sandbox")
        text = 'Unrecognized value for parameter "prop": nonsense.'
        assert answer["warnings"]["query"]["warnings"] == text
        assert answer["query"]["pages"][0]["lastrevid"] > 0

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"pageids": "x"}, "badinteger"),
            ({"prop": "revisions", "titles": "Sandbox", "rvstart": "soon"}, "badtimestamp"),
            (
                {"prop": "revisions", "titles": "Sandbox", "rvstart": "20261399000000"},
                "badtimestamp",
            ),
            ({"prop": "revisions", "titles": "Sandbox", "rvdir": "up"}, "badvalue"),
            ({"titles": "|".join(map(str, range(51)))}, "toomanyvalues"),
            ({"titles": "A", "pageids": "1"}, "invalidparammix"),
            ({"list": "allpages", "apcontinue": "No such page"}, "badcontinue"),
            ({"list": "recentchanges", "rcuser": "A|B"}, "baduser"),
        ],
    )
    def test_bad_value_is_refused(self, api, params, code):
        """Each kind of bad value has MediaWiki's code."""
        assert api.error("query", **params) == code

    def test_bots_may_name_more_at_once(self, bot_api):
        """The right apihighlimits lifts the limit from 50 to 500."""
        answer = bot_api("query", titles="|".join(f"T{number}" for number in range(51)))
        assert len(answer["query"]["pages"]) == 51

    def test_limit_above_the_highest_is_cut_with_a_warning(self, api):
        """A limit out of bounds is moved to the bound."""
        answer = api("query", list="allpages", aplimit="5001")
        text = 'The value "5001" for parameter "aplimit" must be between 1 and 500.'
        assert answer["warnings"]["allpages"]["warnings"] == text

    def test_limit_max_says_what_it_came_out_as(self, bot_api):
        """``max`` is 5,000 for a bot, and the reply says so."""
        answer = bot_api("query", list="allpages", aplimit="max")
        assert answer["limits"] == {"allpages": 5000}

    def test_request_id_is_given_back(self, api, wiki):
        """A request's own mark and the wiki's time come back."""
        answer = api("query", meta="userinfo", requestid="r1", curtimestamp="1")
        assert answer["requestid"] == "r1"
        assert answer["curtimestamp"].startswith(f"{wiki.clock.now:%Y-%m-%dT%H}")


class TestFormats:
    def test_version_1_writes_booleans_and_texts_its_own_way(self, api):
        """True is an empty string, false is left out, texts are under ``*``, pages by number."""
        answer = api(
            "query",
            formatversion="1",
            prop="revisions",
            titles="Sandbox|Nowhere",
            rvslots="*",
            rvprop="content|flags",
        )
        pages = answer["query"]["pages"]
        assert pages["-1"]["missing"] == ""
        revision = next(page for number, page in pages.items() if number != "-1")["revisions"][0]
        assert "minor" not in revision
        assert revision["slots"]["main"]["*"]
        assert answer["batchcomplete"] == ""

    def test_version_1_escapes_what_is_not_ascii(self, api):
        """Version 1 is pure ASCII, version 2 is UTF-8."""
        old = api.reply(action="query", titles="Ünï", formatversion="1")
        new = api.reply(action="query", titles="Ünï")
        assert b"\\u00dcn\\u00ef" in old.content
        assert "Ünï".encode() in new.content

    def test_xml_has_attributes(self, api):
        """XML puts simple values into attributes."""
        reply = api.reply(action="query", titles="A<b", format="xml")
        assert reply.headers["Content-Type"] == "text/xml; charset=utf-8"
        reply = api.reply(action="query", titles="Nowhere", format="xml")
        assert '<page ns="0" title="Nowhere" missing="" />' in reply.text

    def test_none_is_empty(self, api):
        """``format=none`` answers with headers only."""
        reply = api.reply(action="query", prop="nonsense", assertuser="Alice", format="none")
        assert reply.text == ""
        assert reply.headers["MediaWiki-API-Error"] == "assertnameduserfailed"

    def test_nothing_asked_is_answered_with_the_help_page(self, wiki, api):
        """api.php alone is a page for people."""
        reply = api.session.get(wiki.api_url, timeout=10)
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "<title>MediaWiki API help" in reply.text

    @pytest.mark.parametrize(
        ("error_format", "expected"),
        [
            ("plaintext", {"text": 'The "token" parameter must be set.'}),
            ("html", {"html": 'The "token" parameter must be set.'}),
            ("none", {}),
        ],
    )
    def test_errorformat_lists_errors(self, bot_api, error_format, expected):
        """Every format but ``bc`` has a list of errors with the module."""
        answer = bot_api("edit", title="Sandbox", text="x", errorformat=error_format)
        assert answer["errors"] == [{"code": "missingparam", **expected, "module": "edit"}]

    def test_cache_headers_keep_users_apart(self, api):
        """A reply that depends on the user is not for shared caches."""
        private = api.reply(method="GET", action="query", meta="userinfo")
        public = api.reply(method="GET", action="query", titles="Sandbox")
        assert private.headers["Cache-Control"] == "private, must-revalidate, max-age=0"
        assert private.headers["Vary"] == "Accept-Encoding"
        assert "Authorization" in public.headers["Vary"]


class TestChecks:
    def test_write_without_token_and_with_a_bad_one(self, bot_api):
        """A missing token, an empty one and a wrong one are told apart."""
        assert bot_api.error("edit", title="A", text="x") == "missingparam"
        assert bot_api.error("edit", title="A", text="x", token="") == "missingparam"
        assert bot_api.error("edit", title="A", text="x", token="0" * 40 + "+\\") == "badtoken"

    def test_token_of_another_access_token_is_bad(self, wiki, bot_api):
        """CSRF tokens belong to the access token they were given out to."""
        other = signed_in(wiki, BOT)
        assert bot_api.error("edit", title="A", text="x", token=other.token()) == "badtoken"

    def test_token_of_another_kind_is_bad(self, bot_api):
        """A watch token does not edit."""
        assert (
            bot_api.error("edit", title="A", text="x", token=bot_api.token("watch")) == "badtoken"
        )

    def test_write_by_get_is_refused(self, bot_api):
        """What changes the wiki must be posted, the token in the body."""
        token = bot_api.token()
        reply = bot_api.reply(method="GET", action="edit", title="A", text="x", token=token)
        assert reply.json()["error"]["code"] == "mustpostparams"
        reply = bot_api.reply(method="GET", action="login", lgname="A")
        assert reply.json()["error"]["code"] == "mustbeposted"

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"assert": "anon"}, "assertanonfailed"),
            ({"assertuser": "Alice"}, "assertnameduserfailed"),
            ({"assert": "user"}, None),
            ({"assert": "bot"}, None),
            ({"assertuser": "botOwner"}, None),
        ],
    )
    def test_assert_compares_with_the_caller(self, bot_api, params, code):
        """Each assertion fails with its own code, in the header too."""
        reply = bot_api.reply(action="query", meta="userinfo", **params)
        assert reply.headers.get("MediaWiki-API-Error") == code
        assert reply.status_code == 200

    def test_assert_fails_for_who_is_less_than_that(self, wiki, api):
        """Nobody is signed in, and Alice is no bot."""
        assert api.error("query", **{"assert": "user"}) == "assertuserfailed"
        alice = signed_in(wiki, "Alice")
        assert alice.error("query", **{"assert": "bot"}) == "assertbotfailed"

    def test_negative_maxlag_gives_the_lag_error(self, api):
        """A client can see how the wiki reports lag."""
        reply = api.reply(action="query", maxlag="-1")
        assert reply.json()["error"]["code"] == "maxlag"
        assert reply.headers["Retry-After"] == "5"
        assert reply.headers["X-Database-Lag"] == "0"

    def test_garbage_bearer_wins_over_every_other_error(self, wiki):
        """A credential that is no good is the only thing the wiki talks about."""
        api = Api(wiki, "garbage")
        assert api.error("edit", **{"assert": "anon"}) == "mwoauth-invalid-authorization"

    def test_without_the_basic_grant_nothing_can_be_read(self, wiki):
        """Only tokens and the like can be had without the right to read."""
        api = signed_in(wiki, BOT, ["mwoauth-authonly"])
        assert api.error("query", titles="Sandbox") == "readapidenied"
        assert api.error("query", meta="userinfo") == "readapidenied"
        assert "tokens" in api("query", meta="tokens")["query"]

    def test_any_origin_makes_the_caller_anonymous(self, bot_api):
        """``origin=*`` drops the user, and says so."""
        reply = bot_api.reply(action="query", meta="userinfo", origin="*")
        assert reply.json()["query"]["userinfo"]["anon"] is True
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert reply.headers["MediaWiki-Login-Suppressed"] == "true"

    def test_preflight_is_answered_without_a_module(self, wiki, api):
        """OPTIONS gives an empty page."""
        reply = api.session.options(f"{wiki.api_url}?origin=*", timeout=10)
        assert (reply.status_code, reply.text) == (200, "")
        assert reply.headers["Access-Control-Allow-Methods"] == "POST, GET"


class TestParaminfo:
    def test_limits_of_lists_depend_on_the_caller(self, api, bot_api):
        """What paraminfo tells is what the caller may do."""
        seen = []
        for caller in (api, bot_api):
            module = caller("paraminfo", modules="query")["paraminfo"]["modules"][0]
            titles = next(each for each in module["parameters"] if each["name"] == "titles")
            seen.append(titles["limit"])
        assert seen == [50, 500]

    def test_every_module_that_answers_is_described(self, api):
        """The modules that the sandbox has are all in the table."""
        paths = {*answering._ACTIONS}
        for handlers in (api_query._LISTS, api_query._META, api_query._PROPS):
            paths |= {f"query+{name}" for name in handlers}
        wanted = sorted(paths)
        answer = [
            module["path"]
            for start in range(0, len(wanted), 40)
            for module in api("paraminfo", modules="|".join(wanted[start : start + 40]))[
                "paraminfo"
            ]["modules"]
        ]
        assert answer == wanted

    def test_unknown_module_is_warned_about(self, api):
        """A module that does not exist is named, the others are described."""
        answer = api("paraminfo", modules="edit|nonsense")
        assert [each["path"] for each in answer["paraminfo"]["modules"]] == ["edit"]
        assert "nonsense" in answer["warnings"]["paraminfo"]["warnings"]
