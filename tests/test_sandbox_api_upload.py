"""Files on the sandbox wiki: whole, in chunks, by way of the stash."""

from __future__ import annotations

import struct

import pytest

from sandbox_api import Api, signed_in

UPLOAD = ("basic", "editpage", "createeditmovepage", "uploadeditmovefile")


def png(width: int, padding: bytes = b"") -> bytes:
    header = struct.pack(">II5B", width, 3, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + header + padding


class Uploader(Api):
    """Uploads, with the file as a part of its own."""

    def send(self, content: bytes, field: str = "file", **params) -> dict:
        params = {"format": "json", "formatversion": "2", "action": "upload", **params}
        params.setdefault("token", self.token())
        files = {field: ("FAKE-NAME", content)}
        return self.session.post(self.url, data=params, files=files, timeout=10).json()


@pytest.fixture
def api(wiki) -> Uploader:
    token = signed_in(wiki, "BotOwner", UPLOAD).session.headers["Authorization"].split()[1]
    return Uploader(wiki, token)


class TestUpload:
    def test_file_is_published_with_its_page(self, wiki, api):
        """The page has the text, the file its facts."""
        done = api.send(png(7), filename="new one.png", text="about it", comment="c")["upload"]
        assert (done["result"], done["filename"]) == ("Success", "New_one.png")
        assert done["imageinfo"]["width"] == 7
        assert wiki.pages["File:New one.png"].latest.text == "about it"

    def test_duplicate_and_existing_file_are_warned_about(self, wiki, api):
        """Warnings put the file into the stash; ignoring them publishes it from there."""
        api.send(png(1), filename="A.png")
        other = api.send(png(1), filename="B.png")["upload"]
        assert other["warnings"] == {"duplicate": ["A.png"]}
        again = api.send(png(1), filename="A.png")["upload"]
        assert set(again["warnings"]) == {"exists", "nochange"}
        newer = api.send(png(2), filename="A.png")["upload"]
        assert newer["warnings"] == {"exists": "A.png"}
        done = api.write("upload", filename="A.png", filekey=newer["filekey"], ignorewarnings="1")
        assert done["upload"]["imageinfo"]["width"] == 2
        versions = api("query", prop="imageinfo", titles="File:A.png", iilimit="max", iiprop="size")
        widths = [each["width"] for each in versions["query"]["pages"][0]["imageinfo"]]
        assert widths == [2, 1]

    @pytest.mark.parametrize(
        ("filename", "content", "code"),
        [
            ("X.txt", b"text", "filetype-banned"),
            ("X", png(1), "filetype-banned"),
            ("X.png", b"text", "verification-error"),
            ("X.png", b"GIF89a\x01\x00\x01\x00", "verification-error"),
            ("X.png", b"", "empty-file"),
            ("A[B].png", png(1), "illegal-filename"),
        ],
    )
    def test_bad_file_is_refused(self, api, filename, content, code):
        """Name and content must fit, and nothing is kept."""
        assert api.send(content, filename=filename)["error"]["code"] == code

    def test_upload_without_a_file_or_the_right(self, wiki, api):
        """Each is told what is missing."""
        assert api.write("upload", filename="A.png")["error"]["code"] == "missingparam"
        assert api.send(png(1))["error"]["code"] == "missingparam"
        anonymous = Uploader(wiki)
        answer = anonymous.send(png(1), filename="A.png", token="+\\")
        assert answer["error"]["code"] == "mustbeloggedin"
        token = signed_in(wiki, "BotOwner").session.headers["Authorization"].split()[1]
        answer = Uploader(wiki, token).send(png(1), filename="A.png")
        assert answer["error"]["code"] == "permissiondenied"


class TestChunks:
    def test_chunks_are_put_together(self, wiki, api):
        """Chunks come in order; a wrong offset and a chunk too many are refused."""
        whole = png(5, bytes(3000))
        common = {"filename": "C.png", "filesize": len(whole), "stash": "1"}
        first = api.send(whole[:1500], "chunk", offset=0, **common)["upload"]
        assert (first["result"], first["offset"]) == ("Continue", 1500)
        key = first["filekey"]
        wrong = api.send(whole[1500:2600], "chunk", offset=1600, filekey=key, **common)
        assert wrong["error"]["code"] == "stashfailed"
        long = api.send(whole, "chunk", offset=1500, filekey=key, **common)
        assert long["error"]["code"] == "invalid-chunk"
        small = api.send(b"x", "chunk", offset=1500, filekey=key, **common)
        assert small["error"]["code"] == "chunk-too-small"
        last = api.send(whole[1500:], "chunk", offset=1500, filekey=key, **common)["upload"]
        assert last["result"] == "Success"
        done = api.write("upload", filename="C.png", filekey=last["filekey"])["upload"]
        assert done["imageinfo"]["size"] == len(whole)
        gone = api.write("upload", filename="C.png", filekey=last["filekey"])
        assert gone["error"]["code"] == "stashedfilenotfound"

    def test_stash_of_another_user_is_closed(self, wiki, api):
        """A key opens nothing for somebody else."""
        key = api.send(png(1), filename="S.png", stash="1")["upload"]["filekey"]
        alice = signed_in(wiki, "Alice", UPLOAD)
        answer = alice.write("upload", filename="S.png", filekey=key)
        assert answer["error"]["code"] == "stashedfilenotfound"
