"""``pwb-oauth setup``: one line in ``user-config.py``, and nothing else."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from person import Person, ended
from pwb_oauth.migration import installation

LINE = "__import__('pwb_oauth').install()"
SECRET = "hunter2-hunter2"
QUICK = "import pywikibot; s = pywikibot.Site(); s.login(); print('signed in as', s.user())"


@pytest.fixture
def person(wiki, tmp_path):
    """Somebody whose user-config.py is as the sandbox wiki's author wrote it."""
    return Person(wiki, tmp_path / "home")


def changed(person):
    """What the folder holds beside what was there."""
    return sorted(path.name for path in person.folder.iterdir() if path.name != "families")


def identity(path):
    """Which file it is, and when it was last written; reading it changes neither."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_mode


class TestSetup:
    """Adding the line."""

    def test_at_a_terminal_it_shows_the_difference_and_asks(self, person):
        """In colour, and without the lines beside, which may hold secrets."""
        before = person.config.read_text() + f"authenticate['x.org'] = ('u', '{SECRET}')\n"
        person.config.write_text(before)
        terminal = person.at_terminal("setup")
        terminal.expect(r"Change the file\? \[y/N\]: ")
        shown = terminal.before
        assert f"\x1b[32m+{LINE}\x1b[0m" in shown
        assert str(person.config) in shown
        assert SECRET not in shown
        assert person.config.read_text() == before
        terminal.sendline("y")
        code, rest = ended(terminal)
        assert (code, SECRET in rest) == (0, False)
        assert "pwb-oauth doctor" in rest
        assert person.config.read_text() == f"{before}{LINE}\n"

    @pytest.mark.parametrize(("answer", "code"), [("n", 1), ("", 1), ("\x03", 130)])
    def test_person_does_not_want_to_nothing_changes(self, person, answer, code):
        """No, Enter and Ctrl-C."""
        before = person.config.read_bytes()
        terminal = person.at_terminal("setup")
        terminal.expect(r"\[y/N\]: ")
        terminal.send(answer if answer == "\x03" else f"{answer}\r")
        assert ended(terminal)[0] == code
        assert person.config.read_bytes() == before
        assert changed(person) == ["user-config.py"]

    @pytest.mark.parametrize("how", ["pipe", "stderr in a file"])
    @pytest.mark.parametrize("option", ["", "--remove"])
    def test_nobody_can_be_asked_nothing_changes_without_yes(self, person, how, option):
        """Nor where somebody is at a terminal and does not see the question."""
        if option:
            person.over_pipe("setup", "--yes")
        before = person.config.read_bytes()
        line = f"{person.command} setup {option} 2>errors"
        if how == "pipe":
            code = person.over_pipe("-c", line, command="/bin/sh").returncode
        else:
            code, _ = ended(person.at_terminal("-c", line, command="/bin/sh"))
        assert (code, "add --yes" in (person.home / "errors").read_text()) == (2, True)
        assert person.config.read_bytes() == before

    @pytest.mark.parametrize("option", ["--yes", "-y"])
    def test_yes_it_does_not_ask(self, person, option):
        """At a terminal too."""
        code, shown = ended(person.at_terminal("setup", option))
        assert (code, "[y/N]" in shown) == (0, False)
        assert LINE in person.config.read_text()

    def test_over_a_pipe_it_does_it_and_scripts_sign_in(self, person):
        """With --yes, since nobody can be asked; the difference is without colour."""
        made = person.wiki.add_consumer("Mine", owner="Alice", owner_only=True)
        token = made.access_token
        person.over_pipe("login", person.host, "--with-token", typed=token)
        ran = person.over_pipe("setup", "--yes")
        assert (ran.returncode, "\x1b" in ran.stdout) == (0, False)
        assert [line for line in ran.stdout.splitlines() if line[:2] not in ("--", "++", "@@")] == [
            f"+{LINE}"
        ]
        script = person.over_pipe("-c", QUICK, command=sys.executable)
        assert "signed in as Alice" in script.stdout, script.stderr
        assert person.wiki.log[-1].mechanism == "oauth2"

    def test_second_run_it_says_so_and_changes_nothing(self, person):
        """The very file stays."""
        person.over_pipe("setup", "--yes")
        before = identity(person.config)
        ran = person.over_pipe("setup", "--yes")
        line = len(person.config.read_text().splitlines())
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout == f"{person.config} installs pwb_oauth in line {line}.\n"
        assert identity(person.config) == before

    def test_no_file_it_is_made_where_pywikibot_looks(self, person):
        """With folders and a mode that Pywikibot insists on."""
        folder = person.home / "new" / "folder"
        person.variables["PYWIKIBOT_DIR"] = str(folder)
        terminal = person.at_terminal("setup")
        terminal.expect("--- /dev/null")
        terminal.sendline("y")
        assert ended(terminal)[0] == 0
        path = folder / "user-config.py"
        assert path.read_text() == f"{LINE}\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert "  usernames['wikipedia']['test'] = 'ExampleBot'" in terminal.before
        text = "from pywikibot import config; print(config.base_dir)"
        ran = person.over_pipe("-c", text, command=sys.executable)
        assert ran.stdout == f"{folder}\n"

    def test_file_says_something_it_is_not_told_what_to_say(self, person):
        """Whoever has comments alone is told."""
        assert "ExampleBot" not in person.over_pipe("setup", "--yes").stderr
        person.config.write_text("# mine\n")
        assert "ExampleBot" in person.over_pipe("setup", "--yes").stderr

    @pytest.mark.parametrize("times", [1, 2])
    def test_other_store_than_scripts_open_it_says_what_they_need(self, person, times):
        """The line names none; also where it was there before."""
        person.variables["PWB_OAUTH_ENCRYPTION_KEYS"] = person.over_pipe("key").stdout.strip()
        url = f"mysql+pymysql://me@db/x?read_default_file={person.home}/my.cnf"
        for _ in range(times):
            ran = person.over_pipe("setup", "--yes", "--store", url)
        assert ran.returncode == 0
        assert (
            "Warning: Scripts find what is in mysql+pymysql://me@db/x only with "
            "PWB_OAUTH_STORE=mysql+pymysql://me@db/x (and the password and the parameters "
            "that are not shown here) and with PWB_OAUTH_ENCRYPTION_KEYS."
        ) in ran.stderr

    @pytest.mark.parametrize("command", ["setup", "key"])
    @pytest.mark.parametrize(
        "url",
        [
            "mysql+pymysql://me:hunter2@db/x",
            "postgresql+psycopg://me:a/hunter2?@db/x",
            "postgresql+psycopg://me:hunter2@[::1]:5432/x",
            "mysql+pymysql://db/x?user=me&passwd=hunter2",
            "postgresql://db/x?user=me&Pass%77ord=hunter2",
            "mysql+pymysql://me@db/x?ssl_key=k&ssl_key_password=hunter2",
        ],
    )
    def test_store_with_a_password_it_is_refused_and_not_repeated(self, person, command, url):
        """Also where the store serves for nothing; one line, with the way that is safe."""
        before = person.config.read_text()
        ran = person.over_pipe(command, "--store", url)
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
        assert "Put the URL into PWB_OAUTH_STORE and leave out --store" in ran.stderr
        assert "hunter2" not in ran.stderr
        assert person.config.read_text() == before

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql+psycopg://me@db:5432/x?passfile=/home/me/.pgpass",
            "mysql+pymysql://db:3306/x?read_default_file=/home/me/my.cnf",
            "sqlite:////home/me@work/a:b@c.sqlite",
        ],
    )
    def test_store_without_a_password_it_is_taken(self, person, url):
        """Whatever else looks like one."""
        assert person.over_pipe("key", "--store", url).returncode == 0

    def test_store_with_a_password_in_the_variable_it_is_taken(self, person):
        """That is where it belongs."""
        person.variables["PWB_OAUTH_STORE"] = "mysql+pymysql://me:hunter2@db/x"
        ran = person.over_pipe("setup", "--yes")
        assert (ran.returncode, "hunter2" in ran.stdout + ran.stderr) == (0, False)

    @pytest.mark.parametrize("options", [["--store", "keyring:"], ["--remove", "--store", "env:"]])
    def test_scripts_need_nothing_it_says_nothing(self, person, options):
        """They open it anyway, or are not to open any."""
        ran = person.over_pipe("setup", "--yes", *options)
        assert (ran.returncode, "Scripts find" in ran.stderr) == (0, False)

    def test_link_it_stays_one_and_modes_stay(self, person):
        """As of somebody who keeps their settings in a repository."""
        real = person.home / "dotfiles" / "pywikibot.py"
        real.parent.mkdir()
        person.config.rename(real)
        real.chmod(0o644)
        person.config.symlink_to("../dotfiles/pywikibot.py")
        assert person.over_pipe("setup", "--yes").returncode == 0
        assert person.config.is_symlink()
        assert LINE in real.read_text()
        assert stat.S_IMODE(real.stat().st_mode) == 0o644
        assert list(real.parent.iterdir()) == [real]

    @pytest.mark.parametrize("options", [[], ["--debug"], ["--remove"]])
    def test_file_is_no_python_it_is_left(self, person, options):
        """And nothing of it is shown, not even with --debug."""
        text = f"a = 1\npassword = '{SECRET}\n"
        person.config.write_text(text)
        ran = person.over_pipe("setup", "--yes", *options)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "has a syntax error in line 2" in ran.stderr.splitlines()[-1]
        assert SECRET not in ran.stderr
        assert "--debug" in options or ran.stderr.count("\n") == 1
        assert person.config.read_text() == text
        assert changed(person) == ["user-config.py"]

    @pytest.mark.parametrize(
        ("prepare", "says"),
        [
            (lambda path: path.chmod(0o400), "it is read-only"),
            (lambda path: path.with_name("x").hardlink_to(path), "second name"),
        ],
    )
    def test_file_cannot_be_rewritten_it_is_left(self, person, prepare, says):
        """One line says why, and what to do."""
        before = person.config.read_bytes()
        prepare(person.config)
        ran = person.over_pipe("setup", "--yes")
        assert ran.returncode == 1
        assert ran.stderr.count("\n") == 1
        assert says in ran.stderr
        assert "then try again" in ran.stderr
        assert person.config.read_bytes() == before
        assert ".user-config.py.pwb-oauth-new" not in changed(person)

    def test_pywikibot_would_pass_over_the_file_it_warns(self, person):
        """Since everybody may write to it."""
        person.config.chmod(0o666)
        ran = person.over_pipe("setup", "--yes")
        assert ran.returncode == 0
        assert "Warning: Pywikibot passes over" in ran.stderr
        assert "chmod o-w" in ran.stderr

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
    def test_file_of_another_user_it_is_left(self, wiki):
        """It would become ours, and Pywikibot would pass over it when its owner runs it."""
        with tempfile.TemporaryDirectory() as home:
            Path(home).chmod(0o755)
            person = Person(wiki, Path(home, "home"))
            person.folder.chmod(0o777)
            person.config.chmod(0o666)
            state = person.home / "state"
            state.mkdir()
            state.chmod(0o777)
            person.variables["XDG_STATE_HOME"] = str(state)
            before = person.config.read_bytes()
            nobody = ["--reuid=65534", "--clear-groups", str(person.command), "setup", "-y"]
            ran = person.over_pipe(*nobody, command="setpriv")
            assert (ran.returncode, "it belongs to another user" in ran.stderr) == (1, True)
            assert person.config.read_bytes() == before
            assert changed(person) == ["user-config.py"]


class TestRemove:
    """``--remove``: taking it out again."""

    @pytest.mark.parametrize(
        "text",
        [
            "family = 'x'\n",
            "family = 'x'",
            "family = 'x'\r\nmylang = 'y'\r\n",
            "family = 'x'\r\nmylang = 'y'",
            "# only a comment",
            "",
            "family = 'x'\n\n\n",
            "if True:\n    family = 'x'\n    ",
            "# coding: latin-1\nname = 'Zo\xeb'\n",
            "\ufefffamily = 'x'\n",
        ],
    )
    def test_what_setup_added_is_gone_byte_for_byte(self, person, text):
        """Line ends, encoding and the missing end of the last line stay."""
        encoding = "latin-1" if "latin-1" in text else "utf-8"
        before = text.encode(encoding)
        person.config.write_bytes(before)
        source = installation.read(person.config)
        installation.write(person.config, source, installation.with_line(source))
        added = person.config.read_bytes()
        end = b"\r\n" if b"\r\n" in before else b"\n"
        line = LINE.encode()
        assert added == before + (line + end if before[-1:] in (b"\n", b"") else end + line)
        source = installation.read(person.config)
        installation.write(person.config, source, installation.without_line(source))
        assert person.config.read_bytes() == before

    def test_at_a_terminal_it_shows_the_difference_and_asks(self, person):
        """As when it was added."""
        before = person.config.read_bytes()
        person.over_pipe("setup", "--yes")
        terminal = person.at_terminal("setup", "--remove")
        terminal.expect(r"\[y/N\]: ")
        assert f"\x1b[31m-{LINE}\x1b[0m" in terminal.before
        terminal.sendline("y")
        code, shown = ended(terminal)
        assert (code, "pwb-oauth setup" in shown) == (0, True)
        assert person.config.read_bytes() == before

    def test_it_is_not_there_nothing_changes(self, person):
        """With or without a file."""
        before = person.config.read_bytes()
        ran = person.over_pipe("setup", "--remove", "--yes")
        assert (ran.returncode, ran.stdout) == (0, f"{person.config} does not install pwb_oauth.\n")
        assert person.config.read_bytes() == before
        person.config.unlink()
        assert person.over_pipe("setup", "--remove", "--yes").returncode == 0
        assert not person.config.exists()

    def test_other_words_do_it_they_are_left(self, person):
        """What setup did not write is its author's."""
        text = "import pwb_oauth\npwb_oauth.install()\n"
        person.config.write_text(text)
        ran = person.over_pipe("setup", "--remove", "--yes")
        assert ran.returncode == 1
        assert "in line 2" in ran.stderr
        assert person.config.read_text() == text


