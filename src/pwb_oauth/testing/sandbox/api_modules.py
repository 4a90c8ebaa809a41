"""The modules of api.php and their parameters, as ``action=paraminfo`` describes them.

The table is data (``data/modules.json``), one parameter a line, with the names that paraminfo uses.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter of a module; ``name`` is without the module's prefix.

    Attributes:
        type: The name of a type, or the list of the values that are allowed.
        facts: All that the table says, with paraminfo's names.
    """

    name: str
    type: str | list[str]
    facts: dict[str, Any] = field(repr=False)

    @property
    def multi(self) -> bool:
        """Whether it takes several values, separated by ``|``."""
        return "multi" in self.facts

    @property
    def template(self) -> str | None:
        """For ``contentformat-{slot}``: what stands before the braces."""
        return self.name.partition("{")[0] if "templatevars" in self.facts else None


@dataclass(frozen=True)
class Module:
    """A module: ``path`` is ``edit``, ``query+info``, or ``main`` for the API as a whole."""

    path: str
    class_name: str
    group: str | None
    prefix: str
    help: list[str]
    flags: list[str]
    parameters: list[Parameter]

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("+")[2]

    @property
    def is_read(self) -> bool:
        """Whether it needs the right ``read``."""
        return "readrights" in self.flags

    @property
    def must_be_posted(self) -> bool:
        """Whether a GET request to it is refused."""
        return "mustbeposted" in self.flags

    @property
    def is_generator(self) -> bool:
        """Whether ``generator=`` may name it."""
        return "generator" in self.flags

    @property
    def token_kind(self) -> str | None:
        """The kind of token that must come with every request; logins check theirs themselves."""
        for parameter in self.parameters:
            if parameter.name == "token" and parameter.facts.get("tokentype") != "login":
                kind: str | None = parameter.facts.get("tokentype")
                return kind
        return None


@cache
def modules() -> dict[str, Module]:
    """Read the table; by path, the main module first."""
    table = resources.files(__package__).joinpath("data/modules.json").read_text("utf-8")
    return {path: _module(path, facts) for path, facts in json.loads(table).items()}


def _module(path: str, facts: dict[str, Any]) -> Module:
    return Module(
        path,
        facts["class"],
        facts.get("group"),
        facts.get("prefix", ""),
        facts.get("help", []),
        facts.get("flags", []),
        [Parameter(each["name"], each["type"], each) for each in facts["parameters"]],
    )
