"""A person with a healthy set-up, for tests to break one thing of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bots import Bot
from person import Person
from pwb_oauth.stores.keyring import KeyringTokenStore

if TYPE_CHECKING:
    from pathlib import Path

    from pwb_oauth.credential import Credential
    from pwb_oauth.testing import SandboxWiki
    from pwb_oauth.tokens import TokenKey

_LINE = "__import__('pwb_oauth').install()"


class Patient(Person):
    """Somebody whose scripts bring pwb_oauth in, and who asks the doctor.

    Attributes:
        said: All that the doctor said, to look for secrets in.
    """

    def __init__(self, wiki: SandboxWiki, home: Path) -> None:
        super().__init__(wiki, home)
        self.configure(_LINE)
        self.said = ""
        self._bot = Bot(wiki, home)

    def configure(self, line: str) -> None:
        """Add a line to ``user-config.py``."""
        with self.config.open("a") as file:
            file.write(f"{line}\n")

    def write_module(self, name: str, text: str) -> None:
        """Put a module where their Python finds it."""
        (self.home / name).write_text(text)
        self.variables["PYTHONPATH"] = str(self.home)

    def key(self, user: str = "Alice") -> TokenKey:
        return self._bot.key(user)

    def log_in(self, kind: str, user: str = "Alice", **options) -> Credential:
        """Obtain a credential of that kind, and store it in their keyring."""
        credential = self._bot.credential(kind, user, **options)
        self.store(credential, user)
        return credential

    def store(self, credential: Credential, user: str = "Alice") -> None:
        with self.at_home():
            KeyringTokenStore().save(self.key(user), credential)

    def stored(self, user: str = "Alice") -> Credential | None:
        with self.at_home():
            return KeyringTokenStore().load(self.key(user))

    def ask_doctor(self, *arguments: str) -> Diagnosis:
        """Run ``pwb-oauth doctor --json``."""
        ran = self.over_pipe("doctor", "--json", *arguments)
        self.said += ran.stdout + ran.stderr
        assert ran.stdout, ran.stderr
        checks = json.loads(ran.stdout)["checks"]
        findings = [finding for check in checks for finding in check["findings"]]
        assert not [one for one in findings if not one["problem"] or not one["remedy"].strip(" .")]
        return Diagnosis(ran.returncode, checks)


class Diagnosis:
    """What the doctor said.

    Attributes:
        code: The exit code.
        checks: What came of each check, by its name.
    """

    def __init__(self, code: int, checks: list[dict]) -> None:
        self.code = code
        self.checks = {check["check"]: check for check in checks}

    def names(self, status: str) -> set[str]:
        """The checks with that status."""
        return {name for name, check in self.checks.items() if check["status"] == status}

    @property
    def failed(self) -> tuple[int, set[str]]:
        """The exit code, and the checks that failed."""
        return self.code, self.names("failed")

    def text(self, name: str) -> str:
        """What a check found, in one line."""
        findings = self.checks[name]["findings"]
        return " | ".join(f"{one['problem']} {one['remedy']}" for one in findings)


def secrets_of(*credentials: Credential) -> list[str]:
    """All that must not be shown."""
    found = []
    for credential in credentials:
        token = credential.access_token
        parts = [credential.consumer.secret, *(vars(token).values())]
        found += [part for part in parts if isinstance(part, str)]
        if credential.oauth_version == "1.0a":
            found.remove(token.key)  # an OAuth 1.0a token's name is none
    return found
