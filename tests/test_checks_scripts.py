"""The checks of Pywikibot and of files: each fault is named, and no other."""

from __future__ import annotations

import pytest

from patients import Patient

# Run by every Python before anything else.
_OTHER_VERSION = """
import wrapt

@wrapt.when_imported("pywikibot.__metadata__")
def change(module):
    module.__version__ = "12.0.0"
"""
_COOKIES = (
    "#LWP-Cookies-2.0\n"
    'Set-Cookie3: sandboxSession=hunter2; path="/"; domain="127.0.0.1"; path_spec; discard; '
    "version=0\n"
)


@pytest.fixture
def healthy(wiki, tmp_path):
    """Somebody with a healthy set-up, logged in."""
    patient = Patient(wiki, tmp_path / "home")
    patient.log_in("2.0 owner-only")
    return patient


class TestPywikibot:
    """Faults of Pywikibot and of its configuration."""

    def test_untested_version_it_is_named_alone(self, healthy):
        """With both versions."""
        healthy.write_module("sitecustomize.py", _OTHER_VERSION)
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"pywikibot"})
        assert "12.0.0" in diagnosis.text("pywikibot")
        assert "11.9" in diagnosis.text("pywikibot")

    def test_line_missing_it_is_named_alone(self, healthy):
        """What adds it is said."""
        healthy.config.write_text(healthy.config.read_text().replace("__import__", "# __import__"))
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"user-config"})
        assert "pwb-oauth setup" in diagnosis.text("user-config")

    def test_no_user_config_it_is_named_alone(self, healthy):
        """What is stored is looked at all the same."""
        healthy.config.unlink()
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"user-config"})
        assert diagnosis.names("skipped") == {
            "pywikibot",
            "user-agent",
            "secrets",
            "callback",
        }

    def test_no_user_config_and_nothing_stored_no_wiki_is_asked(self, wiki, tmp_path):
        """Pywikibot's own default is nobody's choice."""
        patient = Patient(wiki, tmp_path / "home")
        patient.config.unlink()
        diagnosis = patient.ask_doctor()
        assert diagnosis.failed == (1, {"user-config", "login"})
        assert diagnosis.names("skipped") >= {"wiki", "extension", "clock"}

    @pytest.mark.parametrize("line", ["if", "password = 'hunter2'\nhunter2_is_unknown"])
    def test_user_config_cannot_be_run_it_is_named_alone(self, healthy, line):
        """Its text is not repeated."""
        healthy.configure(line)
        assert healthy.ask_doctor().failed == (1, {"user-config"})
        assert "hunter2" not in healthy.said

    def test_pywikibot_passes_over_user_config_it_is_named_alone(self, healthy):
        """Everybody may write to it."""
        healthy.config.chmod(0o602)
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"user-config"})
        assert "chmod" in diagnosis.text("user-config")

    @pytest.mark.parametrize(
        "line", ["user_agent_format = 'MyBot'", "usernames['sandbox'].clear()"]
    )
    def test_user_agent_names_nobody_it_is_named_alone(self, healthy, line):
        """Be it the format, or that no account is named."""
        healthy.configure(line)
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"user-agent"})
        assert "user_agent_description" in diagnosis.text("user-agent")

    def test_user_agent_names_an_address_it_is_no_fault(self, healthy):
        """Without an account."""
        healthy.configure("usernames['sandbox'].clear()")
        healthy.configure("user_agent_description = 'me@example.org'")
        assert healthy.ask_doctor().failed == (0, set())


class TestFiles:
    """Secrets in files, and files that others can read."""

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("user-password.py", '("Alice", "hunter2")\n'),
            ("pywikibot-Alice.lwp", _COOKIES),
        ],
    )
    def test_secret_in_a_file_it_is_named_alone(self, healthy, name, text):
        """Where it lies, not what it is."""
        path = healthy.folder / name
        path.write_text(text)
        path.chmod(0o600)
        healthy.configure("password_file = 'user-password.py'")
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"secrets"})
        assert name in diagnosis.text("secrets")
        assert "pwb-oauth migrate" in diagnosis.text("secrets")
        assert "hunter2" not in healthy.said

    def test_oauth_tuple_in_user_config_it_is_named_alone(self, healthy):
        """As stock Pywikibot wants it."""
        parts = ("key", "hunter2", "token", "hunter3")
        healthy.configure(f"authenticate['{healthy.host}'] = {parts!r}")
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"secrets"})
        assert "user-config.py:" in diagnosis.text("secrets")
        assert "hunter" not in healthy.said

    @pytest.mark.parametrize(
        ("line", "mode", "remedy"),
        [
            ("# ('Alice', 'hunter2')", 0o600, "Take it out yourself."),
            ("# password = 'hunter2'", 0o600, "Take it out yourself."),
            ("('Alice', 'hunter2')", 0o400, "Make it writable for you."),
            ("('Alice' + '', 'hunter2')", 0o600, "take it out yourself."),
        ],
    )
    def test_secret_cannot_be_moved_its_own_next_step_is_named(self, healthy, line, mode, remedy):
        """Not the command that would leave it where it is."""
        path = healthy.folder / "user-password.py"
        path.write_text(f"{line}\n")
        path.chmod(mode)
        healthy.configure("password_file = 'user-password.py'")
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"secrets"})
        assert diagnosis.text("secrets").endswith(remedy)
        assert "pwb-oauth migrate" not in diagnosis.text("secrets")
        assert "hunter2" not in healthy.said

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
    def test_cookie_file_is_open_to_others_it_is_named_alone(self, healthy, mode):
        """Also one without a session: Pywikibot may write one into it."""
        path = healthy.folder / "pywikibot-Alice.lwp"
        path.write_text("#LWP-Cookies-2.0\n")
        path.chmod(mode)
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"permissions"})
        assert f"chmod go= {path}" in diagnosis.text("permissions")

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
    def test_user_config_is_open_to_others_it_is_named_alone(self, healthy, mode):
        """To read, or to change for a group."""
        healthy.config.chmod(mode)
        diagnosis = healthy.ask_doctor()
        assert diagnosis.failed == (1, {"permissions"})
        assert f"chmod go= {healthy.config}" in diagnosis.text("permissions")

    def test_list_of_accounts_is_open_to_others_it_is_named_alone(self, healthy):
        """It says whose accounts are stored."""
        (index,) = healthy.home.rglob("accounts.json")
        index.chmod(0o644)
        assert healthy.ask_doctor().failed == (1, {"permissions"})

    def test_both_both_are_named(self, healthy):
        """A password file that everybody can read."""
        path = healthy.folder / "user-password.py"
        path.write_text('("Alice", "hunter2")\n')
        path.chmod(0o644)
        healthy.configure("password_file = 'user-password.py'")
        assert healthy.ask_doctor().failed == (1, {"permissions", "secrets"})
