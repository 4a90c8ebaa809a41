"""Signing in, acting and signing out on a Django site, with the sandbox wiki."""

from __future__ import annotations

import re

import pytest

from django_visitor import CALLBACK, PUBLIC_CALLBACK, Visitor, database, rows, session_of, site, visitor

__all__ = ["database", "site", "visitor"]  # fixtures


class TestLogin:
    """From the button to the wiki and back."""

    def test_visitor_logs_in_and_out(self, visitor):
        """The whole way."""
        assert visitor.who() == "nobody"
        response = visitor.log_in(next="/recall?a=1")
        assert (response.status_code, response.headers["Location"]) == (303, "/recall?a=1")
        assert visitor.who() == "Alice"
        assert visitor.who("/me-async") == "Alice"
        assert visitor.user().startswith("True wiki-")
        assert rows().count() == 1
        response = visitor.log_out()
        assert (response.status_code, response.headers["Location"]) == (303, "/")
        assert visitor.who() == "nobody"
        assert visitor.user() == "False "
        assert rows().count() == 0
