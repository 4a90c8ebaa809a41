"""Set-ups as people have them, before and after ``pwb-oauth migrate`` without a terminal.

Files are written as differences: lines with ``-`` go, lines with ``+`` come, others stay. The line
that installs pwb_oauth comes too where ``installs`` says so. Names in ``<>`` stand for hosts and
tokens: ``<a1>`` to ``<a4>`` are the parts of Alice's OAuth 1.0a tuple, ``<b1>`` those of Bob's,
``<o1>`` those of Olga's on the other wiki, and ``<d1>`` those of a tuple that Alice has withdrawn.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG, PASSWORDS = "user-config.py", "user-password.cfg"
LINE = "__import__('pwb_oauth').install()"


@dataclass(frozen=True)
class SetUp:
    """Files, and what becomes of them.

    Attributes:
        name: What is special about it.
        config: The rest of ``user-config.py``, as a difference; its beginning knows the wikis.
        moved: What is moved.
        left: What is left and named, and a word of why.
        passwords: The password file, as a difference; None if there is none.
        head: What ``user-config.py`` begins with.
        stored: Who has logged in already.
        accounts: Whose credentials are stored in the end, beside.
        installs: Whether the line is added.
        encoding: What the files are encoded in.
        line_end: What their lines end with.
        ends: Whether their last lines have an end.
        prepare: What else is special, done to the folder.
        code: The exit code; None for 1 if something is left, else 0.
    """

    name: str
    config: str
    moved: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()
    passwords: str | None = None
    head: str = ""
    stored: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    installs: bool = True
    encoding: str = "utf-8"
    line_end: str = "\n"
    ends: bool = True
    prepare: Callable[[Path], None] | None = field(default=None, repr=False)
    code: int | None = None

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return (1 if self.left else 0) if self.code is None else self.code

    def before(self, beginning: str) -> dict[str, bytes]:
        """The files as they are."""
        return self._files(beginning, "-", installs=False)

    def after(self, beginning: str) -> dict[str, bytes]:
        """The files as they shall be."""
        return self._files(beginning, "+", installs=self.installs)

    def _files(self, beginning: str, mark: str, *, installs: bool) -> dict[str, bytes]:
        lines = [*self.head.splitlines(), *beginning.splitlines(), *_side(self.config, mark)]
        files = {CONFIG: self._bytes([*lines, LINE] if installs else lines)}
        if self.passwords is not None:
            files[PASSWORDS] = self._bytes(_side(self.passwords, mark))
        return files

    def _bytes(self, lines: list[str]) -> bytes:
        text = self.line_end.join(lines) + (self.line_end if self.ends and lines else "")
        return text.encode(self.encoding)


def _side(difference: str, mark: str) -> list[str]:
    lines = difference.strip("\n").split("\n") if difference else []
    assert all(line[:1] in ("", " ", "-", "+") for line in lines)
    return [line[1:] for line in lines if line[:1] in ("", " ", mark)]


def _link(name: str) -> Callable[[Path], None]:
    def move_away(folder: Path) -> None:
        away = folder.parent / "dotfiles"
        away.mkdir(exist_ok=True)
        (folder / name).rename(away / name)
        (folder / name).symlink_to(os.path.relpath(away / name, folder))

    return move_away


def _include(folder: Path) -> None:
    text = "authenticate['<host>'] = ('<a1>', '<a2>', '<a3>', '<a4>')\n"
    (folder / "more.py").write_text(text)


def _break_family(folder: Path) -> None:
    (folder / "families" / "broken_family.py").write_text("x = = 1\n")


NAMED = " password_file = 'user-password.cfg'"
TUPLE = "-authenticate['<host>'] = ('<a1>', '<a2>', '<a3>', '<a4>')"

SET_UPS = (
    SetUp("one tuple", TUPLE, moved=("tuple of <host>",), accounts=("Alice",)),
    SetUp(
        "comments and other code around a tuple",
        """
 # authenticate['en.wikipedia.org'] = ('consumer_key', 'consumer_secret',
 #                                     'access_key', 'access_secret')
 console_encoding = 'utf-8'; maxlag = 5  # do not touch
 # Registered 2019, see Special:OAuthListConsumers
