"""``pwb oauth …``: the same commands, where authors of bots look for them."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from bots import Bot
from person import Person, ended

PWB = Path(sys.executable).with_name("pwb")
WHICH = """
import sys
sys.argv = ["pwb", "oauth"]
from pywikibot import i18n
from pywikibot.scripts import wrapper
wrapper.site_package = True
before = i18n._messages_package_name
for script in ("oauth.py", "login.py", "version.py"):
    print(wrapper.find_filename(script))
print(i18n._messages_package_name == before)
"""


@pytest.fixture
def person(wiki, tmp_path):
    person = Person(wiki, tmp_path / "person")
    person.command = PWB
    return person


@pytest.fixture
def token(wiki, tmp_path):
    """The access token of an owner-only consumer of Alice's."""
    return Bot(wiki, tmp_path).credential("2.0 owner-only").access_token.value


class TestScript:
    """The command ``pwb`` as it is installed, in a home of its own."""

    def test_login_whoami_logout_over_a_pipe(self, person, token):
        """The same commands, the same store, the same exit codes."""
        api = person.wiki.api_url
        login = person.over_pipe("oauth", "login", api, "--with-token", typed=f"{token}\n")
        assert login.returncode == 0, login.stderr
        assert token not in login.stdout + login.stderr
        who = person.over_pipe("oauth", "whoami")
        assert (who.returncode, who.stdout) == (0, "Alice\n")
        assert person.over_pipe("oauth", "logout").returncode == 0
        gone = person.over_pipe("oauth", "logout")
        assert (gone.returncode, gone.stdout) == (4, "")
        assert gone.stderr.splitlines()[-1].startswith("pwb oauth: The keyring holds no credential")

    def test_at_a_terminal_ctrl_c_is_130_and_no_password_is_asked_for(self, person):
        """Pywikibot is imported, and that is all it does."""
        terminal = person.at_terminal("oauth", "login", person.wiki.api_url)
        terminal.expect("oken")
        assert "assword" not in terminal.before
        terminal.sendintr()
        code, shown = ended(terminal)
        assert code == 130
        assert "pwb oauth: Interrupted." in shown
        assert not [entry for entry in person.wiki.log if entry.params.get("action") == "login"]

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            (["--help"], 0, "Usage: pwb oauth [OPTIONS] COMMAND"),
            (["-help"], 0, "Usage: pwb oauth [OPTIONS] COMMAND"),
            (["login", "--help"], 0, "Usage: pwb oauth login "),
            (["--version"], 0, "pwb oauth, version "),
            (["nope"], 2, "pwb oauth: No such command 'nope'. See: pwb oauth --help"),
            (["key", "-family:commons"], 2, "pwb oauth: No such option '-f'."),
        ],
    )
    def test_it_goes_by_the_name_that_was_typed(self, person, arguments, code, says):
        """And what is wrong use there is wrong use here."""
        ran = person.over_pipe("oauth", *arguments)
        assert ran.returncode == code
        assert says in ran.stdout + ran.stderr

    @pytest.mark.parametrize(
        "arguments",
        [
            ["-nolog", "oauth", "key"],
            ["oauth", "key", "-nolog"],
            ["-family:sandbox", "-code:en", "oauth", "key"],
        ],
        ids=" ".join,
    )
    def test_global_options_of_pywikibot_do_not_get_in_the_way(self, person, arguments):
        """``pwb`` moves the first one behind the name of the script."""
        ran = person.over_pipe(*arguments)
        assert ran.returncode == 0, ran.stderr
        assert len(ran.stdout.strip()) == 44

    def test_folder_of_the_configuration_may_be_named_behind(self, person, token):
        """Pywikibot heeds ``-dir`` wherever it stands, and so do we."""
        folder = person.home / "elsewhere"
        folder.mkdir()
        person.wiki.write_pywikibot_config(folder, "Alice")
        shutil.rmtree(person.folder)
        del person.variables["PYWIKIBOT_DIR"]
        there = f"-dir:{folder}"
        login = person.over_pipe("oauth", "login", "sandbox:en", "--with-token", there, typed=token)
        assert login.returncode == 0, login.stderr
        assert "Alice" in login.stdout

    def test_pywikibots_own_scripts_and_messages_stay(self, person):
        """Only ``oauth`` is ours."""
        ran = person.over_pipe("-c", WHICH, command=sys.executable)
        ours, login, version, same = ran.stdout.splitlines()
        assert Path(ours).parts[-3:] == ("scripts", "pwb_oauth", "oauth.py")
        assert Path(login).parts[-3:] == ("pywikibot", "scripts", "login.py")
        assert Path(version).parts[-3:] == ("pywikibot", "scripts", "version.py")
        assert same == "True"

    def test_folder_holds_nothing_else(self):
        """Pywikibot puts it in front of where Python looks for modules."""
        (entry,) = [
            one
            for one in entry_points(group="pywikibot", name="scriptspath")
            if one.value.startswith("pwb_oauth.")
        ]
        files = [file.name for file in entry.load().iterdir() if file.name != "__pycache__"]
        assert files == ["oauth.py"]
