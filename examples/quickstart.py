"""Sign in, edit a page, sign out: an ordinary Pywikibot script, with no word about OAuth in it.

Who it acts as is not its business. With ``__import__('pwb_oauth').install()`` in user-config.py
and a stored credential it signs in by OAuth; without, by Pywikibot's own ways.
"""

from __future__ import annotations

import pywikibot


def who(site: pywikibot.site.APISite) -> str:
    """Tell who the wiki takes us for."""
    name = site.userinfo["name"]
    return f"{name} (signed in)" if site.logged_in() else f"{name} (anonymous)"


def main() -> None:
    """Print who we are at each step, and who the wiki credits the edit to."""
    site = pywikibot.Site()
    # A site that can sign in does so when it is made. Leave, to see the difference.
    site.logout()
    print("before:", who(site))

    site.login()
    print("after sign-in:", who(site))

    page = pywikibot.Page(site, f"User:{site.username()}/quickstart")
    page.text = f"{page.text}\n* Edited by a Pywikibot script."
    page.save(summary="Trying to sign in", minor=False)
    print("edit by:", next(page.revisions(total=1)).user)

    site.logout()
    print("after sign-out:", who(site))


if __name__ == "__main__":
    main()
