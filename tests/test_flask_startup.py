"""What an operator of a web tool in Flask gets wrong, and is told before a visitor comes."""

from __future__ import annotations

import logging

import pytest

from flask_site import create_app, wiki_oauth
from flask_visitor import PUBLIC_CALLBACK, Visitor, environment, settings_for
from pwb_oauth.errors import ConfigurationError
from pwb_oauth.web.flask import WikiOAuth


class TestSettings:
    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"SECRET_KEY": None}, "SECRET_KEY is not set"),
            ({"SECRET_KEY": "dev"}, "so short that it can be guessed"),
            ({"SESSION_COOKIE_SECURE": False}, "SESSION_COOKIE_SECURE is off"),
            ({"SESSION_COOKIE_HTTPONLY": False}, "SESSION_COOKIE_HTTPONLY is off"),
            ({"SESSION_COOKIE_SAMESITE": "Strict"}, "set it to 'Lax'"),
            ({"PERMANENT_SESSION_LIFETIME": 3600}, "PERMANENT_SESSION_LIFETIME is shorter"),
            ({"DEBUG": True}, "Debug mode lets every visitor run code"),
            ({"PWB_OAUTH_DATABASE_URL": ""}, "PWB_OAUTH_DATABASE_URL is not set"),
            ({"PWB_OAUTH_CLIENT_ID": None}, "PWB_OAUTH_CLIENT_ID is not set"),
            ({"APPLICATION_ROOT": "/tool"}, "does not lie under APPLICATION_ROOT, '/tool'"),
        ],
    )
    def test_is_wrong_application_is_not_made(self, wiki, tmp_path, wrong, said):
        """The message says what to do."""
        with pytest.raises(ConfigurationError, match=said):
            create_app(**{**settings_for(wiki, tmp_path, PUBLIC_CALLBACK), **wrong})

    def test_all_that_is_wrong_is_said_at_once(self, wiki, tmp_path):
        """Nobody likes to learn of it one by one."""
        wrong = {"SECRET_KEY": "dev", "SESSION_COOKIE_SECURE": False, "DEBUG": True}
        with pytest.raises(ConfigurationError) as caught:
            create_app(**settings_for(wiki, tmp_path, PUBLIC_CALLBACK, **wrong))
        assert len(str(caught.value).splitlines()) == 3

    @pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
    def test_secret_key_is_the_encryption_key_application_is_not_made(self, wiki, tmp_path, name):
        """A forged session must not follow from a key in the wrong place; it is not shown."""
        settings = settings_for(wiki, tmp_path)
        key = settings["PWB_OAUTH_ENCRYPTION_KEYS"]
        settings[name] = key.encode() if name == "SECRET_KEY" else [key]
        with pytest.raises(ConfigurationError, match="one of PWB_OAUTH_ENCRYPTION_KEYS") as caught:
            create_app(**settings)
        assert key not in str(caught.value)

    def test_on_loopback_debug_mode_and_a_short_key_will_do(self, wiki, tmp_path):
        """Nobody else gets there."""
        assert create_app(**settings_for(wiki, tmp_path, DEBUG=True, SECRET_KEY="dev"))

    def test_are_in_the_environment_they_are_read(self, wiki, tmp_path, monkeypatch):
        """As Toolforge keeps them."""
        for name, value in environment(settings_for(wiki, tmp_path)).items():
            monkeypatch.setenv(name, value)
        visitor = Visitor(create_app(), wiki)
        visitor.log_in()
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("path", ["/", "/login", "/a/logout", "/a/", "/<x>"])
    def test_callback_lies_where_it_cannot_application_is_not_made(self, wiki, tmp_path, path):
        """Login and logout lie beside it."""
        with pytest.raises(ConfigurationError, match="cannot end in"):
            create_app(**settings_for(wiki, tmp_path, f"http://127.0.0.1:9{path}"))

    @pytest.mark.parametrize("path", ["/cb", "/a/b/back-from-wiki", "/a%20b/c"])
    def test_callback_lies_anywhere_else_visitor_is_signed_in(self, wiki, tmp_path, path):
        """The pages are where the consumer says."""
        app = create_app(**settings_for(wiki, tmp_path, f"http://127.0.0.1:9{path}"))
        visitor = Visitor(app, wiki)
        login = f"{path.rpartition('/')[0]}/login"
        away = visitor.post(login, visitor.csrf())
        visitor.come_back(wiki.approve(away.location))
        assert visitor.who() == "Alice"

    @pytest.mark.parametrize("set_root", [True, False])
    def test_application_lies_under_a_path_visitor_is_signed_in(self, wiki, tmp_path, set_root):
        """Whether the server takes the path off, as WSGI has it, or leaves it to the routes."""
        settings = settings_for(wiki, tmp_path, "http://127.0.0.1:9/tool/oauth/callback")
        visitor = Visitor(
            create_app(**settings, **({"APPLICATION_ROOT": "/tool"} if set_root else {})), wiki
        )
        if set_root:
            visitor.inside = f"{visitor.origin}/tool"
            visitor.login = "/oauth/login"
        away = visitor.post(visitor.login, visitor.csrf())
        back = wiki.approve(away.location).removeprefix(visitor.inside)
        assert visitor.get(back).location == ("/tool/" if set_root else "/")
        assert visitor.who() == "Alice"
        if set_root:
            visitor.log_out()
            asked = visitor.get("/protected")
            assert asked.location == "/tool/oauth/login?next=/tool/protected"


