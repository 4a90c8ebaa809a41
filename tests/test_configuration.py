"""What is read of Pywikibot's configuration, compared with what Pywikibot itself makes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pwb_oauth import configuration

# Runs in a process of its own: where Pywikibot's folder is, and what we make of it.
ASK = """
import json, os, sys
from pywikibot import config
from pwb_oauth import configuration
answers = []
del sys.modules["pywikibot.config"]
for folder, variables in json.load(sys.stdin):
    os.chdir(folder)
    os.environ.update({name: value for name, value in variables.items() if value is not None})
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
    answers.append([config.get_base_dir(), str(configuration.file_path())])
print(json.dumps(answers))
"""


def compare(tmp_path, cases):
    """Where Pywikibot's folder is in each of the cases, and where we see its file."""
    ran = subprocess.run(  # noqa: S603  # our own text, no shell
        [sys.executable, "-c", ASK],
        input=json.dumps(cases),
        env={**os.environ, "HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return json.loads(ran.stdout)


@pytest.fixture
def folders(tmp_path):
    """Folders that have the file and folders that have not, and a home that has."""
    for name in ("here", "named", "pwb", "home/.pywikibot"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "user-config.py").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("named")
    return tmp_path


class TestFilePath:
    """``file_path``: the file that every script runs."""

    @pytest.mark.parametrize(
        ("folder", "named", "pwb", "expected"),
        [
            ("here", "named", "pwb", "named"),
            ("here", None, "pwb", "here"),
            ("here", "empty", "pwb", "here"),
            ("empty", None, "pwb", "pwb"),
            ("empty", None, "empty", "home/.pywikibot"),
            ("empty", None, None, "home/.pywikibot"),
            ("empty", "gone", "gone", "home/.pywikibot"),
            ("here", "link", None, "link"),
            ("here", "empty/../named/.", None, "named"),
        ],
    )
    def test_file_is_there_it_is_where_pywikibot_finds_it(
        self, folders, folder, named, pwb, expected
    ):
        """The variable, this folder, that of pwb.py, the home: the first that has the file."""
        home = {"HOME": str(folders / "home")}
        variables = {
            **home,
            "PYWIKIBOT_DIR": named and str(folders / named),
            "PYWIKIBOT_DIR_PWB": pwb and str(folders / pwb),
        }
        [[base_dir, ours]] = compare(folders, [[str(folders / folder), variables]])
        assert base_dir == str(folders / expected)
        assert ours == f"{base_dir}/user-config.py"

    @pytest.mark.parametrize("named", [".", "../named", ""])
    def test_variable_is_relative_it_starts_from_this_folder(self, folders, named):
        """And empty it means this folder."""
        variables = {"PYWIKIBOT_DIR": named, "PYWIKIBOT_DIR_PWB": None}
        [[base_dir, ours]] = compare(folders, [[str(folders / "here"), variables]])
        assert ours == f"{base_dir}/user-config.py"

    @pytest.mark.parametrize(("named", "expected"), [(None, "home/.pywikibot"), ("new", "new")])
    def test_file_is_nowhere_it_is_made_where_every_script_finds_it(
        self, tmp_path, monkeypatch, named, expected
    ):
        """From whatever folder that is run."""
        monkeypatch.delitem(sys.modules, "pywikibot.config", raising=False)
        for name in ("home", "one", "other"):
            (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.delenv("PYWIKIBOT_DIR")
        if named:
            monkeypatch.setenv("PYWIKIBOT_DIR", str(tmp_path / named))
        monkeypatch.chdir(tmp_path / "one")
        path = configuration.file_path()
        assert path == tmp_path / expected / "user-config.py"
        path.parent.mkdir(parents=True)
        path.write_text("")
        variables = {"PYWIKIBOT_DIR": named and str(tmp_path / named), "PYWIKIBOT_DIR_PWB": None}
        cases = [[str(tmp_path / name), variables] for name in ("one", "other")]
        assert compare(tmp_path, cases) == [[str(path.parent), str(path)]] * 2

    def test_pywikibot_is_loaded_its_own_word_counts(self, stock_bot):
        """A script may have named the folder by ``-dir:``."""
        from pywikibot import config

        path = Path(config.base_dir, config.user_config_file)
        path.write_text("")
        assert configuration.file_path() == path


class TestWhySkipped:
    """``why_skipped``: files that Pywikibot passes over."""

    def is_skipped(self, path):
        """Whether Pywikibot passes over a file, by its own word."""
        ran = subprocess.run(
            [sys.executable, "-c", "from pywikibot import config; print(config.mylang)"],
            env={**os.environ, "PYWIKIBOT_DIR": str(path.parent)},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return ran.stdout != "xx\n"

    @pytest.fixture
    def path(self, tmp_path):
        """A file that sets something."""
        path = tmp_path / "user-config.py"
        path.write_text("mylang = 'xx'\n")
        return path

    @pytest.mark.parametrize(("mode", "says"), [(0o600, None), (0o644, None), (0o606, "chmod o-w")])
    def test_mode_it_is_as_pywikibot_has_it(self, path, mode, says):
        """Others may read, but not write."""
        path.chmod(mode)
        assert self.is_skipped(path) == bool(says)
        problem = configuration.why_skipped(path)
        assert (says in problem) if says else (problem is None)

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
    def test_somebody_elses_it_is_passed_over(self, path):
        """Unless that is root."""
        assert not self.is_skipped(path)
        os.chown(path, 65534, 65534)
        assert self.is_skipped(path)
        assert "its owner" in configuration.why_skipped(path)


class TestConfiguration:
    """What the file says, in a process of its own, since Pywikibot reads it once."""

    def ask(self, tmp_path, config, question):
        (tmp_path / "user-config.py").write_text(config)
        text = f"from pwb_oauth import configuration as c\nprint({question})"
        return subprocess.run(  # noqa: S603  # our own text, no shell
            [sys.executable, "-W", "ignore", "-c", text],
            env={**os.environ, "PYWIKIBOT_DIR": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    @pytest.mark.parametrize(
        ("config", "where"),
        [
            ("a = 1\nb = = hunter2\n", "SyntaxError in line 2"),
            ("a = 1\n\nb = hunter2\n", "NameError in line 3"),
            ("def f():\n    raise ValueError('hunter2')\nf()\n", "ValueError in line 2"),
            ("password_file = {}['hunter2']", "KeyError in line 1"),
        ],
    )
    def test_file_cannot_be_run_it_names_the_line_and_quotes_nothing(self, tmp_path, config, where):
        """A password without quotation marks is a NameError."""
        ran = self.ask(tmp_path, config, "c.accounts()")
        last = ran.stderr.splitlines()[-1]
        assert "ConfigurationError" in last
        assert f"cannot be run ({where})" in last
        assert "hunter2" not in last

    @pytest.mark.parametrize(
        ("usernames", "expected"),
        [
            ("usernames['wikipedia']['de'] = 'X'", ["de.wikipedia.org"]),
            ("usernames['commons']['commons'] = 'X'", ["commons.wikimedia.org"]),
            ("usernames['*']['*'] = 'X'", ["fr.wikipedia.org"]),
            ("usernames['*']['en'] = 'X'", ["en.wikipedia.org"]),
        ],
    )
    def test_account_it_is_of_these_wikis(self, tmp_path, usernames, expected):
        """A family for any is the default one."""
        config = f"family = 'wikipedia'\nmylang = 'fr'\n{usernames}\n"
        question = "[w.host for a in c.accounts() for w in c.wikis_of(a)]"
        assert self.ask(tmp_path, config, question).stdout.strip() == repr(expected)

    @pytest.mark.parametrize(
        ("site", "username"),
        [("wikipedia:de", "X"), ("wikipedia:en", "Y"), ("commons:commons", "Z")],
    )
    def test_username_of_a_wiki_it_is_the_one_named_most_closely(self, tmp_path, site, username):
        """By code, by family, or for all."""
        named = {("wikipedia", "de"): "X", ("wikipedia", "*"): "Y", ("*", "*"): "Z"}
        config = "".join(f"usernames[{f!r}][{c!r}] = {n!r}\n" for (f, c), n in named.items())
        ran = self.ask(tmp_path, config, f"c.username_of(*{site.split(':')!r})")
        assert ran.stdout.strip() == username

    def test_account_of_a_whole_family_the_default_wiki_is_first(self, tmp_path):
        """All the others follow, but those with an account of their own."""
        config = (
            "family = 'wikipedia'\nmylang = 'fr'\nusernames['wikipedia']['*'] = 'X'\n"
            "usernames['wikipedia']['en'] = 'Y'\n"
        )
        question = "*[w.host for w in c.wikis_of(c.accounts()[0])]"
        hosts = self.ask(tmp_path, config, question).stdout.split()
        assert hosts[0] == "fr.wikipedia.org"
        assert len(hosts) > 300
        assert "de.wikipedia.org" in hosts
        assert "en.wikipedia.org" not in hosts

    @pytest.mark.parametrize("usernames", ["['nonsense']['en']", "['wikipedia']['nonsense']"])
    def test_wiki_is_unknown_it_says_so(self, tmp_path, usernames):
        """With what can be given instead."""
        config = f"family = 'wikipedia'\nmylang = 'fr'\nusernames{usernames} = 'X'\n"
        ran = self.ask(tmp_path, config, "c.wikis_of(c.accounts()[0])")
        assert "Pywikibot knows no wiki" in ran.stderr.splitlines()[-1]

    @pytest.mark.parametrize("named", ["secrets/pw", "{folder}/secrets/pw"])
    def test_password_file_it_lies_beside_the_configuration(self, tmp_path, named):
        """Or where its whole path says."""
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "pw").write_text("")
        config = f"password_file = {named.format(folder=tmp_path)!r}\n"
        ran = self.ask(tmp_path, config, "c.password_file()")
        assert ran.stdout.strip() == str(tmp_path / "secrets" / "pw")

    @pytest.mark.parametrize("config", ["", "password_file = 'gone'\n"])
    def test_no_password_file_it_is_none(self, tmp_path, config):
        """Not named, or not there."""
        assert self.ask(tmp_path, config, "c.password_file()").stdout.strip() == "None"

    def test_cookie_files_they_are_called_as_pywikibot_calls_them(self, tmp_path):
        """Also for a name that is no file name."""
        user = "A/B C?"
        make = (
            "__import__('pathlib').Path(c._config().base_dir, 'x.lwp').touch(), "
            f"(h := __import__('pywikibot').comms.http).cookie_jar.load({user!r}), "
            "h.cookie_jar.save(), [p.name for p in c.cookie_files()], "
            f"c.cookie_file_name({user!r}), c.cookie_file_name(None)"
        )
        ran = self.ask(tmp_path, "", make)
        names = "['pywikibot-A_B_C_.lwp'] pywikibot-A_B_C_.lwp pywikibot.lwp"
        assert ran.stdout.strip().endswith(names)
