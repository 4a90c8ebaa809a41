"""One request to api.php while it is being answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pwb_oauth.testing.sandbox.api_errors import ApiError, Message
from pwb_oauth.testing.sandbox.api_format import Content
from pwb_oauth.testing.sandbox.api_modules import modules
from pwb_oauth.testing.sandbox.api_params import read_parameters

if TYPE_CHECKING:
    from datetime import datetime

    from pwb_oauth.testing.sandbox.exchange import Context
    from pwb_oauth.testing.sandbox.model import WikiState


def timestamp(moment: datetime) -> str:
    """Write a time as api.php does: ISO 8601, UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Call:
    """What the modules share while they answer one request.

    Attributes:
        context: Who asks, and the cookies of the reply.
        wiki: The wiki that is asked.
        limits: What ``limit=max`` came out as, by module; becomes part of the result.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.wiki: WikiState = context.wiki
        self.limits: dict[str, int] = {}
        self._warnings: dict[str, list[Message]] = {}
        self._recognized: set[str] = set()
        self._recognized_starts: list[str] = []

    @property
    def has_high_limits(self) -> bool:
        """Whether the caller may ask for more at once than others."""
        return "apihighlimits" in self.context.rights

    def may(self, right: str) -> bool:
        """Whether this request has a right."""
        return right in self.context.rights

    def parameters(self, path: str, prefix: str = "") -> dict[str, Any]:
        """Read the parameters of a module.

        Args:
            path: Of the module.
            prefix: To put before the module's own; generators have a ``g``.

        Raises:
            ApiError: See `read_parameters`; its ``module`` says which.
        """
        module = modules()[path]
        try:
            return read_parameters(self, module, prefix + module.prefix)
        except ApiError as error:
            error.module = error.module or path
            raise

    def raw(self, name: str) -> str | None:
        """Take a parameter as it was sent, None if it was not; it counts as recognized."""
        self._recognized.add(name)
        return self.context.request.params.get(name)

    def recognize_all(self, start: str) -> None:
        """Say that every parameter whose name starts so is a known one."""
        self._recognized_starts.append(start)

    def warn(self, module: str, text: str, code: str) -> None:
        """Add a warning to the result."""
        self._warnings.setdefault(module, []).append(Message(code, text))

    def note_limit(self, module: str, limit: int) -> None:
        """Remember what ``limit=max`` means for a module."""
        self.limits[module] = limit

    def warn_of_unrecognized(self) -> None:
        """Warn about every parameter that no module looked at."""
        request = self.context.request
        sent = [name for name, _ in parse_qsl(request.query_string, keep_blank_values=True)]
        sent += [name for name, _ in request.form_pairs] + list(request.params)
        names = dict.fromkeys(name.partition("[")[0] for name in sent)
        unknown = [name for name in names if not self._is_recognized(name)]
        if unknown:
            plural = "s" if len(unknown) > 1 else ""
            text = f"Unrecognized parameter{plural}: {', '.join(unknown)}."
            self.warn("main", text, "unrecognizedparams")

    def _is_recognized(self, name: str) -> bool:
        if name in self._recognized or name in self.context.request.files:
            return True
        return any(name.startswith(start) for start in self._recognized_starts)

    def warnings(self, error_format: str) -> dict[str, Any]:
        """The warnings as a part of the result, empty if there are none."""
        if not self._warnings:
            return {}
        if error_format == "bc":
            return {
                "warnings": {
                    module: {"warnings": Content("\n".join(each.text for each in messages))}
                    for module, messages in self._warnings.items()
                }
            }
        return {
            "warnings": [
                {"code": each.code, "text": Content(each.text), "module": module}
                for module, messages in self._warnings.items()
                for each in messages
            ]
        }
