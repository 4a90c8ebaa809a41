"""Finding secrets in Pywikibot's files, and telling what they are for without showing them."""

from __future__ import annotations

import pickle
from collections import defaultdict
from pathlib import Path

import pytest

from pwb_oauth.credential import Consumer, OAuth1AccessToken
from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.migration import authenticate, find_secrets, passwords, uses, variables
from pwb_oauth.migration.finding import Finding, Kind, Use
from pwb_oauth.migration.uses import ConfiguredUses
from pwb_oauth.wiki import Wiki

SECRET = "hunter2-hunter2"
TUPLE = f"('key', '{SECRET}', 'token', '{SECRET}')"


@pytest.fixture
def config(stock_bot, monkeypatch):
    """Pywikibot's configuration; ``usernames`` is filled by ``name``."""
    from pywikibot import config

    monkeypatch.setattr(config, "family", "wikipedia")
    monkeypatch.setattr(config, "mylang", "de")
    monkeypatch.setattr(config, "usernames", defaultdict(dict))
    return config


def name(config, **accounts):
    """Fill ``usernames``; ``wikipedia_de="X"``, and ``any`` for ``*``."""
    for site, user in accounts.items():
        family, code = (part.replace("any", "*") for part in site.split("_"))
        config.usernames[family][code] = user


def told(found):
    """Uses as people write them, sorted."""
    return sorted(map(str, found))


class TestFinding:
    """``Finding``: which secret it is, without it."""

    finding = Finding(
        Path("/home/me/user-config.py"),
        7,
        Kind.OAUTH1,
        "*.example.org",
        (Use(Wiki("https://wiki.example.org"), "Alice"),),
        source=TUPLE,
        token=(
            Consumer("key", SECRET, oauth_version="1.0a"),
            OAuth1AccessToken("token", SECRET),
        ),
    )

    def test_printed_it_shows_no_secret(self):
        """In whatever form."""
        shown = [str(self.finding), repr(self.finding), f"{self.finding}", repr([self.finding])]
        assert not [text for text in shown if SECRET in text]
        assert shown[0] == "user-config.py:7 OAuth 1.0a tuple of *.example.org"

    def test_pickled_it_refuses(self):
        """Pickles end in files."""
        with pytest.raises(TypeError):
            pickle.dumps(self.finding)


class TestUsesOfHosts:
    """``ConfiguredUses.of_hosts``: for whom an entry of ``authenticate`` is."""

    @pytest.mark.parametrize(
        "keys",
        [
            ["de.wikipedia.org"],
            ["*.wikipedia.org"],
            ["*.org", "*"],
            ["*"],
            ["de.wikipedia.org", "*.wikipedia.org"],
            ["*.wikipedia.org", "commons.wikimedia.org"],
            ["wikipedia.org", "*wikipedia.org", "de.*"],
            ["*.de.wikipedia.org"],
        ],
    )
    def test_entry_of_each_wiki_it_is_the_one_that_pywikibot_takes(self, config, keys):
        """Compared with Pywikibot itself."""
        from pywikibot.comms.http import get_authentication

        values = {key: ("key", "secret", "token", key) for key in keys}
        config.authenticate.update(values)
        found = ConfiguredUses()
        for host in ("de.wikipedia.org", "commons.wikimedia.org", "test.wikipedia.org"):
            wiki = Wiki(f"https://{host}")
            entry = found._entry_for(wiki)
            assert get_authentication(wiki.api_url) == (entry and values[entry])

    def test_several_accounts_and_wikis_each_is_named(self, config):
        """One wiki of each farm for an account of a whole family."""
        name(
            config,
            wikipedia_any="All",
            wikipedia_de="De",
            wikipedia_fr="All",
            commons_commons="De",
            sandbox_en="Mine",
            nonsense_en="Gone",
        )
        config.authenticate["*.wikipedia.org"] = ("a", "b", "c", "d")
        found = ConfiguredUses().of_hosts(["*.wikipedia.org"])
        assert "De on de.wikipedia.org" in told(found)
        assert "All on fr.wikipedia.org" in told(found)
        assert len(found) == 3
        assert {use.key.wiki for use in found} == {"meta.wikimedia.org"}

    @pytest.mark.parametrize(
        ("host", "expected"),
        [
            ("wiki.example.org", ["? on wiki.example.org"]),
            ("*.wikipedia.org", ["? on meta.wikimedia.org"]),
            ("de.wikipedia.org", ["? on de.wikipedia.org"]),
            ("*.example.org", []),
            ("*", []),
            ("ftp://x", []),
        ],
    )
    def test_usernames_names_nobody_the_host_itself_tells_the_wiki(self, config, host, expected):
        """Where it can. Whose it is, the wiki will tell."""
        assert told(ConfiguredUses().of_hosts([host])) == expected


