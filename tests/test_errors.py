"""Tests of the error tree."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from pwb_oauth import errors

TREE = {
    "PwbOAuthError": "Exception",
    "ConfigurationError": "PwbOAuthError",
    "MissingExtraError": "ConfigurationError",
    "UnsupportedPywikibotError": "ConfigurationError",
    "TransportError": "PwbOAuthError",
    "DeadlineExceededError": "TransportError",
    "AuthorizationError": "PwbOAuthError",
    "AuthorizationDeniedError": "AuthorizationError",
    "LoginRequiredError": "AuthorizationError",
    "PendingExpiredError": "AuthorizationError",
    "StateMismatchError": "AuthorizationError",
    "TokenRequestError": "AuthorizationError",
    "IdentityError": "PwbOAuthError",
    "UsernameMismatchError": "IdentityError",
    "TokenStoreError": "PwbOAuthError",
    "ReadOnlyStoreError": "TokenStoreError",
    "StoreUnavailableError": "TokenStoreError",
    "TokenDecryptionError": "TokenStoreError",
}
MADE = [
    *(
        getattr(errors, name)("what happened")
        for name in TREE
        if name not in {"MissingExtraError", "UsernameMismatchError"}
    ),
    errors.MissingExtraError("sandbox"),
    errors.UsernameMismatchError("Expected", "Actual"),
    errors.TokenRequestError("what happened", "invalid_client"),
]


class TestTree:
    """Which error is what."""

    def test_tree_is_the_documented_one(self):
        """Each error has its one parent, and none is undocumented."""
        classes = dict(inspect.getmembers(errors, inspect.isclass))
        assert {name: made.__bases__[0].__name__ for name, made in classes.items()} == TREE
        assert sorted(errors.__all__) == errors.__all__ == sorted(TREE)

    def test_docstring_draws_every_error(self):
        """The tree on top of the module is complete."""
        drawn = errors.__doc__.partition("No message")[0]
        assert [name for name in TREE if name not in drawn] == []

    @pytest.mark.parametrize("error", MADE, ids=repr)
    def test_pickle_and_copy_keep_message_and_attributes(self, error):
        """Errors cross processes as they are."""
        for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301  # our own
            assert type(twin) is type(error)
            assert str(twin) == str(error)
            assert vars(twin) == vars(error)

    @pytest.mark.parametrize("error", MADE, ids=repr)
    def test_second_class_of_pywikibot_keeps_the_message(self, error):
        """The hooks give an error another class beside its own; it is printed as before."""

        class FatalServerError(Exception):
            pass

        both = type(type(error).__name__, (type(error), FatalServerError), {})
        twin = both.__new__(both, *error.args)
        twin.args = error.args
        vars(twin).update(vars(error))
        assert str(twin) == str(error)


class TestMissingExtraError:
    """An optional dependency is not installed."""

    def test_message_says_what_to_install(self):
        """The command can be pasted."""
        error = errors.MissingExtraError("sql")
        assert "pip install 'pwb-oauth[sql]'" in str(error)
        assert error.extra == "sql"

    def test_is_an_import_error(self):
        """Code that guards an import catches it."""
        assert issubclass(errors.MissingExtraError, ImportError)


class TestTokenRequestError:
    """The wiki refused to give an access token."""

    def test_code_is_beside_the_message(self):
        """The message alone is printed; the code can be asked for."""
        error = errors.TokenRequestError("The secret is wrong.", "invalid_client")
        assert str(error) == "The secret is wrong."
        assert error.error == "invalid_client"

    def test_without_a_code_it_is_none(self):
        """The wiki does not always give one."""
        assert errors.TokenRequestError("What?").error is None


class TestUsernameMismatchError:
    """The access token belongs to another account."""

    def test_both_names_are_in_message_and_attributes(self):
        """And what to do about it."""
        error = errors.UsernameMismatchError("Expected bot", "Actual bot")
        assert (error.expected, error.actual) == ("Expected bot", "Actual bot")
        assert "Expected bot" in str(error)
        assert "Actual bot" in str(error)
        assert "user-config.py" in str(error)
