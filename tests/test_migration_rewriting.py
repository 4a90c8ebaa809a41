"""Rewriting a file: as a whole or not at all, and open to nobody new."""

from __future__ import annotations

import errno
import os
import stat
import struct
import sys
import tempfile
from pathlib import Path

import pytest

from pwb_oauth.errors import PwbOAuthError
from pwb_oauth.migration import rewriting

OLD, NEW = b"password = 'old'\n", b"password = 'new'\n"
ACCESS_LIST = "system.posix_acl_access"
as_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a file away"
)


@pytest.fixture
def path(tmp_path):
    """A file in a folder of its own."""
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


def change(data):
    assert data == OLD
    return NEW


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def only(path):
    """Nothing else lies in the folder."""
    assert list(path.parent.iterdir()) == [path]
    return path.read_bytes()


class TestRewrite:
    """``rewrite``."""

    @pytest.mark.parametrize("bits", [0o600, 0o640, 0o644, 0o666, 0o700])
    def test_file_has_the_new_content_and_its_mode(self, path, bits):
        """Whatever the mask is."""
        path.chmod(bits)
        before = os.umask(0o077)
        try:
            rewriting.rewrite(path, change)
        finally:
            os.umask(before)
        assert only(path) == NEW
        assert mode(path) == bits

    @as_root
    def test_file_of_another_it_stays_theirs(self, path):
        """Root may rewrite it; they must go on using it."""
        os.chown(path, 65534, 65533)
        path.chmod(0o640)
        rewriting.rewrite(path, change)
        assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (65534, 65533, 0o640)

    @pytest.mark.skipif(not hasattr(os, "setxattr"), reason="Linux has access lists in this form")
    def test_access_list_it_stays(self, path):
        """Without it the bits of the mode would let the file's group in."""
        entries = [(0x01, 6, 0), (0x02, 4, 65534), (0x04, 0, 0), (0x10, 4, 0), (0x20, 0, 0)]
        packed = struct.pack("<I", 2)
        for tag, rights, who in entries:
            packed += struct.pack("<HHI", tag, rights, who if tag == 0x02 else 0xFFFFFFFF)
        try:
            os.setxattr(path, ACCESS_LIST, packed)
        except OSError:
            pytest.skip("this file system has no access lists")
        assert mode(path) == 0o640
        rewriting.rewrite(path, change)
        assert only(path) == NEW
        assert os.getxattr(path, ACCESS_LIST) == packed

    @pytest.mark.parametrize("target", ["file", "{folder}/file"])
    def test_link_it_stays_one(self, path, tmp_path, target):
        """What it leads to is rewritten, beside which the new file is written."""
        link = path.with_name("link")
        link.symlink_to(target.format(folder=path.parent))
        rewriting.rewrite(link, change)
        assert link.is_symlink()
        assert path.read_bytes() == NEW
        assert sorted(path.parent.iterdir()) == [path, link]

    def test_same_content_nothing_is_written(self, path):
        """The very file stays."""
        before = path.stat()
        rewriting.rewrite(path, lambda data: data)
        assert path.stat() == before

    def test_none_the_file_is_deleted(self, path):
        """As when a cookie file holds nothing more."""
        rewriting.rewrite(path, lambda _: None)
        assert not path.exists()

    def test_change_raises_the_file_is_as_it_was(self, path):
        """And the error is the change's own."""

        def refuse(data):
            raise PwbOAuthError("No.")

        with pytest.raises(PwbOAuthError, match=r"^No\.$"):
            rewriting.rewrite(path, refuse)
        assert only(path) == OLD

    def test_file_is_changed_meanwhile_the_other_change_stays(self, path, monkeypatch):
        """An editor knows nothing of our lock."""
        real = os.fsync
        saved = b"password = 'old'\nmore\n"

        def fsync(descriptor):
            real(descriptor)
            path.write_bytes(saved)

        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(PwbOAuthError, match="changed meanwhile"):
            rewriting.rewrite(path, change)
        assert only(path) == saved

    @pytest.mark.skipif(sys.platform != "linux", reason="reads names from /proc")
    @pytest.mark.parametrize("call", ["open", "chown", "chmod", "fsync", "replace"])
    @pytest.mark.parametrize("why", [errno.ENOSPC, errno.EACCES, errno.EROFS])
    def test_system_refuses_the_file_is_as_it_was(self, path, monkeypatch, call, why):
        """A full disk, a folder that is not ours: one line that names the file."""
        real = getattr(os, call)
        if call == "chown":
            if os.getuid() != 0:
                pytest.skip("only root can give a file away")
            os.chown(path, 65534, 65534)

        def refuse(what, *args, **kwargs):
            where = Path(f"/proc/self/fd/{what}").readlink() if isinstance(what, int) else what
            if str(where).endswith("-new"):
                raise OSError(why, os.strerror(why))
            return real(what, *args, **kwargs)

        monkeypatch.setattr(os, call, refuse)
        with pytest.raises(PwbOAuthError) as caught:
            rewriting.rewrite(path, change)
        monkeypatch.undo()
        assert str(caught.value).startswith(f"{path} was left as it is")
        assert os.strerror(why) in str(caught.value)
        assert only(path) == OLD

    @pytest.mark.parametrize("bits", [0o600, 0o640])
    def test_while_it_is_written_nobody_new_can_read_it(self, path, monkeypatch, bits):
        """Before the first byte the new file has at most the old one's mode."""
        path.chmod(bits)
        real_open, real_chmod, seen = os.open, os.chmod, []

        def note(where):
            if str(where).endswith("-new"):
                status = Path(where).stat()
                seen.append((stat.S_IMODE(status.st_mode), status.st_size))

        def open_and_note(where, *args, **kwargs):
            descriptor = real_open(where, *args, **kwargs)
            note(where)
            return descriptor

        def chmod_and_note(where, *args, **kwargs):
            real_chmod(where, *args, **kwargs)
            note(where)

        monkeypatch.setattr(os, "open", open_and_note)
        monkeypatch.setattr(os, "chmod", chmod_and_note)
        before = os.umask(0)
        try:
            rewriting.rewrite(path, change)
        finally:
            os.umask(before)
        assert seen == [(0o600, 0), (bits, 0)]

    def test_what_a_killed_run_left_is_gone(self, path):
        """Its place is taken, and not by following a link that somebody laid there."""
        elsewhere = path.parent.parent / "elsewhere"
        path.with_name(".file.pwb-oauth-new").symlink_to(elsewhere)
        rewriting.rewrite(path, change)
        assert only(path) == NEW
        assert not elsewhere.exists()


