"""docs/commands is what the commands say of themselves."""

from __future__ import annotations

import pytest

import command_pages
from pwb_oauth import cli


class TestPages:
    """Written by ``python tests/command_pages.py``."""

    @pytest.mark.parametrize("name", [command_pages.INDEX, *(f"{one}.md" for one in cli.COMMANDS)])
    def test_page_is_what_the_help_says(self, name):
        """A change of a help text changes its page."""
        written = (command_pages.FOLDER / name).read_text("utf-8")
        assert written == command_pages.pages()[name], "run: python tests/command_pages.py"

    def test_there_is_no_other_page(self):
        """A command that is gone has none."""
        names = {path.name for path in command_pages.FOLDER.iterdir()}
        assert names == {command_pages.INDEX, *(f"{one}.md" for one in cli.COMMANDS)}

    def test_page_says_what_a_person_needs(self):
        """How to type it, what each option does, and examples."""
        page = command_pages.pages()["move.md"]
        assert "```\npwb-oauth move [OPTIONS] [WIKI]\n```" in page
        assert "- `--to URL`: Where to move it." in page
        assert "## Examples\n\n```sh\npwb-oauth move --to sqlite" in page
        assert "\b" not in page
