"""Tests of the keyring store, against keyrings that are strict, break off, or are not there."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import keyring
import keyring.backends.fail
import keyring.backends.null
import keyring.backends.Windows
import keyring.errors
import platformdirs
import pytest
from keyring.backend import KeyringBackend

from pwb_oauth.credential import Consumer, Credential, OAuth2AccessToken
from pwb_oauth.errors import StoreUnavailableError, TokenStoreError
from pwb_oauth.stores import index
from pwb_oauth.stores.keyring import KeyringTokenStore
from pwb_oauth.testing import file_keyring
from pwb_oauth.testing.contract import TokenStoreContract
from pwb_oauth.testing.file_keyring import FileKeyring
from pwb_oauth.tokens import TokenKey

KEY = TokenKey("meta.wikimedia.org", "Example user")
HEAD = ("pwb_oauth:Example user@meta.wikimedia.org", "Example user")
OBTAINED = datetime(2026, 1, 2, tzinfo=timezone.utc)
CREDENTIAL = Credential(
    Consumer("k", "s", callback_url="http://127.0.0.1/"),
    OAuth2AccessToken("t"),
    "Example user",
    OBTAINED,
)
LONGEST_VALUE = 1280


# What back ends are known to fail with because of a fault of their own.
FAULTS = (
    AttributeError,
    EOFError,
    ImportError,
    KeyError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Killed(BaseException):
    """The process ends here."""


class StrictKeyring(KeyringBackend):
    """A keyring in memory that takes what Windows takes: 1,280 characters a value."""

    priority = -10  # never chosen by the keyring library itself

    def __init__(self):
        super().__init__()
        self.items = {}
        self.hooks = {}
        self.before = lambda: None
        self.after = lambda: None

    def get_password(self, service, username):
        self._hook("get")
        return self._step(lambda: self.items.get((service, username)))

    def set_password(self, service, username, password):
        self._hook("set")
        if len(password) > LONGEST_VALUE:
            raise keyring.errors.PasswordSetError(f"too long: {password}")
        self._step(lambda: self.items.__setitem__((service, username), password))

    def delete_password(self, service, username):
        self._hook("delete")
        if (service, username) not in self.items:
            raise keyring.errors.PasswordDeleteError(service)
        self._step(lambda: self.items.pop((service, username)))

    def _hook(self, name):
        if name in self.hooks:
            self.hooks[name]()

    def _step(self, do):
        self.before()
        result = do()
        self.after()
        return result


class Breaker:
    """Raises something at the n-th step, before or after that step is done."""

    def __init__(self, error, at, *, done):
        self.error, self.at, self.done, self.count = error, at, done, 0

    def before(self):
        self.count += 1
        if self.count == self.at and not self.done:
            raise self.error

    def after(self):
        if self.count == self.at and self.done:
            raise self.error


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Keep index and locks in the test's own folder."""
    for name in ("config", "state"):
        folder = tmp_path / name / "pwb-oauth"
        monkeypatch.setattr(platformdirs, f"user_{name}_path", lambda *_, at=folder, **__: at)
    return tmp_path


@pytest.fixture
def use(monkeypatch):
    """Make a keyring the one that the keyring library has chosen."""

    def choose(backend):
        monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
        return backend

    return choose


@pytest.fixture
def backend(use):
    return use(StrictKeyring())