class TestInstallingLine:
    """``installing_line``: which sources install pwb_oauth already."""

    @pytest.mark.parametrize(
        "text",
        [
            "__import__('pwb_oauth').install()",
            '__import__("pwb_oauth") . install ( )  # c',
            "import pwb_oauth; pwb_oauth.install()",
            "import pwb_oauth as p\np.install()",
            "from pwb_oauth import install\ninstall()",
            "from pwb_oauth import install as i, errors\ni()",
            "import importlib\nimportlib.import_module('pwb_oauth').install()",
        ],
    )
    def test_it_does_it_is_seen(self, text, tmp_path):
        """In whatever words, so that setup adds no second line."""
        path = tmp_path / "user-config.py"
        path.write_text(text)
        source = installation.read(path)
        assert installation.installing_line(source) == text.count("\n") + 1

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "# __import__('pwb_oauth').install()",
            "import pwb_oauth",
            "import other as pwb_oauth\npwb_oauth.install()",
            "import pwb_oauth\npwb_oauth.uninstall()",
            "x = \"__import__('pwb_oauth').install()\"",
            "__import__('other').install()",
            "install()",
            "if False:\n  import pwb_oauth; pwb_oauth.install()",
            "import pwb_oauth\ndef f():\n  pwb_oauth.install()",
            "import pwb_oauth\nf = lambda: pwb_oauth.install()",
            "try:\n  import pwb_oauth\nexcept ImportError:\n  pass\nelse:\n  pwb_oauth.install()",
        ],
    )
    def test_it_does_not_it_is_not_taken_for_it(self, text, tmp_path):
        """A comment is not run, and what stands inside other code may not be."""
        path = tmp_path / "user-config.py"
        path.write_text(text)
        assert installation.installing_line(installation.read(path)) is None