class TestUsesOfDomain:
    """``ConfiguredUses.of_domain``: for whom a cookie is."""

    @pytest.mark.parametrize(
        ("domain", "expected"),
        [
            ("de.wikipedia.org", ["X on de.wikipedia.org"]),
            (".wikipedia.org", ["X on de.wikipedia.org"]),
            ("auth.wikimedia.org", ["X on de.wikipedia.org"]),
            ("127.0.0.1", ["X on 127.0.0.1"]),
            (".example.org", []),
            (".0.0.1", ["X on 127.0.0.1"]),
            ("0.0.1", []),
        ],
    )
    def test_domain_it_covers_these_wikis(self, config, domain, expected):
        """All wikis of the farm share a session."""
        name(config, wikipedia_de="X", sandbox_en="X", wikipedia_en="Y")
        found = ConfiguredUses().of_domain(domain, ["x"])
        assert [use.split(":")[0] for use in told(found)] == expected

    def test_host_has_no_dot_it_is_as_cookie_jars_write_it(self):
        """With ``.local``."""
        assert uses._covers("wiki.local", Wiki("http://wiki"))


class TestPasswords:
    """The password file, compared with what Pywikibot reads of it."""

    @pytest.mark.parametrize(
        "line",
        [
            "('Alice', 'hunter2')",
            "  ('alice', 'hunter2')  # c",
            "'Alice', 'hunter2'",
            "('sandbox', 'Alice', 'hunter2')",
            "('en', 'sandbox', 'Alice', 'hunter2')",
            "('Alice', BotPassword('suffix', 'hunter2'))",
            '("en", "sandbox", "Alice", BotPassword("suffix", "hunter2"))',
            "('Alice', 'hun' 'ter2')",
        ],
    )
    def test_line_that_pywikibot_understands_is_found(self, stock_bot, tmp_path, line):
        """As that account's on that wiki."""
        from pywikibot import config, login

        path = tmp_path / "pw"
        path.write_text(f"# c\n\n{line}\n")
        path.chmod(0o600)
        config.password_file = str(path)
        name(config, sandbox_en="Alice")
        manager = login.LoginManager(site=stock_bot.site("Alice"))
        assert manager.password == "hunter2"
        [finding] = passwords.find(path, ConfiguredUses())
        assert (finding.line, finding.problem) == (3, None)
        kind = Kind.BOT_PASSWORD if "BotPassword" in line else Kind.PASSWORD
        assert finding.kind is kind
        assert {use.key for use in finding.uses} == {stock_bot.key("Alice")}
        assert "hun" not in repr(finding)
        assert passwords.without(path.read_bytes(), finding).startswith(b"# c\n\n")
        assert b"hun" not in passwords.without(path.read_bytes(), finding)

    @pytest.mark.parametrize(
        "line",
        [
            "('Alice')",
            "('a', 'b', 'c', 'd', 'hunter2')",
            "('Alice', 'hunter2'",
            "('Alice', hunter2)",
            "('Alice', BotPassword())",
            "('', 'hunter2')",
            "hunter2",
            "\ufeff('Alice', 'hunter2')",
        ],
    )
    def test_line_that_it_does_not_is_named_and_left(self, config, tmp_path, line):
        """It may hold a password all the same."""
        path = tmp_path / "pw"
        path.write_text(f"{line}\n")
        [finding] = passwords.find(path, ConfiguredUses())
        assert "no line that Pywikibot could read" in finding.problem
        assert "hunter2" not in repr(finding) + finding.problem

    @pytest.mark.parametrize("data", [b"('Alice', '\xff')\n", None])
    def test_file_cannot_be_read_it_is_named(self, config, tmp_path, data):
        """Not UTF-8, or not to be opened."""
        path = tmp_path / "pw"
        path.mkdir() if data is None else path.write_bytes(data)
        [finding] = passwords.find(path, ConfiguredUses())
        assert "cannot read it" in finding.problem

    def test_same_line_twice_each_goes_by_itself(self, config, tmp_path):
        """The lines below move up meanwhile."""
        name(config, sandbox_en="Alice")
        path = tmp_path / "pw"
        data = b"('Alice', 'x')\n# c\n('Alice', 'x')\n"
        path.write_bytes(data)
        for finding in passwords.find(path, ConfiguredUses()):
            data = passwords.without(data, finding)
        assert data == b"# c\n"


