"""No secret in any output: logs, files, reprs, pickles, errors.

What is secret is read from what the wiki was sent and from what it knows, so that a new kind of
secret, or one that a refresh brought, is looked for as well.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import logging
import os
import pickle
import pprint
import re
import subprocess
import sys
import traceback
from contextlib import nullcontext
from urllib.parse import quote, quote_plus

import pytest
import requests
import rich.pretty
from rich.console import Console

from bots import Bot
from pwb_oauth import authorization, login, signing
from pwb_oauth.account import Account
from pwb_oauth.accounts import Accounts
from pwb_oauth.credential import Credential
from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.sender import Sender
from pwb_oauth.signing import OAuth1Signer, SigningClient
from pwb_oauth.stores.keyring import KeyringTokenStore
from pwb_oauth.testing.file_keyring import FileKeyring
from pwb_oauth.tokens import EnvironmentTokenStore
from pwb_oauth.wiki import Wiki

KINDS = ("1.0a", "1.0a owner-only", "2.0", "2.0 public", "2.0 owner-only")
WHO = {"action": "query", "meta": "userinfo", "format": "json"}
_SECRET_PARAMETERS = ("code", "code_verifier", "refresh_token")


def secrets_of(wiki):
    """Every secret that a sandbox wiki knows or was sent, by what it is."""
    found = {}
    for entry in wiki.log:
        scheme, _, value = entry.headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer":
            found[value] = "access token"
        for verifier in re.findall('oauth_verifier="([^"]+)"', value):
            found[verifier] = "verifier"
        for name in _SECRET_PARAMETERS:
            if entry.params.get(name):
                found[entry.params[name]] = name
    state = wiki._state
    for consumer in wiki.consumers.values():
        found[consumer.secret] = "consumer secret"
        if consumer.oauth_version == "2.0" and consumer.access_token:
            found[consumer.access_token] = "access token"
        if consumer.access_secret:
            found[consumer.access_secret] = "access secret"
    found |= {accepted.access_secret: "access secret" for accepted in state.acceptances}
    found |= {token.secret: "request token secret" for token in state.request_tokens.values()}
    found |= {user.password: "password" for user in wiki.users.values()}
    return {secret: what for secret, what in found.items() if secret and len(secret) > 5}


def secrets_in(credential, pending=None):
    """Those that the wiki was not sent yet."""
    token = credential.access_token
    found = {credential.consumer.secret: "consumer secret"}
    if credential.oauth_version == "1.0a":
        found[token.secret] = "access secret"
    else:
        found |= {token.value: "access token", token.refresh_token: "refresh_token"}
    if pending is not None:
        found[pending.secret] = "request token secret or code_verifier"
    return {secret: what for secret, what in found.items() if secret}


def leaks(places, secrets):
    """Which secret is where, in any of the forms that it could be written in.

    Args:
        places: Texts or bytes by where they were found.
        secrets: What each secret is.
    """
    found = set()
    for place, content in places.items():
        data = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
        for secret, what in secrets.items():
            plain = secret.encode()
            forms = {plain, quote(secret, "").encode(), quote_plus(secret).encode()}
            forms |= {base64.b64encode(plain).rstrip(b"="), json.dumps(secret)[1:-1].encode()}
            if any(form in data for form in forms):
                found.add((place, what))
    return found


class Capture(logging.Handler):
    """Keeps whatever any logger is given, in the form that a handler writes it in."""

    def __init__(self):
        super().__init__(logging.NOTSET)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self.text = ""

    def emit(self, record):
        self.text += f"{self.format(record)}\n{record.args!r}\n"


@pytest.fixture
def logged():
    """What goes to the root logger at DEBUG, of all loggers."""
    root, capture = logging.getLogger(), Capture()
    before = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(capture)
    yield capture
    root.removeHandler(capture)
    root.setLevel(before)


@pytest.fixture
def bot(wiki, tmp_path):
    """A bot that no Pywikibot runs for."""
    return Bot(wiki, tmp_path)


def account_of(bot, user="Alice"):
    return Account(bot.key(user), bot.store, Wiki.from_url(bot.wiki.api_url))


def ask(bot, account):
    return account.request("GET", bot.wiki.api_url, base=requests.Session(), params=WHO)


class TestLeaks:
    """The search itself."""

    @pytest.mark.parametrize(
        "content",
        [
            "x s3cr+t/== y",
            b"\x80\x05 s3cr+t/==",
            "a=s3cr%2Bt%2F%3D%3D",
            base64.b64encode(b"s3cr+t/==").decode(),
        ],
    )
    def test_planted_it_is_found(self, content):
        """As it is, in a pickle, in a query, in base64."""
        assert leaks({"here": content}, {"s3cr+t/==": "token"}) == {("here", "token")}

    def test_not_there_nothing_is_found(self):
        """Nor what merely looks like it."""
        assert leaks({"here": "s3cr"}, {"s3cr+t/==": "token"}) == set()


class TestLogs:
    """What libraries log at DEBUG while both protocols are at work."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_whole_life_of_a_credential_nothing_is_logged(self, bot, kind, logged, capfd):
        """Login, requests, refresh, a token that is refused, an error with its traceback."""
        account = self.live(bot, kind)
        bot.wiki.revoke("Alice")
        try:
            ask(bot, account)
        except PwbOAuthError:
            logging.getLogger("script").exception("failed as %s", account)
        secrets = secrets_of(bot.wiki)
        assert len(secrets) > 5
        assert "LoginRequiredError" in logged.text
        assert "urllib3" in logged.text
        out, err = capfd.readouterr()
        assert leaks({"log": logged.text, "stdout": out, "stderr": err}, secrets) == set()

    def test_signing_libraries_not_silenced_it_is_noticed(self, bot, logged, monkeypatch):
        """The search above would find what they log."""
        monkeypatch.setattr(signing, "unlogged", nullcontext)
        monkeypatch.setattr(SigningClient, "authorization", lambda *_: None)  # oauthlib's way
        self.live(bot, "1.0a")
        found = leaks({"log": logged.text}, secrets_of(bot.wiki))
        assert ("log", "verifier") in found

    def test_what_is_secret_is_known(self, bot):
        """Each kind that the flows have."""
        for kind in KINDS:
            self.live(bot, kind)
        assert set(secrets_of(bot.wiki).values()) == {
            "access secret",
            "access token",
            "code",
            "code_verifier",
            "consumer secret",
            "password",
            "refresh_token",
            "request token secret",
            "verifier",
        }

    @staticmethod
    def live(bot, kind):
        """Log in, ask, let the access token end, ask again."""
        bot.log_in(kind)
        account = account_of(bot)
        ask(bot, account)
        if kind in ("2.0", "2.0 public"):
            bot.wiki.expire_tokens()
            ask(bot, account)
        return account


