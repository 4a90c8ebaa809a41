"""``pwb-oauth key``: a key that encrypts."""

from __future__ import annotations

from person import Person, ended
from pwb_oauth.encryption import Cipher


class TestKey:
    """``pwb-oauth key``."""

    def test_key_is_one_that_encrypts_and_each_is_another(self, wiki, tmp_path):
        """As it is printed it goes into the variable, alone or before an older one."""
        person = Person(wiki, tmp_path / "person")
        one, other = (person.over_pipe("key") for _ in range(2))
        assert (one.returncode, one.stderr, one.stdout.count("\n")) == (0, "", 1)
        newest, older = one.stdout.strip(), other.stdout.strip()
        assert newest != older
        text = Cipher.of("store", older).encrypt("text")
        assert Cipher.of("store", f"{newest} {older}").decrypt(text) == "text"

    def test_at_a_terminal_it_is_the_key_and_nothing_else(self, wiki, tmp_path):
        """It can be copied."""
        code, shown = ended(Person(wiki, tmp_path / "person").at_terminal("key"))
        assert code == 0
        Cipher.of("store", shown.strip())
