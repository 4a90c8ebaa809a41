"""Acting as visitors whom the real python-social-auth signed in, on a site that is served."""

# ruff: noqa: S608 - nobody else's text is in a statement

from __future__ import annotations

import json

import pytest

from login_visitor import checked, login_site
from pwb_oauth.testing import SandboxWiki

TABLE = "social_auth_usersocialauth"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with SandboxWiki() as wiki, login_site(wiki, tmp_path_factory.mktemp("site")) as site:
        yield site


def stored(site, visitor):
    """What python-social-auth keeps of a visitor, by the uid."""
    uid = str(site.wiki.users[visitor.name].id)
    ((text,),) = site.database.execute(f"SELECT extra_data FROM {TABLE} WHERE uid = '{uid}'")
    return uid, json.loads(text)


def store(site, uid, extra_data):
    site.database.execute(
        f"UPDATE {TABLE} SET extra_data = '{json.dumps(extra_data)}' WHERE uid = '{uid}'"
    )


def asked_for_name(site, act):
    """How often the wiki was asked who the visitor is, beside the sign-in of Pywikibot's site."""
    before = len(site.wiki.log)
    act()
    return sum(entry.path == "/w/index.php" for entry in list(site.wiki.log)[before:])


class TestAccountOf:
    """``pwb_oauth.web.social.account_of``."""

    def test_signed_in_visitor_edits_as_themselves(self, site):
        """The wiki credits the right one of two, whatever Django calls them."""
        ann, ben = site.visitor("social", "Ann of Ayr"), site.visitor("social", "Ben")
        for visitor in (ann, ben):
            visitor.edit(f"By {visitor.name}.")
        for visitor in (ann, ben):
            assert site.last_edit(visitor) == (visitor.name, f"By {visitor.name}.")

    def test_name_not_stored_wiki_is_asked_once(self, site):
        """Django's user name is no name on the wiki: a space is taken out of it."""
        visitor = site.visitor("social", "Cat Carter")
        assert asked_for_name(site, visitor.edit) == 1

    def test_name_stored_wiki_is_not_asked(self, site):
        """``SOCIAL_AUTH_MEDIAWIKI_EXTRA_DATA = ["username"]`` saves the request."""
        visitor = site.visitor("social", "Dan")
        uid, extra_data = stored(site, visitor)
        store(site, uid, {**extra_data, "username": "Dan"})
        assert asked_for_name(site, visitor.edit) == 0
        assert site.last_edit(visitor) == ("Dan", "New text.")

    def test_name_changed_since_user_is_followed(self, site):
        """By the ``sub``; what python-social-auth stores is left as it is."""
        visitor = site.visitor("social", "Eve")
        uid, extra_data = stored(site, visitor)
        store(site, uid, {**extra_data, "username": "Eve before"})
        visitor.edit()
        assert site.last_edit(visitor) == ("Eve", "New text.")
        assert stored(site, visitor)[1]["username"] == "Eve before"

    def test_token_of_another_user_is_refused(self, site):
        """Nothing is done as somebody else."""
        fay, guy = site.visitor("social", "Fay"), site.visitor("social", "Guy")
        store(site, stored(site, fay)[0], stored(site, guy)[1])
        assert fay.edit().startswith("IdentityError: ")
        assert site.last_edit(fay)[1] == "Old text."

    def test_grant_withdrawn_visitor_is_told_to_sign_in(self, site):
        """As anywhere."""
        visitor = site.visitor("social", "Hal")
        site.wiki.revoke("Hal")
        assert visitor.edit().startswith("LoginRequiredError: ")

    @pytest.mark.parametrize("kept", [{}, {"access_token": None}, {"access_token": {}}])
    def test_no_token_stored_visitor_is_told_to_sign_in(self, site, kept):
        """Not an error page."""
        name = f"Ida {len(site.wiki.users)}"
        visitor = site.visitor("social", name)
        store(site, stored(site, visitor)[0], kept)
        assert visitor.edit().startswith("LoginRequiredError: No access token is stored")

    def test_row_deleted_in_the_block_nothing_is_written(self, site):
        """Taking the wiki account off the site ends what is under way."""
        visitor = site.visitor("social", "Jon")
        assert visitor.edit(forget="yes").startswith("LoginRequiredError: ")
        assert site.last_edit(visitor)[1] == "Old text."


class TestWhatItCannotGive:
    """Why pwb_oauth's own sign-in is better, as the documentation says."""

    def test_logged_out_token_still_opens_the_account(self, site):
        """It is in the table, in clear."""
        visitor = site.visitor("social", "Kim")
        visitor.log_out()
        kept = stored(site, visitor)[1]["access_token"]
        assert kept.keys() == {"oauth_token", "oauth_token_secret"}

    def test_check_says_so(self, wiki, tmp_path):
        """And asks for none of our settings."""
        said = checked(wiki, tmp_path)
        assert "pwb_oauth.W101" in said
        assert "a logout ends none of them" in said
        assert "pwb_oauth.E" not in said