-authenticate['<host>'] = (
-    '<a1>',  # consumer key
-    '<a2>',  # consumer secret
-    '<a3>', '<a4>',
-)  # owner-only
+# consumer key
+# consumer secret
+# owner-only
\x20
-put_throttle = 0; authenticate['<host>'] = ['<a1>', '<a2>', '<a3>', '<a4>']; minthrottle = 0
+put_throttle = 0; minthrottle = 0
 # the end
""",
        moved=("tuple of <host>", "tuple of <host>"),
        accounts=("Alice",),
    ),
    SetUp(
        "wildcards",
        """
-authenticate['*.0.1:<port>'] = ('<a1>', '<a2>', '<a3>', '<a4>')
 authenticate['*.example.org'] = ('<a1>', '<a2>', '<a3>', '<a4>')
 authenticate['*.intra.example'] = ('john', 'http-hunter2')
""",
        moved=("tuple of *.0.1:<port>",),
        left=(("tuple of *.example.org", "usernames names no account"),),
        accounts=("Alice",),
    ),
    SetUp(
        "several families",
        """
 usernames['other']['en'] = 'Olga'
 usernames['wikipedia']['*'] = usernames['commons']['commons'] = 'Alice'
-authenticate['<host>'] = ('<a1>', '<a2>', '<a3>', '<a4>')
-authenticate['<other>'] = ('<o1>', '<o2>', '<o3>', '<o4>')
""",
        moved=("tuple of <host>", "tuple of <other>"),
        accounts=("Alice", "Olga"),
    ),
    SetUp(
        "one dictionary",
        """
 authenticate = {
     # bots
-    '<host>': ('<a1>', '<a2>',
-               '<a3>', '<a4>'),  # mine
+    # mine
-    'nowhere.invalid': ('john', 'http-hunter2'), '*.0.0.1:<port>': (
-        '<a1>', '<a2>', '<a3>', '<a4>')
+    'nowhere.invalid': ('john', 'http-hunter2'),\x20
 }
""",
        moved=("tuple of <host>", "tuple of *.0.0.1:<port>"),
        accounts=("Alice",),
    ),
    SetUp(
        "BotPasswords and passwords, with those who have logged in",
        f"""
 usernames['sandbox']['*'] = 'Bob'
 db_password = 'db-hunter2'
{NAMED}
""",
        passwords="""
 # This is an automatically generated file used to store
 # BotPasswords.
\x20
-('Alice', BotPassword('quick', 'hunter2-alice'))
-('sandbox', 'Alice', 'hunter2-alice')  # the old one
+# the old one
-('en', 'sandbox', 'bob', BotPassword("bot", 'hunter2-bob'))
-('sandbox', 'Bob', 'hunter2-bob')
""",
        stored=("Alice", "Bob"),
        moved=(
            "BotPassword of Alice",
            "password of Alice",
            "BotPassword of bob",
            "password of Bob",
        ),
    ),
    SetUp(
        "passwords of some who have not logged in",
        f"""
{NAMED}
""",
        passwords="""
