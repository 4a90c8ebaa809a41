"""Setting a sandbox wiki up from a description, and Pywikibot up for it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest

import recordings
from pwb_oauth.testing import SandboxWiki
from pwb_oauth.testing.sandbox import seed
from sandbox_clients import who


class TestFromDescription:
    @recordings.needs_recordings
    def test_recorded_wiki_has_its_users_consumers_and_pages(self):
        """A wiki set up as a real one was knows the same keys and texts."""
        description = recordings.load("_wiki")
        with SandboxWiki.from_description(description) as wiki:
            assert list(wiki.users) == [user["name"] for user in description["users"]]
            assert set(wiki.consumers) == {
                consumer["client_id"] for consumer in description["consumers"].values()
            }
            assert wiki.pages["Protected"].latest.revid == 4
            assert [change.rcid for change in wiki._state.recent_changes] == [1, 2, 3, 4, 5]

    @recordings.needs_recordings
    def test_recorded_owner_only_token_is_accepted(self):
        """The wiki checks tokens with the key it was given."""
        description = recordings.load("_wiki")
        with SandboxWiki(description) as wiki:
            wiki.clock.set(datetime(2026, 11, 22, 3, 0, tzinfo=timezone.utc))
            consumer = description["consumers"]["oauth2_owner_only"]
            assert who(wiki, token=consumer["access_token"]) == "BotOwner"

    @recordings.needs_recordings
    def test_new_things_are_numbered_after_the_described_ones(self):
        """The next revision, page and approval have numbers of their own."""
        with SandboxWiki(recordings.load("_wiki")) as wiki:
            state = wiki._state
            numbers = [state.next_id(kind) for kind in ("revision", "page", "acceptance", "rc")]
        assert numbers == [6, 5, 11, 6]


class TestDuration:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("PT2S", timedelta(seconds=2)),
            ("PT1H30M", timedelta(minutes=90)),
            ("P1M", timedelta(days=30)),
            ("P1Y2DT3S", timedelta(days=367, seconds=3)),
        ],
    )
    def test_iso_durations_are_read(self, text, expected):
        """Months count 30 days, years 365."""
        assert seed.duration(text) == expected

    def test_anything_else_is_a_value_error(self):
        """A word is no duration."""
        with pytest.raises(ValueError, match="an hour"):
            seed.duration("an hour")


class TestWritePywikibotConfig:
    def test_stock_pywikibot_reads_the_wiki(self, wiki, tmp_path):
        """In a process of its own, as Site("en", "sandbox"), with the name given."""
        path = wiki.write_pywikibot_config(tmp_path / "pwb", "BotOwner")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        program = (
            "import pywikibot\n"
            "site = pywikibot.Site('en', 'sandbox')\n"
            "print(site.username(), pywikibot.Page(site, 'Sandbox').text)\n"
        )
        outcome = subprocess.run(  # noqa: S603
            [sys.executable, "-c", program],
            env={**os.environ, "PYWIKIBOT_DIR": str(tmp_path / "pwb")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert outcome.stdout == "BotOwner Sandbox start.\n", outcome.stderr

    def test_existing_file_becomes_its_owners_only(self, wiki, tmp_path):
        """Pywikibot refuses a configuration that others may write to."""
        (tmp_path / "user-config.py").touch(0o666)
        (tmp_path / "user-config.py").chmod(0o666)
        path = wiki.write_pywikibot_config(tmp_path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_without_a_name_usernames_is_empty(self, wiki, tmp_path):
        """For the cases in which the program must find the account itself."""
        path = wiki.write_pywikibot_config(tmp_path)
        assert "usernames[" not in path.read_text()

    def test_secrets_are_not_written(self, wiki, tmp_path):
        """The folder holds no password."""
        wiki.write_pywikibot_config(tmp_path, "BotOwner")
        texts = [path.read_text() for path in tmp_path.rglob("*.py")]
        assert not any(wiki.users["BotOwner"].password in text for text in texts)