def credential(size, *, days=0):
    """A credential whose access token has so many characters."""
    token = OAuth2AccessToken("secret-" * (size // 7) + "x" * (size % 7), "refresh-secret")
    consumer = Consumer("client-id", "client-secret")
    return Credential(consumer, token, KEY.username, OBTAINED + timedelta(days=days))


def steps_of(monkeypatch, backend, breaker):
    """Let every call of the keyring and every replacing of the index count as a step."""
    monkeypatch.setattr(backend, "before", breaker.before)
    monkeypatch.setattr(backend, "after", breaker.after)
    replace = index._replace

    def counted(new, path):
        breaker.before()
        replace(new, path)
        breaker.after()

    monkeypatch.setattr(index, "_replace", counted)


def pieces_for(held):
    """The items that a keyring has when exactly this credential is in it."""
    backend = StrictKeyring()
    text = held.to_json()
    keyring_store = KeyringTokenStore()
    keyring_store._items = SimpleNamespace(
        get=backend.get_password, set=backend.set_password, delete=backend.delete_password
    )
    keyring_store._text(KEY).write(text)
    return len(backend.items)


class TestKeyringTokenStore(TokenStoreContract):
    """The contract, on a keyring that takes 1,280 characters a value."""

    @pytest.fixture
    def store(self, backend):
        return KeyringTokenStore()

    def test_forget_leaves_nothing(self, store, backend):
        """Nothing of a long credential stays in the keyring."""
        store.save(KEY, credential(16 * 1024))
        assert len(backend.items) > 16 * 1024 // LONGEST_VALUE
        store.forget(KEY)
        assert backend.items == {}

    def test_save_leaves_nothing_of_what_was_there(self, store, backend):
        """A shorter credential takes away the pieces of a longer one, and its words."""
        store.save(KEY, credential(16 * 1024))
        short = Credential(
            Consumer(None, owner_only=True), OAuth2AccessToken("s"), KEY.username, OBTAINED
        )
        store.save(KEY, short)
        assert list(backend.items) == [HEAD]
        assert "secret-" not in str(backend.items)

    def test_items_name_the_account(self, store, backend):
        """A person finds their account in the keyring's own program."""
        store.save(KEY, credential(1200))
        service, username = HEAD
        assert backend.items.keys() == {HEAD, (f"{service}#a1", username)}

    def test_load_without_an_entry_touches_no_keyring(self, folders):
        """Neither the module nor load() of an unknown account imports the keyring library."""
        script = (
            "import sys, pathlib, platformdirs as p; folder = pathlib.Path(sys.argv[1]); "
            "p.user_config_path = p.user_state_path = lambda *_, **__: folder; "
            "from pwb_oauth.stores.keyring import KeyringTokenStore; "
            "from pwb_oauth.tokens import TokenKey; "
            "store = KeyringTokenStore(); key = TokenKey('w', 'U'); "
            "print(store.load(key), store.entries(), store.forget(key), 'keyring' in sys.modules)"
        )
        printed = subprocess.run(  # noqa: S603  # our own script
            [sys.executable, "-c", script, str(folders)], check=True, capture_output=True, text=True
        ).stdout
        assert printed.split() == ["None", "()", "False", "False"]

    def test_item_deleted_by_hand_is_not_there(self, store, backend):
        """Who deleted it in the keyring's program logged out; the index still lists it."""
        store.save(KEY, credential(3000))
        del backend.items[HEAD]
        assert store.load(KEY) is None
        assert [entry.key for entry in store.entries()] == [KEY]
        with store.locked(KEY) as held:
            assert held.credential is None
            assert held.replace(credential(10)) is False
        assert store.forget(KEY) is True
        assert backend.items == {}

    def test_lost_index_is_overcome_by_saving(self, store, backend, folders):
        """Pieces that no index names are replaced, not added to."""
        store.save(KEY, credential(5000))
        (folders / "config" / "pwb-oauth" / "accounts.json").unlink()
        assert store.load(KEY) is None
        store.save(KEY, credential(3000))
        assert store.load(KEY) == credential(3000)
        assert len(backend.items) == pieces_for(credential(3000))

    def test_two_stores_of_one_keyring_see_each_other(self, store):
        """What one object saves, another that was opened before loads and lists."""
        other = KeyringTokenStore()
        assert other.entries() == ()
        store.save(KEY, credential(3000))
        assert other.load(KEY) == credential(3000)
        store.forget(KEY)
        assert other.entries() == ()


class WindowsCredentials:
    """Windows' Credential Manager: one user name a target, at most 2,560 bytes a value."""

    CRED_TYPE_GENERIC = 1
    CRED_PERSIST_ENTERPRISE = 3

    class error(Exception):  # noqa: N801, N818  # pywin32's name
        """What pywin32 raises."""

        def __init__(self, winerror, funcname):
            super().__init__(winerror, funcname)
            self.winerror, self.funcname = winerror, funcname

    def __init__(self):
        self.stored = {}

    def CredRead(self, Type, TargetName):  # noqa: N802, N803
        if TargetName not in self.stored:
            raise self.error(1168, "CredRead")
        return self.stored[TargetName]

    def CredWrite(self, given, flags):  # noqa: N802
        blob = given["CredentialBlob"].encode("utf-16-le")
        if len(blob) > 2560 or len(given["UserName"]) > 513:
            raise self.error(1783, "CredWrite")
        self.stored[given["TargetName"]] = {**given, "CredentialBlob": blob}

    def CredDelete(self, Type, TargetName):  # noqa: N802, N803
        del self.stored[TargetName]


class TestKeyringTokenStoreOnWindows(TokenStoreContract):
    """The contract, on the keyring library's Windows back end."""

    @pytest.fixture
    def windows(self, monkeypatch):
        credentials = WindowsCredentials()
        for name in ("win32cred", "pywintypes"):
            monkeypatch.setattr(keyring.backends.Windows, name, credentials, raising=False)
        monkeypatch.setitem(sys.modules, "pywintypes", credentials)
        return credentials

    @pytest.fixture
    def store(self, windows, use):
        use(keyring.backends.Windows.WinVaultKeyring())
        return KeyringTokenStore()

    def test_forget_leaves_nothing(self, store, windows):
        """Nor do the copies stay that this back end makes when it overwrites an item."""
        for size in (5000, 100, 16 * 1024, 300):
            store.save(KEY, credential(size))
        store.forget(KEY)
        assert windows.stored == {}

    def test_error_of_the_system_is_store_unavailable(self, store, windows, monkeypatch):
        """What pywin32 raises is no KeyringError, and says what happened all the same."""
        store.save(KEY, credential(100))
        monkeypatch.setattr(
            windows, "CredRead", lambda **_: (_ for _ in ()).throw(windows.error(5, "CredRead"))
        )
        with pytest.raises(StoreUnavailableError, match=r"failed \(error\)"):
            store.load(KEY)


SIZES = [(None, 4000), (4000, 6000), (6000, 300), (300, 4000), (300, 301)]
ENOUGH_STEPS = 200


class TestKill:
    """A process that is killed at any step leaves what was, what is to be, or nothing."""

    @pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("sizes", SIZES, ids=str)
    def test_save_cut_off_leaves_old_or_new(self, use, folders, monkeypatch, sizes, done):
        """Never a mixture; and neither the next save nor the next forget leaves an orphan."""
        old, new = sizes
        accounts = folders / "config" / "pwb-oauth" / "accounts.json"
        after_next_save = credential(2500, days=9)
        for step in range(1, ENOUGH_STEPS):
            store, backend = self._start(use, folders, old)
            if self._cut_off(
                monkeypatch,
                backend,
                step,
                done,
                lambda s=store: s.save(KEY, credential(new, days=1)),
            ):
                break
            before, after = old and credential(old), credential(new, days=1)
            assert KeyringTokenStore().load(KEY) in (before, after)
            listed = [entry.key for entry in KeyringTokenStore().entries()]
            assert listed == ([KEY] if KeyringTokenStore().load(KEY) else [])
            left = dict(backend.items)
            listed_as = accounts.read_bytes()
            KeyringTokenStore().forget(KEY)
            assert backend.items == {}
            backend.items = left
            accounts.write_bytes(listed_as)
            KeyringTokenStore().save(KEY, after_next_save)
            assert KeyringTokenStore().load(KEY) == after_next_save
            assert len(backend.items) == pieces_for(after_next_save)
        assert 5 < step < ENOUGH_STEPS - 1

    @pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
    def test_forget_cut_off_leaves_all_or_nothing(self, use, folders, monkeypatch, done):
        """The credential is there or is not, and the next forget takes the rest away."""
        for step in range(1, ENOUGH_STEPS):
            store, backend = self._start(use, folders, 4000)
            if self._cut_off(monkeypatch, backend, step, done, lambda s=store: s.forget(KEY)):
                break
            loaded = KeyringTokenStore().load(KEY)
            assert loaded in (credential(4000), None)
            assert len(KeyringTokenStore().entries()) == (loaded is not None)
            KeyringTokenStore().forget(KEY)
            assert backend.items == {}
            assert KeyringTokenStore().entries() == ()
        assert 5 < step < ENOUGH_STEPS - 1

    @pytest.mark.parametrize("error", [keyring.errors.KeyringLocked("no"), ConnectionResetError()])
    @pytest.mark.parametrize("sizes", SIZES[1:4], ids=str)
    def test_keyring_gone_half_way_keeps_what_was(self, use, folders, monkeypatch, sizes, error):
        """Each call may be the one that fails: it is said, and what was stored is still there."""
        old, new = sizes
        for step in range(1, ENOUGH_STEPS):
            store, backend = self._start(use, folders, old)
            breaker = Breaker(error, step, done=False)
            with monkeypatch.context() as patch:
                patch.setattr(backend, "before", breaker.before)
                try:
                    store.save(KEY, credential(new, days=1))
                except StoreUnavailableError as refused:
                    assert "try again" in str(refused)  # noqa: PT017
            if breaker.count < step:
                break
            assert KeyringTokenStore().load(KEY) in (credential(old), credential(new, days=1))
        assert 5 < step < ENOUGH_STEPS - 1

    def _start(self, use, folders, old):
        backend = use(StrictKeyring())
        accounts = folders / "config" / "pwb-oauth" / "accounts.json"
        accounts.parent.mkdir(parents=True, exist_ok=True)
        accounts.write_text('{"format": 1, "accounts": []}')
        store = KeyringTokenStore()
        if old:
            store.save(KEY, credential(old))
        return store, backend

    def _cut_off(self, monkeypatch, backend, step, done, do):
        """Whether it ended before that step."""
        breaker = Breaker(Killed(), step, done=done)
        with monkeypatch.context() as patch:
            steps_of(patch, backend, breaker)
            try:
                do()
            except Killed:
                return False
        return True


class TestConcurrentReader:
    """A reader never sees a mixture, and waits for nobody unless a writer got in between."""

    @pytest.mark.parametrize(("old", "new"), [(4000, 5000), (4000, 100), (100, 4000)])
    def test_write_between_two_reads_yields_old_or_new(self, use, folders, old, new):
        """Whichever read the writer gets in between."""
        for at in range(1, 8):
            backend = use(StrictKeyring())
            store = KeyringTokenStore()
            store.save(KEY, credential(old))
            reads = iter(range(1, 1000))

            def write_at(at=at, reads=reads, backend=backend):
                if next(reads) == at:
                    backend.hooks.clear()
                    KeyringTokenStore().save(KEY, credential(new))

            backend.hooks["get"] = write_at
            assert store.load(KEY) in (credential(old), credential(new))
            assert store.load(KEY) in (credential(old), credential(new))

    def test_writer_that_never_rests_is_kept_waiting(self, backend):
        """The second try is made under the lock, so it cannot be disturbed again."""
        store = KeyringTokenStore()
        both = [credential(4000), credential(5000)]
        store.save(KEY, both[0])
        reader = threading.get_ident()
        turns = iter(range(1, 1000))

        with ThreadPoolExecutor(1) as writer:

            def write():
                if threading.get_ident() == reader:
                    saving = writer.submit(KeyringTokenStore().save, KEY, both[next(turns) % 2])
                    wait([saving], 0.1)

            backend.hooks["get"] = write
            assert store.load(KEY) in both
            backend.hooks.clear()

    def test_piece_that_vanishes_while_it_is_read_is_read_again(self, backend, monkeypatch):
        """The Secret Service raises when an item is deleted between being found and read."""
        exceptions = pytest.importorskip("secretstorage.exceptions")
        store = KeyringTokenStore()
        store.save(KEY, credential(4000))

        def vanish():
            backend.hooks.clear()
            raise exceptions.ItemNotFoundException("Item does not exist!")

        backend.hooks["get"] = vanish
        assert store.load(KEY) == credential(4000)

    def test_readers_beside_a_writer_always_read_a_credential(self, backend):
        """Two threads read while a third one writes."""
        store = KeyringTokenStore()
        store.save(KEY, credential(4000))
        both = [credential(4000), credential(2000)]
        ended = threading.Event()

        def read():
            read = 0
            while not ended.is_set() or not read:
                assert store.load(KEY) in both
                read += 1
            return read

        with ThreadPoolExecutor(2) as readers:
            reading = [readers.submit(read) for _ in range(2)]
            for turn in range(20):
                KeyringTokenStore().save(KEY, both[turn % 2])
            ended.set()
            assert all(each.result(30) for each in reading)


class TestDamage:
    """What is broken in the keyring is said, and left as it is."""

    @pytest.mark.parametrize(
        "damage",
        [
            lambda items, head: items.update({head: items[head][:-1] + "?"}),
            lambda items, head: items.update({head: ""}),
            lambda items, head: items.update({head: "2" + items[head][1:]}),
            lambda items, head: items.update({head: items[head].replace("1 a 3", "1 a 2")}),
            lambda items, head: items.pop((f"{head[0]}#a2", head[1])),
            lambda items, head: items.update({(f"{head[0]}#a1", head[1]): "else"}),
        ],
        ids=["text", "empty", "other format", "fewer", "missing", "changed"],
    )
    def test_damaged_item_is_refused_and_kept(self, backend, damage):
        """It is never read as a credential; logging in again, or forgetting, helps."""
        store = KeyringTokenStore()
        store.save(KEY, credential(4000))
        damage(backend.items, HEAD)
        kept = dict(backend.items)
        with pytest.raises(TokenStoreError, match="log in again") as refused:
            store.load(KEY)
        assert backend.items == kept
        assert_no_secret(refused.value)
        store.save(KEY, credential(4000))
        assert store.load(KEY) == credential(4000)
        assert store.forget(KEY) is True
        assert not [item for item in backend.items if item[0].endswith("#b1")]

    @pytest.mark.parametrize("text", ["{", '{"format": 99}', "[]"])
    def test_text_that_is_no_credential_is_refused_and_kept(self, backend, text):
        """Whole, but not ours to read."""
        store = KeyringTokenStore()
        store.save(KEY, credential(100))
        store._text(KEY).write(text)
        kept = dict(backend.items)
        with pytest.raises(TokenStoreError, match="left as it is"):
            store.load(KEY)
        assert backend.items == kept


@pytest.fixture
def makeshift(monkeypatch, folders):
    """A keyring of the package keyrings.alt, on a machine where nobody configured any."""
    kind = type("PlaintextKeyring", (StrictKeyring,), {"__module__": "keyrings.alt.file"})
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.setattr(keyring.util.platform_, "config_root", lambda: str(folders / "keyring"))
    return kind()


class TestStoreUnavailable:
    """A keyring that is locked, gone, broken or not there is said at once."""

    @pytest.mark.parametrize("kind", [keyring.backends.fail.Keyring, keyring.backends.null.Keyring])
    def test_no_keyring_names_the_alternatives(self, use, folders, kind):
        """One error says what to install and which other stores there are; nothing is listed."""
        use(kind())
        store = KeyringTokenStore()
        assert store.load(KEY) is None
        assert store.entries() == ()
        with pytest.raises(StoreUnavailableError) as refused:
            store.save(KEY, credential(100))
        for named in ("gnome-keyring", "PWB_OAUTH_STORE, --store", "env: takes one", "memory:"):
            assert named in str(refused.value)
        assert not (folders / "config").exists()

    def test_account_listed_but_no_keyring_raises(self, use):
        """An index that was copied to a machine without a keyring does not mean logged out."""
        use(StrictKeyring())
        store = KeyringTokenStore()
        store.save(KEY, credential(100))
        use(keyring.backends.fail.Keyring())
        with pytest.raises(StoreUnavailableError, match="no keyring"):
            store.load(KEY)
        with pytest.raises(StoreUnavailableError, match="no keyring"):
            store.forget(KEY)
        assert [entry.key for entry in store.entries()] == [KEY]

    @pytest.mark.parametrize(
        "name", ["keyring.backends.Windows.WinVaultKeyring", "no_such.Keyring", "json.nothing", ""]
    )
    def test_configured_keyring_that_cannot_be_loaded_is_named(self, use, monkeypatch, name):
        """The setting is named, not a traceback of the keyring library."""
        if sys.platform == "win32" and "Windows" in name:
            pytest.skip("this keyring can be loaded here")
        use(None)
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
        with pytest.raises(StoreUnavailableError, match="PYTHON_KEYRING_BACKEND"):
            KeyringTokenStore().save(KEY, credential(100))

    @pytest.mark.parametrize("wrapped", [False, True], ids=["alone", "chained"])
    def test_makeshift_keyring_that_nobody_chose_is_refused(self, use, makeshift, wrapped):
        """A package that another one brought along would keep the token in clear text."""
        chained = SimpleNamespace(backends=[makeshift, StrictKeyring()])
        use(chained if wrapped else makeshift)
        with pytest.raises(StoreUnavailableError, match="no keyring"):
            KeyringTokenStore().save(KEY, credential(100))
        assert makeshift.items == {}

    @pytest.mark.parametrize("by", ["environment", "file"])
    def test_makeshift_keyring_that_somebody_chose_is_used(
        self, use, makeshift, monkeypatch, folders, by
    ):
        """In keyring's own variable or in its configuration."""
        use(makeshift)
        if by == "environment":
            monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.Keyring")
        else:
            (folders / "keyring").mkdir()
            (folders / "keyring" / "keyringrc.cfg").touch()
        KeyringTokenStore().save(KEY, credential(100))
        assert KeyringTokenStore().load(KEY) == credential(100)

    @pytest.mark.parametrize("call", ["get", "set", "delete"])
    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (keyring.errors.KeyringLocked("dismissed client-secret"), "is locked"),
            (keyring.errors.InitError("client-secret"), r"failed \(InitError\)"),
            (keyring.errors.PasswordSetError("client-secret"), r"failed \(PasswordSetError\)"),
            (keyring.errors.NoKeyringError("client-secret"), "no keyring"),
            (FileNotFoundError(2, "client-secret"), r"failed \(FileNotFoundError\)"),
            (ConnectionResetError("client-secret"), r"failed \(ConnectionResetError\)"),
            *((cls("client-secret"), rf"failed \({cls.__name__}\)") for cls in FAULTS),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_failing_keyring_is_said_without_a_secret(self, backend, call, error, said):
        """Each failure has its own words, changes nothing, and shows nothing of the cause."""
        store = KeyringTokenStore()
        store.save(KEY, credential(4000))

        def fail():
            backend.hooks.clear()
            raise error

        backend.hooks[call] = fail
        with pytest.raises(StoreUnavailableError, match=said) as refused:
            store.load(KEY) if call == "get" else store.save(KEY, credential(5000))
        assert_no_secret(refused.value)
        assert store.load(KEY) in (credential(4000), credential(5000))

    @pytest.mark.parametrize(
        ("module", "name", "said"),
        [
            ("secretstorage.exceptions", "SecretServiceNotAvailableException", "failed"),
            ("secretstorage.exceptions", "LockedException", "is locked"),
            ("secretstorage.exceptions", "PromptDismissedException", "is locked"),
        ],
    )
    def test_escaping_error_of_a_back_end_is_caught(self, backend, module, name, said):
        """SecretStorage's errors get through the keyring library."""
        error = getattr(pytest.importorskip(module), name)("client-secret")
        store = KeyringTokenStore()
        backend.hooks["set"] = lambda: (_ for _ in ()).throw(error)
        with pytest.raises(StoreUnavailableError, match=said) as refused:
            store.save(KEY, credential(100))
        assert_no_secret(refused.value)

    def test_bug_in_a_back_end_is_not_hidden(self, backend):
        """Only what a keyring is known to fail with is caught."""
        backend.hooks["get"] = lambda: 1 // 0
        with pytest.raises(ZeroDivisionError):
            KeyringTokenStore().save(KEY, credential(100))

    def test_failed_forget_deletes_nothing(self, backend):
        """A locked keyring keeps the account stored and listed."""
        store = KeyringTokenStore()
        store.save(KEY, credential(4000))
        backend.hooks["get"] = lambda: (_ for _ in ()).throw(keyring.errors.KeyringLocked())
        with pytest.raises(StoreUnavailableError):
            store.forget(KEY)
        backend.hooks.clear()
        assert store.load(KEY) == credential(4000)

    def test_index_that_cannot_be_written_keeps_a_renewed_token(self, backend, monkeypatch):
        """A refresh has voided the old token, so the new one is kept before the index is."""
        store = KeyringTokenStore()
        store.save(KEY, credential(100))

        def full_disk(new, path):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(index, "_replace", full_disk)
        with store.locked(KEY) as held, pytest.raises(StoreUnavailableError, match="No space"):
            held.replace(credential(200))
        assert store.load(KEY) == credential(200)

    def test_index_older_than_the_keyring_lets_the_newer_login_be_renewed(
        self, backend, monkeypatch
    ):
        """A login was stopped between the two, and requests go out with the keyring's."""
        store = KeyringTokenStore()
        store.save(KEY, credential(100))
        with monkeypatch.context() as patch:
            patch.setattr(index, "_replace", lambda new, path: (_ for _ in ()).throw(OSError()))
            with pytest.raises(StoreUnavailableError):
                store.save(KEY, credential(100, days=1))
        assert [entry.logged_in_at for entry in store.entries()] == [OBTAINED]
        with store.locked(KEY) as held:
            assert not held.replace(credential(300))
            assert held.replace(credential(200, days=1))
        assert store.load(KEY) == credential(200, days=1)
        assert [entry.logged_in_at for entry in store.entries()] == [OBTAINED + timedelta(days=1)]


def assert_no_secret(error):
    """Neither message nor chained exceptions of an error show a secret."""
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    assert "secret-" not in shown.replace('client-secret")', "")
    assert error.__cause__ is None
    assert error.__context__ is None


class TestIndexFile:
    """The file beside the keyring."""

    def test_index_holds_no_secret(self, backend, folders):
        """Nothing of what authenticates is in it."""
        KeyringTokenStore().save(KEY, credential(4000))
        text = (folders / "config" / "pwb-oauth" / "accounts.json").read_text("utf-8")
        assert "secret" not in text
        assert json.loads(text)["accounts"][0]["username"] == KEY.username


class TestBackEnd:
    """Which keyring an account is read from, in a process that has used none yet."""

    NAME = "pwb_oauth.testing.file_keyring.FileKeyring"

    @pytest.fixture(autouse=True)
    def saved(self, tmp_path, monkeypatch):
        """An account in a keyring that the library would not find by itself."""
        monkeypatch.setenv(file_keyring.VARIABLE, str(tmp_path / "keyring.json"))
        monkeypatch.setattr(keyring.core, "_keyring_backend", FileKeyring())
        KeyringTokenStore().save(KEY, CREDENTIAL)
        monkeypatch.setattr(keyring.core, "_keyring_backend", None)
        monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
        monkeypatch.setattr(keyring.core, "_config_path", lambda: tmp_path / "keyringrc.cfg")

    def test_it_is_loaded_by_its_name_without_looking_for_others(self, monkeypatch):
        """Looking for them takes a quarter of a second."""
        monkeypatch.setattr("keyring.backend.get_all_keyring", lambda: pytest.fail("it looked"))
        assert KeyringTokenStore().load(KEY) == CREDENTIAL
        assert isinstance(keyring.get_keyring(), FileKeyring)

    def test_a_second_account_goes_where_the_first_one_is(self, monkeypatch):
        """Though the library would find no keyring by itself."""
        store = KeyringTokenStore()
        store.require_keyring()
        other = TokenKey(KEY.wiki, "Another user")
        store.save(other, CREDENTIAL)
        assert store.load(other) == CREDENTIAL

    def test_environment_comes_first(self, monkeypatch):
        """Whoever sets it means it."""
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        with pytest.raises(StoreUnavailableError, match="no keyring"):
            KeyringTokenStore().load(KEY)

    def test_configuration_comes_first(self, tmp_path):
        """As it does for the keyring library."""
        (tmp_path / "keyringrc.cfg").write_text(
            "[backend]\ndefault-keyring=keyring.backends.fail.Keyring\n"
        )
        with pytest.raises(StoreUnavailableError, match="no keyring"):
            KeyringTokenStore().load(KEY)

    def test_keyring_of_the_program_comes_first(self, monkeypatch):
        """It has called ``keyring.set_keyring``."""
        keyring.set_keyring(keyring.backends.fail.Keyring())
        with pytest.raises(StoreUnavailableError, match="no keyring"):
            KeyringTokenStore().load(KEY)

    @pytest.mark.parametrize("name", [None, "gone.Keyring", "keyring.core.gone", "nonsense", ""])
    def test_unknown_one_is_looked_for(self, monkeypatch, name):
        """Accounts of an older version, or of a package that was taken out."""
        path = platformdirs.user_config_path("pwb-oauth", appauthor=False) / "accounts.json"
        held = json.loads(path.read_text())
        assert held["accounts"][0]["back_end"] == self.NAME
        held["accounts"][0]["back_end"] = name
        path.write_text(json.dumps(held))
        monkeypatch.setattr("keyring.backend.get_all_keyring", lambda: [FileKeyring()])
        monkeypatch.setattr(FileKeyring, "priority", 5)
        assert KeyringTokenStore().load(KEY) == CREDENTIAL
