"""``pwb-oauth migrate`` on set-ups as people have them."""

from __future__ import annotations

import stat

import pytest

from migrations import SET_UPS
from mover import Mover
from pwb_oauth.testing import SandboxWiki


@pytest.fixture(scope="module")
def other():
    """Another wiki, with Olga."""
    with SandboxWiki() as wiki:
        wiki.add_user("Olga")
        yield wiki


@pytest.fixture
def mover(wiki, other, tmp_path):
    """Somebody with secrets in files."""
    return Mover(wiki, tmp_path / "home", other)


def statuses(folder):
    """Each file's mode, and whether it is a link."""
    return {
        path.name: (path.is_symlink(), stat.S_IMODE(path.stat().st_mode))
        for path in folder.iterdir()
    }


class TestSetUps:
    """What can be moved is moved and proven; all else is left as it was, and named."""

    @pytest.mark.parametrize("set_up", SET_UPS, ids=lambda set_up: set_up.name)
    def test_what_can_be_moved_is_moved_and_all_else_is_left_and_named(self, mover, set_up):
        """Over a pipe."""
        beginning = mover.config.read_text()
        secrets = mover.begin_with(set_up)
        before = statuses(mover.folder)

        ran = mover.over_pipe("migrate", "--yes")

        assert ran.returncode == set_up.exit_code, ran.stdout + ran.stderr
        assert not [one for one in secrets if one in ran.stdout + ran.stderr]
        assert statuses(mover.folder) == before
        after = {n: mover.filled_in_of(set_up, d) for n, d in set_up.after(beginning).items()}
        assert {name: (mover.folder / name).read_bytes() for name in after} == after
        self.check_report(mover, set_up, ran.stdout)
        self.check_proof(mover, set_up)

    def check_report(self, mover, set_up, shown):
        lines = shown.splitlines()
        moved = [line for line in lines if line.startswith("Moved: ")]
        left = [line for line in lines if line.startswith("Left: ") or " is left, since " in line]
        assert len(moved) == len(set_up.moved), shown
        for line, what in zip(moved, set_up.moved, strict=True):
            assert mover.filled_in(what) in line
        for what, why in set_up.left:
            assert [
                line
                for line in left
                if f"{mover.filled_in(what)}" in line and mover.filled_in(why) in line
            ], shown
        if set_up.code is None:
            assert len(left) == len(set_up.left), shown

    def check_proof(self, mover, set_up):
        """Every account that is stored has signed a request for it since."""
        stored = mover.stored()
        assert set(stored) == {*set_up.stored, *set_up.accounts}
        log = [*mover.wiki.log, *mover.other.log]
        for user in stored if set_up.moved else ():
            before = user in set_up.stored
            assert stored[user].oauth_version == ("2.0" if before else "1.0a")
            mechanism = "oauth2" if before else "oauth1"
            proofs = [
                entry
                for entry in log
                if (entry.action, entry.user, entry.mechanism) == ("query", user, mechanism)
            ]
            assert proofs, user