class TestAuthenticate:
    """OAuth 1.0a tuples in ``user-config.py``."""

    def find(self, tmp_path, text):
        path = tmp_path / "user-config.py"
        path.write_text(text)
        return list(authenticate.find(path, ConfiguredUses()))

    @pytest.mark.parametrize(
        "text",
        [
            "authenticate['x.org'] = ('john', 'http')",
            "authenticate['x.org'] = ('', '', '', '')",
            "authenticate['x.org'] = (1, 2, 3, 4)",
            "other['x.org'] = ('a', 'b', 'c', 'd')",
            "# authenticate['x.org'] = ('a', 'b', 'c', 'd')",
            "authenticate = {}",
        ],
    )
    def test_no_tuple_nothing_is_found(self, config, tmp_path, text):
        """HTTP's own passwords are not ours to replace."""
        assert self.find(tmp_path, text) == []

    @pytest.mark.parametrize(
        "text",
        [
            f"if 1:\n    authenticate['x.org'] = {TUPLE}\n",
            f"def f():\n    authenticate['x.org'] = {TUPLE}\n",
            f"authenticate['x.org'] = t = {TUPLE}\n",
        ],
    )
    def test_tuple_inside_other_code_it_is_named_and_left(self, config, tmp_path, text):
        """Without it the code around might mean something else."""
        [finding] = self.find(tmp_path, text)
        assert "inside other code" in finding.problem
        data = text.encode()
        assert authenticate.without(tmp_path / "user-config.py", data, finding) == data

    def test_several_hosts_they_are_one_finding(self, config, tmp_path):
        """One statement gives it to both."""
        text = f"authenticate['x.org'] = authenticate['y.org'] = {TUPLE}\n"
        [finding] = self.find(tmp_path, text)
        assert (finding.label, finding.problem) == ("x.org and y.org", None)
        assert told(finding.uses) == ["? on x.org", "? on y.org"]

    def test_cut_would_change_other_code_it_refuses(self, config, tmp_path):
        """A comment would end up in a text."""
        text = f"x = '''\n'''; authenticate['x.org'] = ({TUPLE[1:-1]},  # c\n)\n"
        [finding] = self.find(tmp_path, text)
        with pytest.raises(PwbOAuthError, match="Take it out yourself") as caught:
            authenticate.without(tmp_path / "user-config.py", text.encode(), finding)
        assert SECRET not in str(caught.value)

    def test_cut_would_leave_no_python_it_refuses(self, config, tmp_path):
        """The line before goes on in a line that would be gone."""
        text = f"x = 1; \\\nauthenticate['x.org'] = {TUPLE}"
        [finding] = self.find(tmp_path, text)
        with pytest.raises(PwbOAuthError, match="Take it out yourself"):
            authenticate.without(tmp_path / "user-config.py", text.encode(), finding)

    @pytest.mark.parametrize(
        "needs",
        [
            "authenticate['y.org'] = authenticate['x.org']",
            "del authenticate['x.org']",
            "authenticate['x.org'] += ()",
            "_host = 'x.org'; _key = authenticate[_host]",
            "for _host in authenticate: print(_host)",
            "_all = authenticate",
            "def _f():\n    return authenticate.pop('x.org')",
        ],
    )
    def test_other_code_needs_the_entry_it_is_named_and_left(self, config, tmp_path, needs):
        """It would not run any more, or do something else."""
        for text in (
            f"authenticate['x.org'] = {TUPLE}\n",
            f"authenticate = {{'x.org': {TUPLE}}}\n",
        ):
            finding = self.find(tmp_path, f"{text}{needs}\n")[0]
            assert f"line {2 + needs.count(chr(10))} needs it" in finding.problem

    @pytest.mark.parametrize(
        "other",
        [
            "_key = authenticate['y.org']",
            "authenticate[_host] = ('a', 'b')",
            "authenticate = {}",
            "_x = y['x.org']",
        ],
    )
    def test_other_code_does_not_need_the_entry_it_can_be_moved(self, config, tmp_path, other):
        """To give something to an entry needs nothing of what was there."""
        [finding] = self.find(tmp_path, f"authenticate['x.org'] = {TUPLE}\n{other}\n")
        assert finding.problem is None

    def test_code_changes_a_tuple_both_are_named(self, config, tmp_path):
        """What Pywikibot gets to see is written nowhere."""
        config.authenticate["x.org"] = ("other", "b", "c", "d")
        text = f"authenticate['x.org'] = {TUPLE}\nauthenticate['x.org'] = f()\n"
        written, made = self.find(tmp_path, text)
        assert (written.line, written.problem) == (1, None)
        assert (made.line, "code makes it" in made.problem) == (2, True)
        assert made.token is None


