"""A worker that edits as every Pywikibot script does, by ``page.save()``."""

from __future__ import annotations

import pywikibot
from pywikibot.comms import http

from workplace import WireClock, serve, task


def main() -> None:
    """Do as told; ``user-config.py`` has installed pwb_oauth."""
    told = task()
    http.session.mount("http://", WireClock())
    site = pywikibot.Site("en", "sandbox", user=told["user"])
    site.login()

    def edit(title: str, text: str) -> None:
        page = pywikibot.Page(site, title)
        page.text = text
        page.save(quiet=True)

    serve(edit, told)


if __name__ == "__main__":
    main()