class TestFactory:
    def test_two_applications_each_has_its_visitors(self, wiki, tmp_path):
        """One extension object, two consumers, two stores, two keys."""
        visitors = []
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            visitors.append(Visitor(create_app(**settings_for(wiki, folder)), wiki))
        one, two = visitors
        one.log_in("Alice")
        two.log_in("Bob")
        assert (one.who(), two.who()) == ("Alice", "Bob")
        for name, value in one.cookies.items():
            two.set_cookie(name, value)
        assert two.who() == "nobody"

    def test_two_callbacks_no_log_has_the_query_of_either(self, wiki, tmp_path, caplog):
        """Each application hides its own, and leaves the other's hidden."""
        for name in ("one", "two"):
            create_app(**settings_for(wiki, tmp_path, f"http://127.0.0.1:9/oauth/{name}"))
        log = logging.getLogger("werkzeug")
        with caplog.at_level("INFO"):
            for name in ("one", "two"):
                log.info('"%s" %s %s', f"GET /oauth/{name}?code=secret HTTP/1.1", 303, "-")
        assert [record.getMessage() for record in caplog.records] == [
            '"GET /oauth/one?… HTTP/1.1" 303 -',
            '"GET /oauth/two?… HTTP/1.1" 303 -',
        ]

    def test_record_has_a_mapping_of_all_kinds_of_values_it_is_written(
        self, wiki, tmp_path, caplog
    ):
        """As Gunicorn's have, which hold the whole request."""
        create_app(**settings_for(wiki, tmp_path))
        values = {"r": "GET /oauth/callback?code=secret HTTP/1.1", "q": "code=secret", "e": []}
        with caplog.at_level("INFO"):
            logging.getLogger("gunicorn.access").info("%(r)s %(q)s %(e)s", values)
        assert caplog.messages == ["GET /oauth/callback?… HTTP/1.1 ?… []"]

    def test_application_was_not_set_up_error_says_so(self):
        """Instead of a KeyError."""
        from flask import Flask

        with (
            Flask("bare").test_request_context(),
            pytest.raises(ConfigurationError, match=r"Call wiki_oauth.init_app\(app\)"),
        ):
            _ = wiki_oauth.user_session

    def test_application_is_given_to_the_constructor(self, wiki, tmp_path):
        """As with other extensions."""
        from flask import Flask

        app = Flask("small")
        app.config.update(settings_for(wiki, tmp_path))
        WikiOAuth(app)
        assert "pwb_oauth" in app.extensions

    def test_requests_share_an_application_context_visitors_do_not(self, wiki, tmp_path):
        """As in tests that push one."""
        alice = Visitor(create_app(**settings_for(wiki, tmp_path)), wiki)
        other = Visitor(alice.app, wiki)
        alice.log_in()
        with alice.app.app_context():
            assert alice.who() == "Alice"
            assert other.who() == "nobody"


class TestCommands:
    def test_purge_deletes_what_has_ended(self, wiki, tmp_path):
        """By the settings, or by what is said."""
        visitor = Visitor(create_app(**settings_for(wiki, tmp_path)), wiki)
        visitor.log_in()
        run = visitor.app.test_cli_runner().invoke
        assert run(args=["wiki-oauth", "purge"]).output == "Deleted: 0\n"
        assert visitor.who() == "Alice"
        assert run(args=["wiki-oauth", "purge", "--idle", "0"]).output == "Deleted: 1\n"
        assert visitor.who() == "nobody"

    def test_check_says_what_the_wiki_says(self, wiki, tmp_path):
        """A right consumer, and a wrong secret."""
        settings = settings_for(wiki, tmp_path)
        right = create_app(**settings).test_cli_runner().invoke(args=["wiki-oauth", "check"])
        assert right.exit_code == 0
        assert "knows the consumer" in right.output
        assert "cannot be seen from here" in right.output
        settings["PWB_OAUTH_CLIENT_SECRET"] = "0" * 40
        wrong = create_app(**settings).test_cli_runner().invoke(args=["wiki-oauth", "check"])
        assert wrong.exit_code == 1
        assert "does not accept PWB_OAUTH_CLIENT_ID and PWB_OAUTH_CLIENT_SECRET" in wrong.output

    @pytest.mark.parametrize("command", ["purge", "check"])
    def test_fails_error_is_said_without_a_traceback(self, wiki, tmp_path, command):
        """The database lies nowhere; the wiki is away."""
        settings = settings_for(wiki, tmp_path / "missing")
        wiki.fail_next("503", count=9)
        failed = create_app(**settings).test_cli_runner().invoke(args=["wiki-oauth", command])
        assert failed.exit_code == 1
        assert failed.output.startswith("Error: ")