class TestVariables:
    """Variables that look as if they held a secret."""

    @pytest.mark.parametrize("variable", ["password", "_MY_PASSWD", "consumer_secret", "token"])
    def test_name_says_so_it_is_named_and_left(self, tmp_path, variable):
        """Pywikibot does not use them, so that nobody but their owner knows."""
        path = tmp_path / "user-config.py"
        path.write_text(f"a = 1\n{variable} = '{SECRET}'\n")
        [finding] = variables.find(path)
        assert str(finding) == f"user-config.py:2 variable {variable}"
        assert "take it out yourself" in finding.problem
        assert SECRET not in repr(finding)

    @pytest.mark.parametrize(
        "text",
        [
            "password_file = 'x'",
            "db_password = 'x'",
            "token = ''",
            "token = None",
            "x = 'y'",
            "# the password = 'x'",
            "# token = None",
            "x = '# token = 1'",
        ],
    )
    def test_name_says_otherwise_it_is_not(self, tmp_path, text):
        """A database's password is no concern of ours."""
        path = tmp_path / "user-config.py"
        path.write_text(text)
        assert list(variables.find(path)) == []


class TestFindSecrets:
    """``find_secrets``."""

    def test_all_places_are_searched(self, config, monkeypatch):
        """No wiki is asked, which a closed one shows."""
        folder = Path(config.base_dir)
        config.authenticate["127.0.0.1"] = ("key", SECRET, "token", SECRET)
        name(config, sandbox_en="Alice")
        text = f"authenticate['127.0.0.1'] = {TUPLE}\npassword = '{SECRET}'\n"
        (folder / "user-config.py").write_text(text)
        (folder / "pw").write_text(f"('Alice', '{SECRET}')\n")
        monkeypatch.setattr(config, "password_file", "pw")
        cookie = f'xSession={SECRET}; path="/"; domain="127.0.0.1"; discard; version=0'
        (folder / "pywikibot-Alice.lwp").write_text(f"#LWP-Cookies-2.0\nSet-Cookie3: {cookie}\n")
        found = find_secrets()
        assert [finding.kind for finding in found] == [
            Kind.OAUTH1,
            Kind.VARIABLE,
            Kind.PASSWORD,
            Kind.COOKIES,
        ]
        assert SECRET not in repr(found)

    def test_cookie_file_is_damaged_it_is_named(self, config):
        """Pywikibot passes over it in silence."""
        folder = Path(config.base_dir)
        (folder / "user-config.py").write_text("")
        (folder / "pywikibot-Alice.lwp").write_text("nonsense")
        [finding] = find_secrets()
        assert (finding.kind, "Delete it" in finding.problem) == (Kind.COOKIES, True)
