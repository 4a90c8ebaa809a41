"""Which user of a Django site a wiki's user is, and what other back ends do."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from django_visitor import User, Visitor, WikiBackend, WikiUser, database, rows, site, visitor
from pwb_oauth import identity
from pwb_oauth.testing import SandboxWiki

__all__ = ["database", "site", "visitor"]  # fixtures

ADDRESS = "root@site.example"
MARKUP = """<script>alert(1)</script>"'&/"""


class TestUsers:
    """Made or found by the wiki and ``sub``, and by nothing else."""

    def test_user_is_made_once(self, visitor):
        """With a name that nobody chose, and no password that could be guessed."""
        visitor.log_in()
        visitor.log_out()
        visitor.log_in()
        (user,) = User.objects.all()
        assert user.username.startswith("wiki-")
        assert not user.has_usable_password()
        assert (user.email, user.is_staff, user.is_superuser) == ("", False, False)
        assert user.wiki_user.display_name == str(user.wiki_user) == "Alice"

    def test_two_browsers_at_once_make_one_user(self, visitor, wiki, monkeypatch):
        """The slower one finds whom the faster one made, and leaves nobody behind."""
        from pwb_oauth.web.django import users

        visitor.log_in()
        found = users._find
        asked = []

        def find(session):
            asked.append(session)
            return None if len(asked) == 1 else found(session)

        monkeypatch.setattr(users, "_find", find)
        other = Visitor(wiki)
        assert other.log_in().status_code == 303
        assert other.who() == "Alice"
        assert User.objects.count() == 1

    @pytest.mark.parametrize("name", ["Alice", "alice"])
    def test_superuser_of_the_same_name_is_not_adopted(self, visitor, name):
        """Whatever MariaDB thinks of capitals."""
        root = User.objects.create_superuser(name, "root@example.org", "a password")
        visitor.log_in()
        assert User.objects.count() == 2
        assert WikiUser.objects.get().user_id != root.pk
        assert visitor.user() != f"True {name}"

    @pytest.mark.parametrize("version", ["2.0", "1.0a"])
    def test_superuser_with_the_address_that_the_wiki_tells_is_not_adopted(
        self, site, wiki, monkeypatch, version
    ):
        """Anybody may have put it into their preferences; nor is it kept."""
        site(grants=["mwoauth-authonlyprivate"], PWB_OAUTH_OAUTH_VERSION=version)
        wiki.users["Alice"].email = ADDRESS
        root = User.objects.create_superuser("root", ADDRESS, "a password")
        said = _what_wikis_say(monkeypatch)
        visitor = Visitor(wiki)
        visitor.log_in()
        assert ADDRESS in [claims.get("email") for claims in said]
        assert visitor.who() == "Alice"
        assert visitor.user().startswith("True wiki-")
        assert WikiUser.objects.get().user_id != root.pk
        assert User.objects.get(email=ADDRESS) == root

    def test_rename_is_followed(self, visitor, wiki):
        """The user stays the same; the new name is shown from the next login on."""
        visitor.log_in()
        before = User.objects.get()
        _rename(wiki, "Alice", "Alice the Second")
        assert visitor.who() == "Alice"
        visitor.log_in("Alice the Second")
        assert User.objects.get() == before
        assert WikiUser.objects.get().display_name == "Alice the Second"

    def test_somebody_who_takes_the_old_name_is_somebody_else(self, visitor, wiki):
        """They have another ``sub``."""
        visitor.log_in()
        _rename(wiki, "Alice", "Alice the Second")
        wiki.add_user("Alice", password="another")
        visitor.log_in()
        assert User.objects.count() == 2

    def test_same_sub_on_a_second_wiki_is_somebody_else(self, visitor, site):
        """A wiki vouches for its own users only."""
        visitor.log_in()
        with SandboxWiki() as second:
            site_of_second = _settings(second)
            with site_of_second:
                assert visitor.who() == "nobody"  # a row of the first wiki opens no more
                stranger = Visitor(second)
                stranger.log_in("Alice")
                subjects = set(WikiUser.objects.values_list("subject", flat=True))
                assert len(subjects) == 1
                assert User.objects.count() == WikiUser.objects.count() == 2

    @pytest.mark.parametrize("name", [MARKUP, "\u00c4" * 127 + "x", "A/B/C", "Q\"'Q"])
    def test_odd_names_are_shown_as_they_are(self, visitor, wiki, name):
        """Up to 255 bytes, with quotes, slashes and markup, which is escaped."""
        _rename(wiki, "Alice", name)
        visitor.log_in(name)
        assert WikiUser.objects.get().display_name == name
        page = visitor.get("/me").content.decode()
        assert "<script" not in page

    def test_inactive_user_is_refused(self, visitor):
        """With a page that says so; nothing is left that could be used."""
        visitor.log_in()
        visitor.log_out()
        User.objects.update(is_active=False)
        response = visitor.log_in()
        assert response.status_code == 403
        assert "closed your account" in response.content.decode()
        assert rows().count() == 0
        assert (visitor.who(), visitor.user()) == ("nobody", "False ")
        assert not [name for name in visitor.cookies if "oauth" in name]

    def test_inactive_users_tokens_are_ended_on_the_wiki(self, visitor, wiki):
        """As by a logout."""
        visitor.log_in()
        User.objects.update(is_active=False)
        asked = _token_requests(wiki)
        visitor.log_in()
        # The exchange of the code, and a refresh whose answer is thrown away.
        assert _token_requests(wiki) == asked + 2

    def test_user_who_becomes_inactive_is_signed_out(self, visitor):
        """In the middle of a session; the row goes."""
        visitor.log_in()
        User.objects.update(is_active=False)
        assert visitor.who() == "nobody"
        assert visitor.user() == "False "
        assert rows().count() == 0

    def test_back_end_signs_nobody_in(self, visitor):
        """Whatever is typed."""
        visitor.log_in()
        name = User.objects.get().username
        for given in ({"username": name, "password": ""}, {"token": "x"}, {}):
            assert WikiBackend().authenticate(None, **given) is None


