"""Acting as visitors whom the real django-allauth signed in, on a site that is served."""

# ruff: noqa: S608 - nobody else's text is in a statement

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from threading import Thread

import pytest

from login_visitor import Visitor, checked, login_site
from pwb_oauth.testing import SandboxWiki
from web_examples import NO_SERVER, URLS

TABLE = "socialaccount_socialtoken"
PLACES = [None, *(URLS or [pytest.param("", marks=pytest.mark.skip(reason=NO_SERVER))])]


@pytest.fixture(scope="module", params=PLACES)
def site(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("site")
    with SandboxWiki() as wiki, login_site(wiki, folder, request.param) as site:
        yield site


def where(site, name):
    uid = site.wiki.users[name].id
    return f"WHERE account_id = (SELECT id FROM socialaccount_socialaccount WHERE uid = '{uid}')"


def stored(site, name):
    """The token, the refresh token and the expiry that django-allauth keeps of a visitor."""
    rows = f"FROM {TABLE} {where(site, name)}"
    (row,) = site.database.execute(f"SELECT token, token_secret, expires_at {rows}")
    return row


def expire(site, name):
    """Let the stored token seem to end now."""
    rows = where(site, name)
    site.database.execute(f"UPDATE {TABLE} SET expires_at = '2020-01-01 00:00:00' {rows}")


def refreshes(site):
    """How often the wiki was asked for another token."""
    return sum(
        entry.path.endswith("/access_token") and entry.params.get("grant_type") == "refresh_token"
        for entry in site.wiki.log
    )


class TestAccountOf:
    """``pwb_oauth.web.allauth.account_of``."""

    def test_signed_in_visitor_edits_as_themselves(self, site):
        """The wiki credits the right one of two."""
        ann, ben = site.visitor("allauth", "Ann of Ayr"), site.visitor("allauth", "Ben")
        for visitor in (ann, ben):
            visitor.edit(f"By {visitor.name}.")
        for visitor in (ann, ben):
            assert site.last_edit(visitor) == (visitor.name, f"By {visitor.name}.")

    def test_expired_token_is_renewed_and_written_back(self, site):
        """All three fields, so that django-allauth and we go on from there."""
        visitor = site.visitor("allauth", "Cat")
        before = stored(site, "Cat")
        expire(site, "Cat")
        count = refreshes(site)
        visitor.edit("One.")
        token, secret, expires_at = stored(site, "Cat")
        assert token != before[0]
        assert secret not in ("", before[1])
        assert str(expires_at) > "2021"
        visitor.edit("Two.")
        assert refreshes(site) == count + 1
        assert site.last_edit(visitor) == ("Cat", "Two.")

    def test_view_fails_after_a_refresh_token_is_kept(self, site):
        """ATOMIC_REQUESTS undoes what the view did, but not what the wiki did."""
        visitor = site.visitor("allauth", "Dan")
        before = stored(site, "Dan")
        expire(site, "Dan")
        count = refreshes(site)
        assert visitor.edit_and_fail("One.").status_code == 500
        assert stored(site, "Dan")[0] != before[0]
        visitor.edit("Two.")
        assert site.last_edit(visitor) == ("Dan", "Two.")
        assert refreshes(site) == count + 1

    def test_two_requests_at_once_one_refresh(self, site):
        """The second one waits, and takes what the first one has got."""
        visitor = site.visitor("allauth", "Eve")
        expire(site, "Eve")
        count = refreshes(site)
        said = []
        threads = [Thread(target=lambda: said.append(visitor.edit("The same."))) for _ in "12"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [text.split()[0] for text in said] == ["Eve", "Eve"]
        assert refreshes(site) == count + 1

    def test_second_browser_overwrites_the_first_ones_token(self, site):
        """There is one row a user; both go on with the newer token."""
        first = site.visitor("allauth", "Fay")
        before = stored(site, "Fay")
        second = Visitor(site, "allauth", "Fay")
        assert stored(site, "Fay")[0] != before[0]
        for number, visitor in enumerate((first, second)):
            visitor.edit(f"{number}.")
            assert site.last_edit(visitor) == ("Fay", f"{number}.")

    def test_token_revoked_visitor_is_told_to_sign_in(self, site):
        """As anywhere; the row is left as it is."""
        visitor = site.visitor("allauth", "Guy")
        before = stored(site, "Guy")
        site.wiki.revoke("Guy")
        assert visitor.edit().startswith("LoginRequiredError: ")
        assert stored(site, "Guy") == before

    def test_no_token_stored_visitor_is_told_why(self, site):
        """It is a setting of django-allauth's."""
        visitor = site.visitor("allauth", "Hal")
        site.database.execute(f"DELETE FROM {TABLE} {where(site, 'Hal')}")
        assert "SOCIALACCOUNT_STORE_TOKENS" in visitor.edit()

    def test_no_name_stored_visitor_is_told_to_sign_in(self, site):
        """Which lets django-allauth store it."""
        visitor = site.visitor("allauth", "Kim")
        uid = site.wiki.users["Kim"].id
        site.database.execute(
            f"UPDATE socialaccount_socialaccount SET extra_data = '{{}}' WHERE uid = '{uid}'"
        )
        assert visitor.edit().startswith("LoginRequiredError: ")

    def test_row_deleted_in_the_block_nothing_is_written(self, site):
        """Taking the wiki account off the site ends what is under way."""
        visitor = site.visitor("allauth", "Ida")
        assert visitor.edit(forget="yes").startswith("LoginRequiredError: ")
        assert site.last_edit(visitor)[1] == "Old text."

    def test_logged_out_tokens_still_open_the_account(self, site):
        """They are in the table, in clear: what it cannot give."""
        visitor = site.visitor("allauth", "Jon")
        visitor.log_out()
        assert all(stored(site, "Jon")[:2])


class TestTimes:
    """Sites that keep times without a time zone."""

    def test_use_tz_off_expiry_is_written_in_the_sites_own_time(self, tmp_path):
        """As django-allauth itself would."""
        with SandboxWiki() as wiki, login_site(wiki, tmp_path, SITE_USE_TZ="0") as site:
            visitor = site.visitor("allauth", "Ann")
            written = datetime.fromisoformat(stored(site, "Ann")[2])
            expire(site, "Ann")
            visitor.edit()
            again = datetime.fromisoformat(stored(site, "Ann")[2])
        assert timedelta(0) <= again - written < timedelta(minutes=5)
        assert written > datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(hours=5)


class TestChecks:
    """``manage.py check``."""

    def test_tokens_stored_what_it_cannot_give_is_said(self, wiki, tmp_path):
        """Sealing, and a logout that ends the tokens."""
        said = checked(wiki, tmp_path)
        assert "pwb_oauth.W103" in said
        assert not {"pwb_oauth.W102", "pwb_oauth.W104"} & {*said.replace(")", "(").split("(")}

    def test_tokens_not_stored_it_says_so(self, wiki, tmp_path):
        """Nothing can be done as the visitors then."""
        said = checked(wiki, tmp_path, SITE_STORE_TOKENS="0")
        assert "pwb_oauth.W102" in said
        assert "pwb_oauth.W103" not in said

    def test_sqlite_held_by_requests_it_says_so(self, wiki, tmp_path):
        """Nothing can be written back beside a transaction that has the file."""
        assert "pwb_oauth.W104" in checked(wiki, tmp_path, SITE_JOURNAL_MODE="DELETE")
