"""What grants are for, held against the tables of a wiki as it is installed."""

from __future__ import annotations

from itertools import combinations

import pytest

from pwb_oauth import grants
from pwb_oauth.testing.sandbox.grant_tables import GRANT_DESCRIPTIONS, GRANTS

# The rights that MediaWiki asks for.
RIGHTS = {
    "editing": {"edit"},
    "patrolling": {"patrol"},
    "uploading": {"upload", "edit", "createpage"},
    "reading": {"read"},
}


def rights(names):
    return {right for name in names for right in GRANTS[name]}


class TestTables:
    """They agree with the wiki's own."""

    def test_label_is_what_the_wiki_shows(self):
        """Else nobody finds the box."""
        assert {grant: grants.label(grant) for grant in GRANTS} == GRANT_DESCRIPTIONS

    def test_grant_of_another_wiki_has_its_name_alone(self):
        """Extensions bring grants of their own."""
        assert grants.label("globalblock") == ""
        assert grants.describe("globalblock") == "globalblock"
        assert grants.describe("patrol") == "Patrol changes to pages (patrol)"

    def test_no_grant_is_both_needed_and_risky(self):
        """What we propose ourselves is no cause for a warning."""
        needed = ("basic", *grants.needed_for(grants.PURPOSES))
        assert grants.risks(needed) == []


class TestNeededFor:
    """The fewest grants for what a bot does."""

    @pytest.mark.parametrize("purpose", grants.PURPOSES)
    def test_they_give_the_rights_that_it_takes(self, purpose):
        """With the grant that every consumer has."""
        assert rights(["basic", *grants.needed_for([purpose])]) >= RIGHTS[purpose]

    @pytest.mark.parametrize("purpose", grants.PURPOSES)
    def test_none_can_be_left_out(self, purpose):
        """Beside the one that makes a bot's edits a bot's."""
        needed = [name for name in grants.needed_for([purpose]) if name != "highvolume"]
        for fewer in combinations(needed, max(len(needed) - 1, 0)):
            if needed:
                assert not rights(["basic", *fewer]) >= RIGHTS[purpose]

    def test_several_purposes_each_grant_is_named_once(self):
        """In the order of the purposes."""
        assert grants.needed_for(["editing", "uploading", "editing"]) == (
            "highvolume",
            "editpage",
            "uploadfile",
            "createeditmovepage",
        )


class TestAllow:
    """Whether grants are enough for a purpose."""

    @pytest.mark.parametrize("purpose", grants.PURPOSES)
    @pytest.mark.parametrize("grant", GRANTS)
    def test_each_grant_counts_if_it_gives_the_right(self, purpose, grant):
        """Editing comes with many of them."""
        others = {"uploading": ["uploadfile", "createeditmovepage"]}.get(purpose, [])
        for beside in [[], *([one] for one in others)]:
            names = [grant, *beside]
            assert grants.allow(names, purpose) == (rights(names) >= RIGHTS[purpose])


class TestShortcomings:
    """What a bot usually needs and does not have."""

    @pytest.mark.parametrize(
        ("names", "says"),
        [
            (["mwoauth-authonly"], "cannot even read"),
            (["basic"], "editpage"),
            (["basic", "highvolume", "patrol"], "editpage"),
            (["basic", "createeditmovepage"], "highvolume"),
        ],
    )
    def test_the_worst_is_named(self, names, says):
        """One sentence, with the grant that would help."""
        (sentence,) = grants.shortcomings(names)
        assert says in sentence

    @pytest.mark.parametrize("names", [[], ["basic", "highvolume", "protect"]])
    def test_nothing_is_missing(self, names):
        """Or it is not known what there is."""
        assert grants.shortcomings(names) == []

    @pytest.mark.parametrize("purpose", ["editing", "uploading"])
    def test_what_register_proposes_is_enough(self, purpose):
        """One command does not warn of what another one advised."""
        assert grants.shortcomings(["basic", *grants.needed_for([purpose])]) == []


class TestRisks:
    """What puts more at stake than a bot usually needs."""

    def test_each_kind_has_a_sentence(self):
        """With every grant that it is about."""
        damage, danger = grants.risks(["basic", "protect", "delete", "sendemail", "rollback"])
        assert "damage the wiki: Delete pages" in damage
        assert "(delete); Protect and unprotect pages (protect)." in damage
        assert "(sendemail)." in danger
        assert "rollback" not in damage + danger

    @pytest.mark.parametrize("kind", [grants._DAMAGING, grants._ENDANGERING])
    def test_they_are_grants_that_wikis_have(self, kind):
        """A slip of the pen would warn of nothing."""
        assert kind <= GRANTS.keys()