class TestObstacle:
    """``obstacle``: what keeps a file from being rewritten, known beforehand."""

    def test_nothing_it_is_none(self, path):
        """An ordinary file."""
        assert rewriting.obstacle(path) is None

    @pytest.mark.parametrize(
        ("prepare", "says"),
        [
            (lambda path: path.chmod(0o444), "it is read-only"),
            (lambda path: path.with_name("other").hardlink_to(path), "second name"),
            (lambda path: path.unlink(), "cannot be read"),
        ],
    )
    def test_something_it_says_what(self, path, prepare, says):
        """Root too is held back, since the owner made it so."""
        prepare(path)
        assert says in rewriting.obstacle(path)
        before = path.read_bytes() if path.exists() else None
        with pytest.raises(PwbOAuthError, match=f"{says}.*, then try again"):
            rewriting.rewrite(path, change)
        assert (path.read_bytes() if path.exists() else None) == before

    @as_root
    @pytest.mark.parametrize(
        ("file_mode", "folder_mode", "says"),
        [
            (0o666, 0o755, "its folder .* is read-only"),
            (0o600, 0o777, "it is read-only"),
            (0o666, 0o777, "it belongs to another user"),
        ],
    )
    def test_somebody_elses_it_says_what(self, monkeypatch, file_mode, folder_mode, says):
        """As a user without root's rights, who would take the file away from its owner."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "folder", "file")
            path.parent.mkdir()
            path.write_bytes(OLD)
            path.chmod(file_mode)
            path.parent.chmod(folder_mode)
            Path(folder).chmod(0o777)
            monkeypatch.setenv("XDG_STATE_HOME", folder)
            os.setresuid(65534, 65534, 0)
            try:
                with pytest.raises(PwbOAuthError, match=says):
                    rewriting.rewrite(path, change)
            finally:
                os.setresuid(0, 0, 0)
            assert only(path) == OLD


class TestCreate:
    """``create``."""

    def test_file_and_folders_are_the_owners_alone(self, tmp_path):
        """Whatever the mask is."""
        path = tmp_path / "new" / "file"
        before = os.umask(0)
        try:
            rewriting.create(path, NEW)
        finally:
            os.umask(before)
        assert only(path) == NEW
        assert (mode(path), mode(path.parent)) == (0o600, 0o700)

    def test_file_is_there_by_now_it_stays(self, path):
        """Another process was quicker."""
        with pytest.raises(PwbOAuthError, match="changed meanwhile"):
            rewriting.create(path, NEW)
        assert only(path) == OLD

    def test_link_to_nowhere_it_leads_somewhere_now(self, tmp_path):
        """As from a folder of settings that is shared between machines."""
        link = tmp_path / "link"
        link.symlink_to("target")
        rewriting.create(link, NEW)
        assert link.is_symlink()
        assert (tmp_path / "target").read_bytes() == NEW
