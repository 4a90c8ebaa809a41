"""What has to be true on a real wiki. Skipped where the environment holds no token for one."""

from __future__ import annotations

import uuid


class TestLiveWiki:
    def test_account_signs_in_and_out(self, live_site):
        """The wiki says who the site is, before and after."""
        name = live_site.username()
        live_site.login()
        assert live_site.logged_in()
        assert live_site.userinfo["name"] == name
        assert "anon" not in live_site.userinfo
        live_site.logout()
        assert not live_site.logged_in()
        assert "anon" in live_site.userinfo

    def test_edit_is_the_accounts_and_is_on_the_page(self, live_site, live_page):
        """The wiki is asked anew who made the last revision, and what it holds."""
        text = f"A test of pwb_oauth wrote this: {uuid.uuid4()}"
        live_page.text = text
        live_page.save(summary="Testing pwb_oauth", minor=False)
        seen_by_wiki = live_site.simple_request(
            action="query",
            prop="revisions",
            titles=live_page.title(),
            rvprop="user|content|comment",
        ).submit()
        (page,) = seen_by_wiki["query"]["pages"].values()
        assert page["revisions"][0]["user"] == live_site.username()
        assert text in str(page["revisions"][0])
        assert page["revisions"][0]["comment"] == "Testing pwb_oauth"
