"""Counts the votes on a page, and writes the number to its subpage ``/tally``."""

from __future__ import annotations

import sys

import pywikibot


def count(page: pywikibot.Page) -> int:
    """The number of lines that begin with ``# {{support}}``."""
    return sum(line.startswith("# {{support}}") for line in page.text.splitlines())


def tally(page: pywikibot.Page) -> int:
    """Count the votes on a page, and write the number if it is new."""
    votes = count(page)
    result = pywikibot.Page(page.site, f"{page.title()}/tally")
    if result.text != str(votes):
        result.text = str(votes)
        result.save(summary=f"{votes} votes", minor=False)
    return votes


def main() -> None:
    """Count on each page that the command line names."""
    titles = pywikibot.handle_args(sys.argv[1:])
    site = pywikibot.Site()
    site.login()
    for title in titles:
        pywikibot.stdout(f"{title}: {tally(pywikibot.Page(site, title))}")


if __name__ == "__main__":
    main()
