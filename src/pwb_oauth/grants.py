"""What grants are for: which a bot usually needs, and which put more at stake than that.

Source: the defaults of MediaWiki's ``$wgGrantPermissions`` and ``$wgGrantRiskGroups`` and their
English texts; a recording of a wiki's own tables holds the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

PURPOSES: dict[str, tuple[str, ...]] = {
    "editing": ("highvolume", "editpage"),
    "patrolling": ("patrol",),
    # A new file has a page, which is created and edited.
    "uploading": ("highvolume", "uploadfile", "createeditmovepage"),
    # With the grant "basic", which every consumer has.
    "reading": (),
}
"""The fewest grants for what a bot does, beside ``basic``, which has no box to tick."""

_LABELS = {
    "basic": "Basic rights",
    "blockusers": "Block and unblock users",
    "createaccount": "Create accounts",
    "createeditmovepage": "Create, edit, and move pages",
    "delete": "Delete pages, revisions, and log entries",
    "editinterface": "Edit the MediaWiki namespace and sitewide/user JSON",
    "editmycssjs": "Edit your user CSS/JSON/JavaScript",
    "editmyoptions": "Edit your user preferences and JSON configuration",
    "editmywatchlist": "Edit your watchlist",
    "editpage": "Edit existing pages",
    "editprotected": "Edit protected pages",
    "editsiteconfig": "Edit sitewide and user CSS/JS",
    "highvolume": "High-volume (bot) access",
    "import": "Import revisions",
    "mergehistory": "Merge page histories",
    "oauthmanageownclient": "Manage your OAuth clients",
    "oversight": "Hide users and suppress revisions",
    "patrol": "Patrol changes to pages",
    "privateinfo": "Access private information",
    "protect": "Protect and unprotect pages",
    "rollback": "Rollback changes to pages",
    "sendemail": "Send email to other users",
    "uploadeditmovefile": "Upload, replace, and move files",
    "uploadfile": "Upload new files",
    "viewdeleted": "View deleted files and pages",
    "viewmywatchlist": "View your watchlist",
    "viewrestrictedlogs": "View restricted log entries",
}
_EDIT = frozenset(
    {
        "createeditmovepage",
        "delete",
        "editinterface",
        "editmycssjs",
        "editpage",
        "editprotected",
        "editsiteconfig",
        "protect",
    }
)
# Any one of each set is enough.
_GIVEN_BY: dict[str, tuple[frozenset[str], ...]] = {
    "editing": (_EDIT,),
    "patrolling": (frozenset({"patrol"}),),
    "uploading": (
        frozenset({"uploadfile", "uploadeditmovefile"}),
        frozenset({"createeditmovepage"}),
    ),
    "reading": (frozenset({"basic"}),),
}
# What MediaWiki itself calls a risk of vandalism and one of security.
_DAMAGING = frozenset(
    {
        "blockusers",
        "delete",
        "editinterface",
        "editprotected",
        "mergehistory",
        "protect",
        "viewdeleted",
    }
)
_ENDANGERING = frozenset(
    {
        "editmycssjs",
        "editmyoptions",
        "editsiteconfig",
        "import",
        "oauthmanageownclient",
        "oversight",
        "sendemail",
        "viewrestrictedlogs",
    }
)


def label(grant: str) -> str:
    """What stands beside a grant's box on the wiki, in English; empty for a wiki's own grants."""
    return _LABELS.get(grant, "")


def describe(grant: str) -> str:
    """A grant's label and its name, for a sentence."""
    return f"{label(grant)} ({grant})" if label(grant) else grant


def needed_for(purposes: Iterable[str]) -> tuple[str, ...]:
    """The fewest grants for all that a bot does.

    Args:
        purposes: Of :data:`PURPOSES`.
    """
    return tuple(dict.fromkeys(grant for purpose in purposes for grant in PURPOSES[purpose]))


def allow(grants: Collection[str], purpose: str) -> bool:
    """Whether grants are enough for a purpose of :data:`PURPOSES`. The user's rights count too."""
    return all(not enough.isdisjoint(grants) for enough in _GIVEN_BY[purpose])


def shortcomings(grants: Collection[str]) -> list[str]:
    """What a bot usually needs and these grants do not give, a sentence each.

    Args:
        grants: What the user approved; empty if that is not known.
    """
    if not grants:
        return []
    if not allow(grants, "reading"):
        return ["It cannot even read: the consumer may only learn who you are."]
    if not allow(grants, "editing"):
        return [f"It cannot edit pages: that takes the grant {describe('editpage')}."]
    if "highvolume" not in grants:
        named = describe("highvolume")
        return [f"Its edits do not count as a bot's, unless it has the grant {named}."]
    return []


def risks(grants: Collection[str]) -> list[str]:
    """What these grants put at stake beyond what a bot usually needs, a sentence each."""
    found = []
    for kind, consequence in (
        (_DAMAGING, "damage the wiki"),
        (_ENDANGERING, "endanger other people's accounts and what is private"),
    ):
        named = "; ".join(describe(grant) for grant in sorted(kind.intersection(grants)))
        if named:
            found.append(f"Whoever steals this access token could {consequence}: {named}.")
    return found
