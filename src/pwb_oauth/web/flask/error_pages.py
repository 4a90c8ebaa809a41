"""What a visitor sees when something went wrong, and what the operator finds in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, render_template
from werkzeug.exceptions import HTTPException

from pwb_oauth.errors import PwbOAuthError, TokenStoreError
from pwb_oauth.web.flask import addresses, request_state
from pwb_oauth.web.flask.csrf import ForgedRequestError
from pwb_oauth.web.problems import LOGGER, Problem, problem_of

if TYPE_CHECKING:
    from flask import Flask, Response
    from flask.typing import ResponseReturnValue


def register(app: Flask) -> None:
    """Let an application show these pages, where it has none of its own for the same errors.

    Ours may come inside an error of Pywikibot's, which is not imported for this: a tool that only
    asks who its visitors are never loads it.
    """
    before = app.error_handler_spec[None][None].get(Exception, _leave)

    def show_any(error: Exception) -> ResponseReturnValue:
        problem = problem_of(error)
        if problem is None:
            answer: ResponseReturnValue = app.ensure_sync(before)(error)
            return answer
        # What failed may have ended the user session. A database that is down is not asked again.
        if not isinstance(error, TokenStoreError):
            request_state.look_again()
        return _page(problem)

    app.register_error_handler(Exception, show_any)
    app.register_error_handler(PwbOAuthError, show_any)
    app.register_error_handler(ForgedRequestError, show_forged)


def _leave(error: Exception) -> ResponseReturnValue:
    """Do what Flask does where nobody handles an error."""
    if isinstance(error, HTTPException):
        return error
    raise error


def show_forged(error: ForgedRequestError) -> Response:
    """Explain why a form was refused."""
    return _page(
        Problem(
            status=403,
            title="Please press the button again",
            text=str(error.description),
            log="A login or logout was refused: its form did not come from a page of this site.",
        )
    )


def _page(problem: Problem) -> Response:
    LOGGER.log(problem.level, "%s", problem.log)
    request_state.touch()  # No cache keeps an error.
    text = render_template(
        "pwb_oauth/problem.html", problem=problem, login_url=addresses.login_url()
    )
    page = make_response(text, problem.status)
    if problem.retry_after is not None:
        page.retry_after = problem.retry_after
    return page
