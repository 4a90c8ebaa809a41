"""Somebody with secrets in their files."""

from __future__ import annotations

import re

from migrations import CONFIG, PASSWORDS
from person import Person
from pwb_oauth import Wiki, authorization, open_token_store
from pwb_oauth.credential import parse_owner_only
from pwb_oauth.tokens import TokenKey

FAMILY = """from pywikibot import family


class Family(family.SingleSiteFamily):
    name = "other"
    code = "en"
    domain = "{host}"

    def protocol(self, code):
        return "http"

    def scriptpath(self, code):
        return "/w"
"""

CONFIG_OF_ALL = """
password_file = 'user-password.cfg'
authenticate['<host>'] = ('<a1>', '<a2>', '<a3>', '<a4>')
"""
PASSWORDS_OF_ALL = """
('Alice', BotPassword('quick', 'hunter2-alice'))
('en', 'sandbox', 'Bob', 'hunter2-bob')
"""


class Mover(Person):
    """Somebody with secrets in files.

    Attributes:
        names: What stands for hosts and tokens in a text.
        other: Another wiki, for the family of that name; else the same.
    """

    def __init__(self, wiki, home, other=None):
        super().__init__(wiki, home)
        self.other = other or wiki
        self.names = {
            "host": self.host,
            "port": self.host.rpartition(":")[2],
            "other": self.other.url.removeprefix("http://"),
            "folder": str(self.folder),
        }
        (self.folder / "families" / "other_family.py").write_text(
            FAMILY.format(host=self.names["other"])
        )

    def tuple_of(self, letter, user, wiki=None):
        """Register an owner-only consumer, and name the parts of its tuple."""
        made = (wiki or self.wiki).add_consumer(
            f"Of {letter} {user}", oauth_version="1.0a", owner=user, owner_only=True
        )
        parts = (made.key, made.secret, made.access_token, made.access_secret)
        self.names |= {f"{letter}{number}": part for number, part in enumerate(parts, 1)}
        return made

    def filled_in(self, text):
        """A set-up's text with the hosts and tokens."""
        return re.sub(r"<(\w+)>", lambda found: self.names[found.group(1)], text)

    def filled_in_of(self, set_up, data):
        """The same of a file of its."""
        return self.filled_in(data.decode(set_up.encoding)).encode(set_up.encoding)

    def begin_with(self, set_up):
        """Take a set-up over, and log in who has; what is never to be shown."""
        for name in ("Žluťoučký 機器人", "Žofie"):
            self.wiki.add_user(name)
        self.tuple_of("d", "Alice")
        self.wiki.revoke("Alice")
        owners = {"a": "Alice", "b": "Bob", "z": "Žluťoučký 機器人", "f": "Žofie"}
        for letter, user in owners.items():
            self.tuple_of(letter, user)
        self.tuple_of("o", "Olga", self.other)
        for user in set_up.stored:
            self.log_in(user)
        files = set_up.before(self.config.read_text())
        self.write({name: self.filled_in_of(set_up, data) for name, data in files.items()})
        if set_up.prepare:
            set_up.prepare(self.folder)
        for path in self.folder.glob("*.py"):
            if b"<host>" in path.read_bytes():
                path.write_text(self.filled_in(path.read_text()))
        tokens = [value for name, value in self.names.items() if re.fullmatch(r"\w[24]", name)]
        return ["hunter2", *tokens]

    def write(self, files):
        for name, data in files.items():
            path = self.folder / name
            path.write_bytes(data)
            path.chmod(0o600)

    def log_in(self, user):
        """Store a credential of an owner-only consumer."""
        made = self.wiki.add_consumer(f"{user}'s new", owner=user, owner_only=True)
        address = Wiki.from_url(self.wiki.api_url)
        with self.at_home():
            credential = authorization.adopt(address, *parse_owner_only(made.access_token))
            open_token_store().save(TokenKey(address.name, user), credential)

    def stored(self):
        """Whose credentials are stored, by name."""
        with self.at_home():
            store = open_token_store()
            return {entry.key.username: store.load(entry.key) for entry in store.entries()}


def write_all_kinds(mover):
    """Give them a tuple of Alice's, a BotPassword of hers and a password of Bob's."""
    mover.tuple_of("a", "Alice")
    beginning = mover.config.read_text()
    files = {CONFIG: beginning + mover.filled_in(CONFIG_OF_ALL), PASSWORDS: PASSWORDS_OF_ALL}
    mover.write({name: text.encode() for name, text in files.items()})


def contents(person):
    """What the person's files hold."""
    return {path.name: path.read_bytes() for path in person.folder.iterdir() if path.is_file()}
