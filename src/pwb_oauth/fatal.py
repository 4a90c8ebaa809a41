"""Our errors as errors that Pywikibot lets through at once."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pwb_oauth.errors import PwbOAuthError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def fatal_for_pywikibot(*, quiet: bool = False) -> Iterator[None]:
    """Give our errors the class that Pywikibot lets through, or drop them.

    Pywikibot retries for minutes what it does not know, and a thread of asynchronous saves dies of
    it. A TransportError is what it should retry, save when a site signs in: that fails at once.
    """
    from pywikibot.exceptions import FatalServerError  # noqa: PLC0415

    from pwb_oauth import sites  # noqa: PLC0415  # imports Pywikibot

    try:
        yield
    except FatalServerError as error:
        if not (quiet and isinstance(error, PwbOAuthError)):
            raise
    except PwbOAuthError as error:
        if isinstance(error, TransportError) and not sites.is_signing_in():
            raise
        if not quiet:
            raise as_fatal(error) from None


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
