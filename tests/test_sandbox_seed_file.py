"""Seed files, whatever is in them."""

from __future__ import annotations

import contextlib
import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pwb_oauth.testing import SandboxWiki
from pwb_oauth.testing.sandbox import seed_file
from pwb_oauth.testing.sandbox.seed_file import Seed, SeedError, read, read_file, sow

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "sandbox-wiki.md"
KINDS = {
    "users": seed_file.SeedUser,
    "consumers": seed_file.SeedConsumer,
    "bot_passwords": seed_file.SeedBotPassword,
    "pages": seed_file.SeedPage,
}
TEXTS = st.sampled_from(["Alice", "2.0", "1.0a", "approved", "basic", "Talk:X", ""]) | st.text()
VALUES = TEXTS | st.booleans() | st.none() | st.lists(TEXTS, max_size=2) | st.integers()


def entries(kind):
    """Objects with some of a kind's members, and now and then one that is none."""
    names = st.sampled_from([*(each.name for each in fields(kind)), "nosuch"])
    return st.dictionaries(names, VALUES, max_size=4)


SEEDS = st.fixed_dictionaries(
    {}, optional={name: st.lists(entries(kind), max_size=2) for name, kind in KINDS.items()}
)


@pytest.fixture(scope="module")
def wiki():
    """One for all tests: they add to it, and none looks at what another has added."""
    with SandboxWiki() as sandbox:
        yield sandbox


class TestSeed:
    """Reading a seed and setting a wiki up with it."""

    @settings(max_examples=150, deadline=None)
    @given(SEEDS | VALUES)
    def test_any_json_is_sown_or_a_seed_error(self, wiki, document):
        """Never another error, which would be a traceback."""
        with contextlib.suppress(SeedError):
            sow(wiki, read(json.loads(json.dumps(document))))

    def test_half_a_character_is_no_text(self):
        """JSON can write it, UTF-8 cannot."""
        with pytest.raises(SeedError, match=r"pages\[0\]\.text: must be text"):
            read(json.loads('{"pages": [{"title": "A", "text": "\\ud800"}]}'))

    def test_empty_seed_is_none_at_all(self, tmp_path):
        """Every part may be missing."""
        path = tmp_path / "seed.json"
        path.write_text("{}")
        assert read_file(path) == Seed()

    def test_account_of_the_same_name_is_replaced_and_keeps_its_number(self, wiki):
        """So that a seed can give Alice a password that is known."""
        number = wiki.users["Alice"].id
        sow(wiki, read({"users": [{"name": "Alice", "password": "known", "groups": ["bot"]}]}))
        alice = wiki.users["Alice"]
        assert (alice.id, alice.password, alice.groups) == (number, "known", ["bot"])

    def test_page_that_is_there_gets_a_further_revision(self, wiki):
        """By the account that is named, in recent changes too."""
        sow(wiki, read({"pages": [{"title": "sandbox", "text": "Seeded.", "user": "Bob"}]}))
        first, last = wiki.pages["Sandbox"].revisions
        assert (last.parentid, last.text, last.user) == (first.revid, "Seeded.", "Bob")
        assert wiki._state.recent_changes[-1].revid == last.revid

    def test_no_password_or_secret_shows_in_a_repr(self):
        """What a failing test prints."""
        secret = "0123456789abcdef" * 2
        given = {
            "users": [{"name": "A", "password": secret}],
            "consumers": [{"name": "A", "secret": secret}],
            "bot_passwords": [{"user": "A", "app_id": "a", "password": secret}],
        }
        assert secret not in repr(read(given))

    def test_documents_example_is_good_and_names_every_member(self, wiki):
        """docs/sandbox-wiki.md shows a seed, and a table of what it may hold."""
        text = DOCUMENT.read_text("utf-8")
        example = text.partition("```json\n")[2].partition("```")[0]
        sow(wiki, read(json.loads(example)))
        for kind in KINDS.values():
            for each in fields(kind):
                assert f"`{each.name}`" in text, each.name