-('Alice', 'hunter2-alice')
 ('en', 'sandbox', 'Bob', 'hunter2-bob')
 ('Nobody', 'hunter2-x')
 ('en', 'nonsense', 'Alice', 'hunter2-y')
 ('Alice@quick', 'hunter2-z')
 ('Alice', 'hunter2-w'
 'hunter2-v'
""",
        stored=("Alice",),
        moved=("password of Alice",),
        left=(
            ("password of Bob", "Log in first: pwb-oauth login <host> --user Bob"),
            ("password of Nobody", "usernames names 'Nobody' for no wiki"),
            ("password of Alice", "Pywikibot knows no such wiki"),
            ("password of Alice@quick", "Write 'Alice'"),
            (f"{PASSWORDS}:6 password of an unknown account", "no line"),
            (f"{PASSWORDS}:7 password of an unknown account", "no line"),
        ),
    ),
    SetUp(
        "names that are not ASCII",
        f"""
 usernames['sandbox']['*'] = usernames['sandbox']['en'] = 'Žluťoučký 機器人'
-authenticate['<host>'] = ('<z1>', '<z2>', '<z3>', '<z4>')  # Žluťoučký 機器人
+# Žluťoučký 機器人
{NAMED}  # 密碼
""",
        passwords="""
 # Přístup 🔑
-('Žluťoučký_機器人', 'hunter2-ž🔑')
""",
        moved=("tuple of <host>", "password of Žluťoučký_機器人"),
        accounts=("Žluťoučký 機器人",),
    ),
    SetUp(
        "another encoding",
        """
 usernames['sandbox']['en'] = 'Žofie'  # š
-x = 'š'; authenticate['<host>'] = ('<f1>', '<f2>', '<f3>', '<f4>')
+x = 'š';\x20
""",
        head="# -*- coding: iso-8859-2 -*-",
        encoding="iso-8859-2",
        moved=("tuple of <host>",),
        accounts=("Žofie",),
    ),
    SetUp(
        "Windows line ends",
        f"""
{NAMED}
-authenticate['<host>'] = ('<a1>', '<a2>',  # key
-                          '<a3>', '<a4>')
+# key
 # the end
""",
        passwords="""
 # passwords
-('Alice', 'hunter2-alice')
 ('Nobody', 'hunter2-x')
""",
        line_end="\r\n",
        moved=("tuple of <host>", "password of Alice"),
        left=(("password of Nobody", "for no wiki"),),
        accounts=("Alice",),
    ),
    SetUp(
        "no end of the last line, Windows line ends",
        f"""
{NAMED}
{TUPLE}
""",
        passwords="""
 # passwords
-('Alice', 'hunter2-alice')
""",
        line_end="\r\n",
        ends=False,
        moved=("tuple of <host>", "password of Alice"),
        accounts=("Alice",),
    ),
    SetUp(
        "a byte order mark",
        TUPLE,
        encoding="utf-8-sig",
        moved=("tuple of <host>",),
        accounts=("Alice",),
    ),
    SetUp(
        "a syntax error",
        f"""
 authenticate['<host>'] = ('<a1>', '<a2>', '<a3>', '<a4>')
 family = = 'wikipedia'
{NAMED}
""",
        passwords=" ('Alice', 'hunter2-alice')",
        stored=("Alice",),
        installs=False,
        code=2,
    ),
    SetUp(
        "a read-only password file",
        f"""
{NAMED}
{TUPLE}
""",
        passwords=" ('Alice', 'hunter2-alice')",
        moved=("tuple of <host>",),
        left=(("password of Alice", "read-only"),),
        accounts=("Alice",),
        prepare=lambda folder: (folder / PASSWORDS).chmod(0o400),
    ),
    SetUp(
        "a read-only user-config.py",
        f"""
 authenticate['<host>'] = ('<a1>', '<a2>', '<a3>', '<a4>')
{NAMED}
""",
        passwords=" ('Alice', 'hunter2-alice')",
        stored=("Alice",),
        left=(("tuple of <host>", "read-only"),),
        installs=False,
        prepare=lambda folder: (folder / CONFIG).chmod(0o444),
        code=1,
    ),
    SetUp(
        "links into a folder of settings",
        f"""
{NAMED}
{TUPLE}
""",
        passwords="""
 # kept elsewhere
-('Alice', 'hunter2-alice')
""",
        moved=("tuple of <host>", "password of Alice"),
        accounts=("Alice",),
        prepare=lambda folder: (_link(CONFIG)(folder), _link(PASSWORDS)(folder)),
    ),
    SetUp(
        "tuples built by code",
        """
 import os
 for _host in ('<host>',):
     authenticate[_host] = ('<a1>', f'{"<a2>"}', '<a3>', os.environ.get('X', '<a4>'))
 del os
 consumer_secret = '<a2>'
 if True:
     authenticate['*.0.1:<port>'] = ('<a1>', '<a2>', '<a3>', '<a4>')
""",
        left=(
            ("tuple of <host>", "code makes it"),
            ("variable consumer_secret", "Pywikibot does not use it"),
            ("tuple of *.0.1:<port>", "inside other code"),
        ),
        installs=False,
    ),
    SetUp(
        "a file that includes another",
        """
 exec(compile(open('<folder>/more.py').read(), 'more.py', 'exec'))
""",
        left=(("user-config.py OAuth 1.0a tuple of <host>", "code makes it"),),
        installs=False,
        prepare=_include,
    ),
    SetUp(
        "tuples that do not serve",
        """
 usernames['other']['en'] = 'Olga'
 authenticate['<host>'] = ('<b1>', '<b2>', '<b3>', '<b4>')
 authenticate['<other>'] = ('<d1>', '<d2>', '<d3>', '<d4>')
""",
        left=(
            ("tuple of <host>", "belongs to 'Bob', but 'Alice' was expected"),
            ("tuple of <other>", "Log in first: pwb-oauth login <other> --user Olga"),
        ),
        installs=False,
    ),
    SetUp(
        "a tuple that another line needs",
        """
 authenticate['<host>'] = ('<a1>', '<a2>', '<a3>', '<a4>')
 authenticate['*.example.org'] = authenticate['<host>']
""",
        left=(
            ("tuple of <host>", "needs it, too"),
            ("tuple of *.example.org", "code makes it"),
        ),
        installs=False,
    ),
    SetUp(
        "a tuple that is needed where only Python sees it",
        """
 authenticate['<host>'] = ('<a1>', '<a2>', '<a3>', '<a4>')
 exec(compile("_key = authenticate['<host>'][0]", 'more.py', 'exec'))
""",
        left=(("tuple of <host>", "Pywikibot would not run"),),
        accounts=("Alice",),
    ),
    SetUp(
        "a tuple of hosts that usernames does not name",
        """
 authenticate['<host>'] = authenticate['*.example.com'] = ('<a1>', '<a2>', '<a3>', '<a4>')
 authenticate['<host>'] = authenticate['<other>'] = ('<a1>', '<a2>', '<a3>', '<a4>')
""",
        left=(
            ("tuple of <host> and *.example.com", "names no account for *.example.com."),
            ("tuple of <host> and <other>", "<other> does not accept it"),
        ),
        accounts=("Alice",),
        installs=False,
    ),
    SetUp(
        "a password for a family that cannot be loaded",
        f"""
 usernames['gone']['en'] = usernames['away']['*'] = usernames['broken']['en'] = 'Alice'
{NAMED}
""",
        passwords="""
 ('Alice', 'hunter2-alice')
-('en', 'sandbox', 'Alice', 'hunter2-alice')
""",
        stored=("Alice",),
        moved=("password of Alice",),
        left=(("password of Alice", "for gone:en and away:* and broken:en, too"),),
        prepare=_break_family,
    ),
    SetUp(
        "secrets in comments",
        f"""
 # authenticate['en.wikipedia.org'] = ('consumer_key', 'consumer_secret',
 #                                     'access_key', 'access_secret')
 #authenticate['<host>'] = ('<a1>', '<a2>',  # of last year
 #                          '<a3>', '<a4>')
 authenticate = {{
     # '*.example.org': ('<b1>', '<b2>', '<b3>', '<b4>'),
 }}
 # My password = 'hunter2' is no Python, and this has none: password = ''
 #password = 'hunter2'; _token = 'hunter2'
{NAMED}
""",
        passwords="""
 # (user, password)
 # ('Alice', 'hunter2-alice')
 #('en', 'sandbox', 'Bob', BotPassword('x', 'hunter2-bob'))
 # password = 'hunter2-old'; my_token = 'hunter2'  # of 2019
 # The password = 'hunter2' is no Python, and this has none: password = ''
 # password = ''
""",
        left=(
            ("user-config.py:10 OAuth 1.0a tuple of <host>", "in a comment"),
            ("user-config.py:13 OAuth 1.0a tuple of *.example.org", "in a comment"),
            ("user-config.py:16 variable password", "in a comment"),
            ("user-config.py:16 variable _token", "in a comment"),
            (f"{PASSWORDS}:2 password of Alice", "in a comment"),
            (f"{PASSWORDS}:3 BotPassword of Bob", "in a comment"),
            (f"{PASSWORDS}:4 variable password", "in a comment"),
            (f"{PASSWORDS}:4 variable my_token", "in a comment"),
        ),
        installs=False,
    ),
    SetUp(
        "a tuple that was withdrawn, of one who has logged in",
        """
-authenticate['<host>'] = ('<d1>', '<d2>', '<d3>', '<d4>')
""",
        stored=("Alice",),
        moved=("tuple of <host>",),
    ),
    SetUp(
        "a tuple that serves, of one who has logged in",
        TUPLE,
        stored=("Alice",),
        moved=("tuple of <host>",),
    ),
    SetUp(
        "a second name of the password file",
        f"""
{NAMED}
""",
        passwords=" ('Alice', 'hunter2-alice')",
        stored=("Alice",),
        left=(("password of Alice", "second name"),),
        installs=False,
        prepare=lambda folder: (folder / "backup").hardlink_to(folder / PASSWORDS),
    ),
)