def printed(thing):
    """All the ways in which somebody may print a thing."""
    console = Console(file=io.StringIO(), width=100_000)
    console.print(thing)
    ways = {
        "repr": repr(thing),
        "str": str(thing),
        "format": f"{thing}",
        "percent": "%s %r" % (thing, thing),  # noqa: UP031
        "ascii": ascii(thing),
        "pprint": pprint.pformat({"a": [thing]}),
        "rich": rich.pretty.pretty_repr(thing, max_width=100_000),
        "console": console.file.getvalue(),
        "in a tuple": repr((thing,)),
    }
    if isinstance(thing, BaseException):
        ways["traceback"] = "".join(traceback.format_exception(thing))
        ways["vars"] = repr(vars(thing)) + repr(thing.args)
    try:
        ways["pickle"] = pickle.dumps(thing)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        ways["pickle"] = str(error)
    return ways


class TestPrinting:
    """Whatever holds a secret keeps it to itself."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_each_object_shows_none(self, bot, kind, monkeypatch):
        """Printed in any way, pickled, copied."""
        things = self.things(bot, kind, monkeypatch)
        things |= {f"copy of {name}": copy.copy(thing) for name, thing in things.items()}
        places = {
            f"{name}, {way}": text
            for name, thing in things.items()
            for way, text in printed(thing).items()
        }
        secrets = secrets_of(bot.wiki) | secrets_in(things["credential"], things.get("pending"))
        assert leaks(places, secrets) == set()

    def test_credential_without_its_own_repr_it_is_noticed(self, bot, monkeypatch):
        """The search above would find what a dataclass shows by itself."""
        monkeypatch.setattr(Credential, "__repr__", Credential.to_json)
        places = printed(bot.log_in("2.0"))
        found = {place for place, _ in leaks(places, secrets_of(bot.wiki))}
        assert found >= {"repr", "str", "format", "ascii", "pprint", "in a tuple"}

    @staticmethod
    def things(bot, kind, monkeypatch):
        credential = bot.log_in(kind)
        account = account_of(bot)
        ask(bot, account)
        wiki = Wiki.from_url(bot.wiki.api_url)
        monkeypatch.setattr(KeyringTokenStore, "_listed", lambda *_: True)
        things = {
            "credential": credential,
            "consumer": credential.consumer,
            "access token": credential.access_token,
            "account": account,
            "accounts": Accounts(bot.store),
            "live credential": account._live,
            "sender": Sender(credential),
            "signature": Sender(credential)._signature(0),
            "memory store": bot.store,
            "slot": bot.store._slot(bot.key("Alice")),
            "environment store": EnvironmentTokenStore({"PWB_OAUTH_TOKEN": "x"}),
            "keyring store": KeyringTokenStore(),
            "entries": bot.store.entries(),
        }
        with bot.store.locked(bot.key("Alice")) as entry:
            things["locked"] = entry
        if credential.oauth_version == "1.0a":
            things["signer"] = OAuth1Signer(credential.consumer, credential.access_token)
        if not credential.consumer.owner_only:
            pending = authorization.begin_authorization(wiki, credential.consumer)
            things["pending"] = pending
        return things


class TestErrors:
    """Errors of real failures, with whatever is chained to them."""

    @pytest.mark.parametrize("kind", ["1.0a", "2.0"])
    @pytest.mark.parametrize(
        "fault", ["503", "html", "half-json", "empty", "cut", "revoked", "disabled", "wrong secret"]
    )
    def test_failure_its_error_holds_none(self, bot, kind, fault):
        """Neither the message, nor an attribute, nor the cause, nor the context."""
        credential = bot.log_in(kind)
        account = account_of(bot)
        bot.wiki.expire_tokens()
        if fault == "revoked":
            bot.wiki.revoke("Alice")
        elif fault == "disabled":
            bot.wiki.disable(bot.wiki.consumers[credential.consumer.key])
        elif fault == "wrong secret":
            bot.wiki.consumers[credential.consumer.key].secret = "another"
        else:
            bot.wiki.fail_next(fault, path="oauth2/access_token")
            bot.wiki.fail_next(fault, path="index.php")
        if kind == "1.0a" and fault in ("503", "html", "half-json", "empty", "cut"):
            wiki = Wiki.from_url(bot.wiki.api_url)
            with pytest.raises(PwbOAuthError) as caught:
                authorization.begin_authorization(wiki, credential.consumer)
        else:
            with pytest.raises(PwbOAuthError) as caught:
                ask(bot, account)
        error = caught.value
        chained = []
        while error is not None and error not in chained:
            chained.append(error)
            error = error.__cause__ or error.__context__
        places = {
            f"{type(error).__name__}, {way}": text
            for error in chained
            for way, text in printed(error).items()
        }
        secrets = secrets_of(bot.wiki) | secrets_in(credential)
        assert leaks(places, secrets) == set()


SCRIPT = '''
import logging, pickle, sys, traceback

logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
logging.getLogger().setLevel(logging.DEBUG)

import pywikibot
from pywikibot.exceptions import Error

pywikibot.handle_args(["-verbose", "-debug", "-log"])


def step(name):
    """Let the test do something to the wiki."""
    print(f"step {name}", flush=True)
    sys.stdin.readline()


def save(text):
    page = pywikibot.Page(site, "Test")
    page.text = text
    page.save()


site = pywikibot.Site()
site.login()
save("one")
step("expire")
save("two")
print(f"{site!r} {site} {vars(site)} {site.tokens!r}")
from pwb_oauth import OAuthLoginManager
manager = OAuthLoginManager(site=site)
print(f"{manager!r} {manager} {vars(manager)} {manager.credential} {manager.identity}")
with open("site.pickle", "wb") as file:
    pickle.dump(site, file)
pywikibot.log("decoy-1")
pywikibot.debug("decoy-2")
logging.getLogger("other").debug("decoy-3")
print("decoy-4")
with open("decoy", "w") as file:
    file.write("decoy-5")
step("revoke")
try:
    save("three")
except Error as error:
    pywikibot.exception(error, exc_info=True)
    pywikibot.error(f"{error} {error.args!r} {vars(error)}")
    traceback.print_exc()
site.logout()
pywikibot.stopme()
step("end")
'''
# Where each decoy is to be found: that the search looks there.
DECOYS = {
    "decoy-1": {"stderr", "log file"},
    "decoy-2": {"log file"},
    "decoy-3": {"stdout"},
    "decoy-4": {"stdout"},
    "decoy-5": {"file decoy"},
}


class TestPywikibot:
    """A script under ``-verbose -debug -log``, with the root logger at DEBUG."""

    @pytest.mark.parametrize("kind", ["1.0a", "2.0"])
    def test_script_runs_nothing_it_writes_holds_a_secret(self, wiki, tmp_path, kind):
        """Standard output and error, log files, cookies, apicache, throttle, index, a pickle."""
        bot = Bot(wiki, tmp_path)
        folder = self.prepare(bot, kind, tmp_path)
        places = self.run(bot, folder)
        files = {name for name in places if name.startswith("file ")}
        assert any(name.endswith("accounts.json") for name in files)
        assert any("apicache" in name for name in files)
        assert any("throttle" in name for name in files)
        secrets = secrets_of(wiki)
        assert {"consumer secret", "password"} < set(secrets.values())
        assert leaks(places, secrets) == set()
        for decoy, where in DECOYS.items():
            found = {place for place, _ in leaks(places, {decoy: ""})}
            assert {self.kind_of(place) for place in found} >= where, decoy

    @staticmethod
    def kind_of(place):
        return "log file" if place.startswith("file ") and "/logs/" in place else place

    @staticmethod
    def prepare(bot, kind, tmp_path):
        """A home with a stored credential and a configuration that installs the hooks."""
        folder = tmp_path / "script"
        folder.mkdir()
        config = bot.wiki.write_pywikibot_config(folder / "pywikibot", "Alice")
        with config.open("a") as file:
            file.write("__import__('pwb_oauth').install()\n")
        (folder / "credential.json").write_text(bot.credential(kind).to_json())
        (folder / "script.py").write_text(SCRIPT)
        return folder

    @staticmethod
    def run(bot, folder):
        """Run the script, and give everything that it wrote, by where."""
        keyring_file = folder.parent / "keyring.json"
        environment = {
            **os.environ,
            **dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(folder)),
            "PYWIKIBOT_DIR": str(folder / "pywikibot"),
            "PYTHON_KEYRING_BACKEND": f"{FileKeyring.__module__}.FileKeyring",
            "PWB_OAUTH_TEST_KEYRING": str(keyring_file),
        }
        store = (
            "import sys; from pwb_oauth import *;"
            "c = Credential.from_json(open('credential.json').read());"
            "open_token_store().save(TokenKey(sys.argv[1], 'Alice'), c)"
        )
        options = {"cwd": folder, "env": environment, "text": True}
        subprocess.run(  # noqa: S603  # our own code
            [sys.executable, "-c", store, bot.host], check=True, timeout=30, **options
        )
        (folder / "credential.json").unlink()
        with (
            (folder.parent / "stderr").open("w+") as stderr,
            subprocess.Popen(  # our own script
                [sys.executable, "script.py"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                **options,
            ) as script,
        ):
            stdout, steps = "", []
            for line in script.stdout:
                stdout += line
                if line.startswith("step "):
                    steps.append(line.split()[1])
                    if steps[-1] == "expire":
                        bot.wiki.expire_tokens()
                    elif steps[-1] == "revoke":
                        bot.wiki.revoke("Alice")
                    script.stdin.write("\n")
                    script.stdin.flush()
        errors = (folder.parent / "stderr").read_text()
        assert steps == ["expire", "revoke", "end"], stdout + errors
        assert script.returncode == 0, errors
        assert "LoginRequiredError" in stdout + errors
        authors = [revision.user for revision in bot.wiki.pages["Test"].revisions]
        assert authors == ["Alice", "Alice"]
        files = {
            f"file {path.relative_to(folder)}": path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        return {"stdout": stdout, "stderr": errors, **files}

    def test_sites_and_manager_in_this_process_hold_none(self, hooked, wiki):
        """Also copied, and printed with what is set on them."""
        credential = hooked.log_in("2.0")
        site = hooked.site("Alice")
        site.login()
        manager = login.OAuthLoginManager(site=site)
        places = {
            **{f"site, {way}": text for way, text in printed(site).items()},
            **{f"manager, {way}": text for way, text in printed(manager).items()},
            "vars": repr(vars(site)) + repr(vars(manager)) + repr(vars(copy.copy(site))),
        }
        assert leaks(places, secrets_of(wiki) | secrets_in(credential)) == set()


@pytest.fixture
def hooked(request):
    """The bot of conftest.py, which this module's own stands before."""
    from bots import pywikibot_of_its_own

    wiki, tmp_path, monkeypatch = map(request.getfixturevalue, ("wiki", "tmp_path", "monkeypatch"))
    yield from pywikibot_of_its_own(wiki, tmp_path, monkeypatch, hooks=True)
