"""``pwb-oauth doctor`` as a person meets it: at a terminal, over a pipe, and with wrong arguments.

What each check finds is shown in ``test_checks*.py``.
"""

from __future__ import annotations

import json
import re
import time

import pytest

from patients import Patient
from person import ended
from pwb_oauth.checks.examination import examine
from pwb_oauth.checks.registry import CHECKS


@pytest.fixture
def healthy(wiki, tmp_path):
    """Somebody with a healthy set-up, logged in."""
    patient = Patient(wiki, tmp_path / "home")
    patient.log_in("2.0")
    return patient


class TestPipe:
    """Without a terminal."""

    def test_healthy_every_check_has_a_line_and_exit_code_0(self, healthy):
        """Nothing on standard error, and no colour."""
        ran = healthy.over_pipe("doctor")
        assert (ran.returncode, ran.stderr) == (0, "")
        lines = ran.stdout.splitlines()
        assert [line.split()[:2] for line in lines] == [["✓", check.name] for check in CHECKS]
        assert "\x1b" not in ran.stdout

    def test_fault_it_says_what_is_wrong_and_what_to_do(self, healthy):
        """The remedy stands in a line of its own, and what cannot be told is skipped."""
        healthy.wiki.revoke("Alice")
        ran = healthy.over_pipe("doctor")
        assert (ran.returncode, ran.stderr) == (4, "")
        lines = ran.stdout.splitlines()
        (found,) = [number for number, line in enumerate(lines) if line.startswith("✗")]
        assert "access-token" in lines[found]
        assert lines[found + 1].strip() == f"Log in: pwb-oauth login {healthy.host} --user Alice"
        assert [line for line in lines if line.startswith("- grants") and "Skipped: " in line]

    def test_columns_are_in_line_and_nothing_is_broken_or_cut(self, healthy):
        """However long: a remedy is to be copied. Nothing is behind it."""
        healthy.variables |= {"COLUMNS": "30", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        path = healthy.folder / f"pywikibot-{'long' * 50}.lwp"
        path.write_text("#LWP-Cookies-2.0\n")
        path.chmod(0o644)
        (healthy.home / "keyring.json").unlink()
        lines = healthy.over_pipe("doctor").stdout.splitlines()
        remedy = f"Do: chmod go= {path}"
        assert [line.lstrip() for line in lines if "chmod" in line] == [remedy]
        assert {line[0] for line in lines} == {"+", "x", "-", " "}
        starts = {re.match(r"\S [\w-]+ +|  +", line).end() for line in lines}
        assert starts == {2 + max(len(check.name) for check in CHECKS) + 1}
        assert [line for line in lines if line != line.rstrip()] == []

    def test_json_it_is_one_document(self, healthy):
        """With every check in it, and its findings."""
        healthy.wiki.revoke("Alice")
        ran = healthy.over_pipe("doctor", "--json")
        checks = {check.pop("check"): check for check in json.loads(ran.stdout)["checks"]}
        assert list(checks) == [check.name for check in CHECKS]
        assert checks["clock"] == {"status": "ok", "findings": [], "skipped": None}
        assert checks["grants"]["status"] == "skipped"
        assert checks["grants"]["skipped"]
        (finding,) = checks["access-token"]["findings"]
        assert finding.keys() == {"problem", "remedy"}

    def test_named_checks_run_alone(self, healthy):
        """Each once, in the order in which they were named; no other request is sent."""
        healthy.wiki.revoke("Alice")
        before = len(healthy.wiki.log)
        ran = healthy.over_pipe("doctor", *("--check", "clock") * 2, "--check", "store")
        assert ran.returncode == 0
        assert [line.split()[1] for line in ran.stdout.splitlines()] == ["clock", "store"]
        assert len(healthy.wiki.log) == before + 1

    @pytest.mark.parametrize("wiki_argument", ["sandbox:en", "sandbox:", "URL"])
    def test_named_wiki_accounts_of_others_are_left_out(self, healthy, wiki_argument):
        """By its family, or by any of its addresses."""
        argument = wiki_argument.replace("URL", f"{healthy.wiki.url}/wiki/Main_Page")
        assert healthy.over_pipe("doctor", argument).returncode == 0
        other = healthy.ask_doctor("127.0.0.1:1")
        assert other.failed == (1, {"login", "wiki"})

    def test_store_is_named_it_is_that_one(self, healthy):
        """Not the one that is used by default."""
        assert healthy.ask_doctor("--store", "memory:").failed == (4, {"login"})


class TestTerminal:
    """At a terminal."""

    def test_faults_are_red_and_the_rest_is_green(self, healthy):
        """The name of the check stands beside."""
        healthy.config.chmod(0o644)
        code, shown = ended(healthy.at_terminal("doctor"))
        assert code == 1
        assert "\x1b[31m✗\x1b[0m \x1b[1mpermissions" in shown
        assert "\x1b[32m✓\x1b[0m \x1b[1mclock" in shown

    def test_narrow_what_is_said_is_left_whole(self, healthy):
        """The terminal breaks it where it likes, and copies it in one piece."""
        healthy.wiki.revoke("Alice")
        terminal = healthy.at_terminal("doctor")
        terminal.setwinsize(24, 40)
        code, shown = ended(terminal)
        assert code == 4
        assert f"Log in: pwb-oauth login {healthy.host} --user Alice\r\n" in shown

    def test_interrupted_it_ends_with_130_and_nothing_is_lost(self, healthy):
        """While a wiki keeps it waiting."""
        before = healthy.stored()
        healthy.wiki.fail_next("hang", count=99, seconds=2)
        terminal = healthy.at_terminal("doctor")
        terminal.expect("Looking")
        while not healthy.wiki._faults._waiting[0].count < 99:
            time.sleep(0.01)
        terminal.sendintr()
        code, shown = ended(terminal)
        assert code == 130
        assert "pwb-oauth: Interrupted." in shown
        assert "Traceback" not in shown
        assert healthy.stored() == before


class TestAlone:
    """Each check can be run without the others."""

    @pytest.mark.parametrize("check", [check for check in CHECKS if check.of != "machine"])
    def test_check_can_tell_by_itself(self, healthy, check):
        """It asks for whatever it needs."""
        with healthy.at_home():
            (outcome,) = examine([check], None, None)
        assert (outcome.check, outcome.findings, outcome.skipped) == (check, (), None)

    @pytest.mark.parametrize("check", [check for check in CHECKS if check.of == "machine"])
    def test_check_of_the_machine_can_tell_by_itself(self, healthy, check):
        """In a process of its own, since Pywikibot reads its configuration once a process."""
        diagnosis = healthy.ask_doctor("--check", check.name)
        assert diagnosis.names("ok") == {check.name} == diagnosis.checks.keys()


class TestBadInput:
    """One line that says what to do."""

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["nonsense:xx"], "Pywikibot knows no wiki nonsense:xx"),
            (["sandbox:de"], "Pywikibot knows no wiki sandbox:de"),
            (["ftp://example.org"], "not the address of a wiki"),
            (["--check", "luck"], "'luck' is not one of"),
        ],
    )
    def test_wrong_argument_it_is_exit_code_2(self, healthy, arguments, says):
        """And nothing is looked at."""
        ran = healthy.over_pipe("doctor", *arguments)
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
        assert says in ran.stderr

    def test_help_it_has_examples(self, healthy):
        """And lists the checks."""
        ran = healthy.over_pipe("doctor", "--help")
        assert ran.returncode == 0
        assert "pwb-oauth doctor wikipedia:test\n" in ran.stdout
        assert "access-token" in ran.stdout
