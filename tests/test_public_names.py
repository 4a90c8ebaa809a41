"""What ``import pwb_oauth`` gives, and what it leaves unloaded."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module, metadata

import pytest

import pwb_oauth

# Those of the design that exist so far.
DOCUMENTED = {
    "Consumer",
    "Credential",
    "EnvironmentTokenStore",
    "Identity",
    "KeyringTokenStore",
    "MemoryTokenStore",
    "OAuth1AccessToken",
    "OAuth2AccessToken",
    "OAuthLoginManager",
    "SqlTokenStore",
    "TokenKey",
    "TokenStore",
    "Wiki",
    "__version__",
    "errors",
    "install",
    "open_token_store",
    "uninstall",
}
HEAVY = ("pywikibot", "keyring", "sqlalchemy", "cryptography", "requests", "flask", "django")


IMPORTED = re.compile(r"^import time:[^|]*\|[^|]*\| +(\S+)$", re.MULTILINE)


def imported(code):
    """The top-level packages that code imports in a Python of its own."""
    ran = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-X", "importtime", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return {name.partition(".")[0] for name in IMPORTED.findall(ran.stderr)}


class TestImport:
    """Importing the package does as good as nothing."""

    def test_plain_import_loads_nothing_heavy(self):
        """A script that imports it for install() alone does not wait."""
        loaded = imported("import pwb_oauth")
        assert "pwb_oauth" in loaded
        assert loaded.isdisjoint(HEAVY)

    def test_first_use_is_seen_by_the_same_check(self):
        """A check that could not see an import would prove nothing."""
        assert {"requests", "keyring"} & imported("import keyring, requests") == {
            "requests",
            "keyring",
        }

    def test_install_loads_neither_pywikibot_nor_a_keyring(self):
        """It runs in user-config.py, before Pywikibot has loaded."""
        loaded = imported("import pwb_oauth; pwb_oauth.install()")
        assert loaded.isdisjoint({*HEAVY} - {"requests"})

    def test_account_and_its_keyring_store_load_nothing_that_only_some_processes_need(self):
        """Logging in, renewing and locking do: until then no script waits for their libraries."""
        loaded = imported("import pwb_oauth.account, pwb_oauth.stores.keyring")
        assert "requests_oauthlib" in loaded
        assert loaded.isdisjoint({"mwoauth", "jwt", "filelock", "keyring", "sqlalchemy"})


class TestNames:
    """The public names."""

    def test_star_import_gives_exactly_the_documented_names(self):
        """No helper of the package's own among them."""
        names = {}
        exec("from pwb_oauth import *", names)  # noqa: S102
        assert set(names) - {"__builtins__"} == DOCUMENTED

    def test_all_it_is_sorted_and_without_doubles(self):
        """As a reader expects it."""
        assert pwb_oauth.__all__ == sorted(DOCUMENTED)

    @pytest.mark.parametrize("name", sorted(DOCUMENTED))
    def test_each_it_loads_and_is_kept(self, name):
        """The second look needs no import."""
        assert getattr(pwb_oauth, name) is vars(pwb_oauth)[name]

    def test_each_dir_lists_it(self):
        """Loaded or not."""
        assert set(dir(pwb_oauth)) >= DOCUMENTED

    def test_unknown_name_it_is_an_attribute_error(self):
        """As of any module."""
        with pytest.raises(AttributeError, match="'pwb_oauth' has no attribute 'SqlTokenstore'"):
            pwb_oauth.SqlTokenstore  # noqa: B018

    def test_version_it_is_that_of_the_distribution(self):
        """One place holds it."""
        assert pwb_oauth.__version__ == metadata.version("pwb-oauth")

    def test_errors_each_is_public_documented_and_ends_in_error(self):
        """All of the module, under one base."""
        errors = import_module("pwb_oauth.errors")
        for name in errors.__all__:
            error = getattr(pwb_oauth.errors, name)
            assert name.endswith("Error")
            assert error.__doc__
            assert issubclass(error, errors.PwbOAuthError)
            assert f" {name}" in errors.__doc__
