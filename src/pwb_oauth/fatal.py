"""Our errors as errors that Pywikibot lets through at once."""

from __future__ import annotations

import functools

from pwb_oauth.errors import DeadlineExceededError, PwbOAuthError, TransportError


class fatal_for_pywikibot:  # noqa: N801  # a context manager, like contextlib.suppress
    """Give our errors the class that Pywikibot lets through, or drop them.

    Pywikibot retries for minutes what it does not know, and a thread of asynchronous saves dies of
    it. A TransportError is what it should retry, save when a site signs in: that fails at once.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        """Drop our errors if ``quiet``."""
        self._quiet = quiet

    def __enter__(self) -> None:
        """Do nothing, at every request."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> bool | None:
        """Let an error pass, drop it, or raise it as another."""
        return isinstance(error, PwbOAuthError) and self._handle(error)

    def _handle(self, error: PwbOAuthError) -> bool:
        from pywikibot.exceptions import FatalServerError  # noqa: PLC0415

        from pwb_oauth import signing_in  # noqa: PLC0415  # imports Pywikibot

        if isinstance(error, FatalServerError):
            return self._quiet
        passing = isinstance(error, TransportError) and not isinstance(error, DeadlineExceededError)
        if passing and not signing_in.is_signing_in():
            return False
        if not self._quiet:
            raise as_fatal(error) from None
        return True


def as_fatal(error: PwbOAuthError) -> PwbOAuthError:
    """The same error, as a ``FatalServerError`` too."""
    cls = _fatal_class(type(error))  # type: ignore[arg-type]  # mypy looks for a class's hash in vain
    fatal = cls.__new__(cls, *error.args)
    fatal.__dict__.update(vars(error), unicode=str(error))
    return fatal


@functools.cache
def _fatal_class(cls: type[PwbOAuthError]) -> type[PwbOAuthError]:
    from pywikibot.exceptions import FatalServerError  # noqa: PLC0415  # imports Pywikibot

    # A pickle holds the plain error: this class cannot be found by its name.
    own = {
        "__module__": cls.__module__,
        "__reduce__": lambda error: (cls, *cls.__reduce__(error)[1:]),
    }
    return type(cls.__name__, (cls, FatalServerError), own)