def _what_wikis_say(monkeypatch):
    """What they tell of their users from now on."""
    said = []
    read = identity._identity

    def noted(of_wiki, claims):
        said.append(claims)
        return read(of_wiki, claims)

    monkeypatch.setattr(identity, "_identity", noted)
    return said


def _rename(wiki, old, new):
    user = wiki.users.pop(old)
    user.name = new
    wiki.users[new] = user


def _token_requests(wiki):
    return sum(1 for entry in wiki.log if entry.path.endswith("oauth2/access_token"))


def _settings(wiki):
    from django.test import override_settings

    from django_visitor import settings_for

    return override_settings(**settings_for(wiki))


class TestOtherBackEnds:
    """Somebody signs in or out by another way than ours."""

    @pytest.fixture
    def local(self, database):
        """A user with a password."""
        return get_user_model().objects.create_user("local", password="of the local user")

    def test_logout_elsewhere_ends_the_user_session(self, visitor):
        """A site's own logout page."""
        visitor.log_in()
        visitor.post("/leave")
        assert rows().count() == 0
        assert not visitor.cookies.get("pwb_oauth")
        assert visitor.who() == "nobody"

    def test_login_by_another_back_end_ends_the_user_session(self, visitor, local):
        """Even though Django has emptied its session before it says so."""
        visitor.log_in()
        visitor.post("/side-door", {"username": "local", "password": "of the local user"})
        assert rows().count() == 0
        assert visitor.who() == "nobody"
        assert visitor.user() == "True local"

    def test_login_of_the_same_user_by_another_back_end_ends_it_too(self, visitor):
        """The wiki has not vouched for who is there now."""
        visitor.log_in()
        user = get_user_model().objects.get()
        user.set_password("a password")
        user.save()
        fields = {"username": user.get_username(), "password": "a password"}
        visitor.post("/side-door", fields)
        assert visitor.user() == f"True {user.get_username()}"
        assert visitor.who() == "nobody"
        assert rows().count() == 0

    def test_local_user_who_logs_in_with_the_wiki_is_somebody_else(self, visitor, local):
        """And only a wiki's user afterwards."""
        visitor.post("/side-door", {"username": "local", "password": "of the local user"})
        assert visitor.user() == "True local"
        visitor.log_in()
        assert visitor.who() == "Alice"
        assert visitor.user().startswith("True wiki-")
        visitor.log_out()
        assert visitor.user() == "False "

    def test_local_user_stays_signed_in_without_a_wiki_account(self, visitor, local):
        """We end only what we began."""
        visitor.post("/side-door", {"username": "local", "password": "of the local user"})
        assert visitor.who() == "nobody"
        assert visitor.user() == "True local"

    def test_password_change_ends_the_user_session(self, visitor):
        """Django's session is not accepted any more; the row goes with it."""
        visitor.log_in()
        user = get_user_model().objects.get()
        user.set_password("a new password")
        user.save()
        assert visitor.user() == "False "
        assert visitor.who() == "nobody"
        assert rows().count() == 0

    def test_user_who_does_not_belong_to_the_row_is_signed_out(self, visitor, local):
        """As after a change in Django's session by somebody else."""
        visitor.log_in()
        session = visitor.client.session
        session["_auth_user_id"] = str(local.pk)
        session["_auth_user_hash"] = local.get_session_auth_hash()
        session.save()
        assert visitor.who() == "nobody"
        assert visitor.user() == "False "
        assert rows().count() == 0
