"""What a visitor reads when something fails, and what the operator finds in the log."""

from __future__ import annotations

import logging
import re

import pytest
import requests
from pywikibot.exceptions import (
    APIError,
    ApiTimeoutError,
    Error,
    FatalServerError,
    OtherPageSaveError,
    ServerError,
)

from pwb_oauth import errors
from pwb_oauth.fatal import as_fatal
from pwb_oauth.web.problems import problem_of
from web_tool import WebTool, edit, web_tool  # noqa: F401

BLOCKED = (
    "autoblocked",
    "blocked",
    "globalblocking-blockederror",
    "mwoauth-invalid-authorization-blocked-user",
    "systemblocked",
)


def made(cls: type[errors.PwbOAuthError]) -> errors.PwbOAuthError:
    """An error of that class."""
    if cls is errors.UsernameMismatchError:
        return cls("Alice", "Bob")
    return cls("sql") if cls is errors.MissingExtraError else cls("What happened.")


# The status, whether the button is offered, whether trying again helps, and how grave it is.
TABLE = {
    errors.AuthorizationDeniedError: (403, True, False, logging.INFO),
    errors.StateMismatchError: (400, True, False, logging.INFO),
    errors.PendingExpiredError: (400, True, False, logging.INFO),
    errors.TokenRequestError: (400, True, False, logging.WARNING),
    errors.LoginRequiredError: (403, True, False, logging.INFO),
    errors.IdentityError: (502, True, False, logging.WARNING),
    errors.UsernameMismatchError: (502, True, False, logging.WARNING),
    errors.DeadlineExceededError: (503, False, True, logging.WARNING),
    errors.TransportError: (503, False, True, logging.WARNING),
    errors.StoreUnavailableError: (503, False, True, logging.ERROR),
    errors.TokenDecryptionError: (503, False, True, logging.ERROR),
    errors.ConfigurationError: (500, False, False, logging.ERROR),
    errors.MissingExtraError: (500, False, False, logging.ERROR),
    errors.UnsupportedPywikibotError: (500, False, False, logging.ERROR),
}


class TestProblemOf:
    """``problem_of``."""

    @pytest.mark.parametrize("cls", TABLE, ids=lambda cls: cls.__name__)
    def test_each_error_has_a_page_that_fits(self, cls):
        """And one that Pywikibot let through, or wrapped, has the same."""
        error = made(cls)
        problem = problem_of(error)
        seen = (problem.status, problem.sign_in, problem.retry_after is not None, problem.level)
        assert seen == TABLE[cls]
        assert problem_of(as_fatal(error)) == problem
        assert problem_of(OtherPageSaveError(None, as_fatal(error))) == problem

    def test_no_error_of_ours_is_without_one(self):
        """Each that has a name."""
        for name in errors.__all__:
            assert problem_of(made(getattr(errors, name))) is not None

    @pytest.mark.parametrize("cls", TABLE, ids=lambda cls: cls.__name__)
    def test_visitor_reads_plain_sentences(self, cls):
        """No markup, no exception's name, nothing of the operator's."""
        problem = problem_of(made(cls))
        assert problem.title
        assert problem.text.endswith(".")
        assert not re.search(
            r"[<>&]|Error|OAuth|token|PWB_|traceback", f"{problem.text} {problem.title}"
        )
        assert "What happened" not in problem.text

    @pytest.mark.parametrize(
        ("error", "status", "level"),
        [
            (errors.TokenRequestError("x", "access_denied"), 503, logging.ERROR),
            (errors.LoginRequiredError("x", "access_denied"), 503, logging.ERROR),
            (
                errors.LoginRequiredError("x", "mwoauth-invalid-authorization-not-approved"),
                503,
                logging.ERROR,
            ),
            (errors.TokenRequestError("x", "invalid_client"), 500, logging.ERROR),
            (errors.TokenRequestError("x", "invalid_grant"), 400, logging.WARNING),
            *((errors.LoginRequiredError("x", code), 403, logging.INFO) for code in BLOCKED),
        ],
    )
    def test_wikis_code_tells_the_operators_trouble_from_the_visitors(self, error, status, level):
        """A consumer that is disabled, a wrong secret, a blocked account."""
        problem = problem_of(error)
        assert (problem.status, problem.level) == (status, level)
        assert problem.sign_in == (status == 400)

    @pytest.mark.parametrize("code", BLOCKED)
    def test_blocked_user_is_told_so(self, code):
        """As api.php says it, by Pywikibot's error."""
        problem = problem_of(OtherPageSaveError(None, APIError(code, "<b>spam</b>")))
        assert problem.status == 403
        assert "blocked" in problem.text
        assert "<" not in problem.text + problem.log

    @pytest.mark.parametrize(
        "error",
        [
            ApiTimeoutError("Maximum retries attempted without success."),
            ServerError("500"),
            FatalServerError("x"),
            OtherPageSaveError(None, ApiTimeoutError("x")),
        ],
    )
    def test_pywikibots_word_for_a_wiki_that_is_down(self, error):
        """Trying again helps."""
        assert problem_of(error).status == 503
        assert problem_of(error).retry_after

    @pytest.mark.parametrize(
        "error",
        [
            ZeroDivisionError("x"),
            ValueError("x"),
            Error("x"),
            APIError("editconflict", "x"),
            OtherPageSaveError(None, "a reason in words"),
            requests.HTTPError("x"),
            KeyboardInterrupt(),
        ],
    )
    def test_what_is_not_ours_is_left_to_the_framework(self, error):
        """A bug of the tool's is a bug."""
        assert problem_of(error) is None


class TestForReal:
    """Errors as they come out of a block."""

    @pytest.mark.parametrize(
        ("trouble", "status"),
        [
            (lambda tool: tool.wiki.revoke("Alice"), 403),
            (lambda tool: tool.wiki.disable(tool.consumer), 503),
            (lambda tool: tool.wiki.block("Alice"), 403),
            (lambda tool: tool.wiki.lock("Alice"), 403),
            (lambda tool: tool.wiki.fail_next("503", count=50), 503),
            (lambda tool: tool.wiki.fail_next("cut", count=50), 503),
            (lambda tool: tool.wiki.fail_next("maxlag", count=50, action="edit"), 503),
            (lambda tool: tool.wiki.fail_next("hang", count=50, seconds=3), 503),
            (lambda tool: tool.wiki.fail_next("trickle", count=50, seconds=3), 503),
            (lambda tool: tool.database.rename(tool.database.with_suffix(".gone")), 503),
        ],
    )
    def test_operators_meet_each_with_a_page(self, tool, trouble, status):
        """What happens while a visitor edits."""
        session = tool.visitor("Alice").open()
        secret = session.credential.access_token.value
        trouble(tool)
        with (
            pytest.raises((Error, errors.PwbOAuthError)) as caught,
            tool.flow.account(session, seconds=1.5) as account,
        ):
            edit(account, "x")
        tool.wiki._faults.close()
        problem = problem_of(caught.value)
        assert problem is not None, repr(caught.value)
        assert problem.status == status, problem
        assert secret not in problem.log + problem.text
        assert tool.settings.consumer.secret not in problem.log

    def test_signing_in(self, tool):
        """A wrong secret is the operator's; a callback that was not left for is the visitor's."""
        from dataclasses import replace

        tool.start(consumer=replace(tool.settings.consumer, secret="0" * 40))
        with pytest.raises(errors.TokenRequestError) as caught:
            tool.visitor()
        assert problem_of(caught.value).status == 500
        with pytest.raises(errors.StateMismatchError) as caught:
            tool.flow.finish("?code=x&state=y", {})
        assert problem_of(caught.value).status == 400
