"""Every example of docs/testing.md, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from other_suite import LiveSuite

TEXT = (Path(__file__).parents[1] / "docs" / "testing.md").read_text("utf-8")
SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n)*)", re.MULTILINE)
FILE = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"^```\n(test_live.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = {title: text for title, text in SECTION.findall(TEXT) if "```python" in text}
# How many tests each section's examples are; a block that is passed over would be missed.
TESTS = {"A bot": 7, "A Django view": 3, "A Flask view": 5, "A real wiki": 4}


@pytest.fixture
def suite(tmp_path, wiki) -> LiveSuite:
    """A reader's tests."""
    return LiveSuite(tmp_path, wiki)


class TestExamples:
    """The blocks of code, each of which begins with the name of its file."""

    @pytest.mark.parametrize("section", TESTS)
    def test_section_its_tests_pass(self, suite, section):
        """As a reader would copy them."""
        files = FILE.findall(SECTIONS[section])
        for name, text in files:
            suite.write(name, text)
        done = suite.run("-q", "-W", "error")
        assert f"\n{TESTS[section]} passed in" in done.stdout, done.stdout

    def test_no_block_is_left_out(self):
        """Each names its file and belongs to a section that is run."""
        assert SECTIONS.keys() == TESTS.keys()
        assert len(FILE.findall(TEXT)) == TEXT.count("```python")

    def test_skipped_tests_pytest_says_what_the_page_shows(self, suite):
        """Line by line."""
        for name in ("PYWIKIBOT_TEST_OAUTH", "PWB_OAUTH_TEST_TOKEN"):
            del suite.variables[name]
        for name, text in FILE.findall(SECTIONS["A real wiki"]):
            suite.write(name, text)
        (shown,) = OUTPUT.findall(SECTIONS["A real wiki"])
        said = suite.run("-v").stdout
        for line in shown.splitlines():
            assert line in said
