"""The errors of api.php, and how each ``errorformat`` writes them."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox.api_format import Content

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Message:
    """One error: its code, its English sentence as wikitext, and what the code adds to it.

    ``key`` is the message's name in MediaWiki where a reply shows that.
    """

    code: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


class ApiError(Exception):
    """A request that api.php refuses; the first message is the one that ``bc`` clients see.

    Attributes:
        messages: At least one.
        module: The module that refused, empty for the API as a whole.
    """

    def __init__(self, *messages: Message, module: str = "") -> None:
        super().__init__(", ".join(message.code for message in messages))
        self.messages = messages
        self.module = module

    @property
    def codes(self) -> str:
        """What stands in the header ``MediaWiki-API-Error``: each code once."""
        return ", ".join(dict.fromkeys(message.code for message in self.messages))


def refuse(code: str, text: str, **data: Any) -> ApiError:
    """Make an error with one message."""
    return ApiError(Message(code, text, data))


def missing_parameter(name: str) -> ApiError:
    """Say that a parameter is required."""
    return refuse("missingparam", f'The "{name}" parameter must be set.')


def one_of(names: list[str], *, at_least: bool = False) -> ApiError:
    """Say that one of several parameters is required."""
    quoted = [f'"{name}"' for name in names]
    listed = f"{', '.join(quoted[:-1])} and {quoted[-1]}"
    start = "At least one" if at_least else "One"
    return refuse("missingparam", f"{start} of the parameters {listed} is required.")


def bad_continue() -> ApiError:
    """Say that a ``continue`` parameter is none that was given out."""
    text = (
        "Invalid continue param. You should pass the original value returned by the previous query."
    )
    return refuse("badcontinue", text)


def unsupported(what: str) -> ApiError:
    """Say that MediaWiki could answer this, but the sandbox wiki cannot."""
    return refuse("sandbox-unsupported", f"The sandbox wiki does not support {what}.")


def documentation(server: str, script_path: str) -> str:
    """The hint to the documentation that goes with every error, HTML-escaped as MediaWiki does."""
    announcements = "https://lists.wikimedia.org/postorius/lists/mediawiki-api-announce"
    return (
        f"See {server}{script_path}/api.php for API usage. Subscribe to the"
        f" mediawiki-api-announce mailing list at &lt;{announcements}.lists.wikimedia.org/&gt; for"
        " notice of API deprecations and breaking changes."
    )


def error_result(error: ApiError, error_format: str, documentation_hint: str) -> dict[str, Any]:
    """Write an error as a result.

    Args:
        error: What was refused.
        error_format: The parameter ``errorformat``.
        documentation_hint: See `documentation`.
    """
    hint = Content(documentation_hint)
    if error_format == "bc":
        first = error.messages[0]
        described = {"code": first.code, "info": first.text, **first.data, "docref": hint}
        return {"error": described}
    return {
        "errors": [_listed(message, error.module, error_format) for message in error.messages],
        "docref": hint,
    }


def _listed(message: Message, module: str, error_format: str) -> dict[str, Any]:
    texts: dict[str, dict[str, Any]] = {
        "plaintext": {"text": Content(message.text)},
        "wikitext": {"text": Content(message.text)},
        "html": {"html": Content(html.escape(message.text, quote=False))},
        "raw": {"key": message.key or message.code, "params": []},
        "none": {},
    }
    listed = {"code": message.code, **texts[error_format]}
    if message.data:
        listed["data"] = dict(message.data)
    return {**listed, "module": module} if module else listed
