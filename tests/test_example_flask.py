"""The example web tools in Flask, as visitors use them."""

from __future__ import annotations

import importlib
import io
import re
import struct
from pathlib import Path

import pytest
from markupsafe import escape

from flask_visitor import Visitor, environment, settings_for
from pwb_oauth.testing.sandbox import api_upload, oauth2_token

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
GRANTS = ("basic", "editpage", "createeditmovepage", "uploadfile")
MARKUP = "<script>alert(1)</script>"
EVIL_NAMES = (MARKUP, "<img src=x onerror=alert(1)>", "\"'></bdi><b>&lt;")


@pytest.fixture
def visitor_at(wiki, tmp_path, monkeypatch):
    """A visitor of an example, which reads the environment as its README says."""

    def visit(name: str, module: str) -> Visitor:
        settings = settings_for(wiki, tmp_path, grants=GRANTS)
        monkeypatch.setenv("FLASK_POLL_FILE", str(tmp_path / "poll.sqlite"))
        monkeypatch.setenv("FLASK_UPLOAD_SITE", "sandbox:en")
        for key, value in environment(settings).items():
            monkeypatch.setenv(key, value)
        monkeypatch.syspath_prepend(EXAMPLES / name)
        return Visitor(importlib.import_module(module).create_app(), wiki)

    return visit


class TestWhoami:
    """A poll in which each account has one vote."""

    @pytest.fixture
    def visitor(self, visitor_at):
        return visitor_at("flask_whoami", "whoami")

    def test_nobody_is_signed_in_the_results_are_shown(self, visitor):
        """And a way to sign in."""
        page = visitor.get("/")
        assert 'href="/oauth/login"' in page.text
        assert 'name="choice"' not in page.text
        assert "<td>0</td>" in page.text

    def test_visitor_votes_twice_the_last_one_counts(self, visitor):
        """Once."""
        visitor.log_in()
        for choice in ("My watchlist", "A random page"):
            voted = visitor.post("/vote", {**visitor.csrf("/"), "choice": choice})
            assert voted.location == "/"
        page = visitor.get("/").text
        assert "A random page <small>(your vote)</small>" in page
        assert page.count("<td>1</td>") == 1

    def test_visitor_is_renamed_the_vote_stays_theirs(self, visitor, wiki):
        """A vote is an account's, whatever it is called."""
        visitor.log_in()
        visitor.post("/vote", {**visitor.csrf("/"), "choice": "My watchlist"})
        visitor.log_out()
        alice = wiki.users["Alicia"] = wiki.users.pop("Alice")
        alice.name = "Alicia"
        visitor.log_in("Alicia")
        page = visitor.get("/").text
        assert "Alicia" in page
        assert "My watchlist <small>(your vote)</small>" in page

    def test_form_is_anothers_nothing_is_counted(self, visitor):
        """Neither another site's nor another choice."""
        visitor.log_in()
        field = visitor.csrf("/")
        assert visitor.post("/vote", {"choice": "My watchlist"}).status_code == 403
        visitor.post("/vote", {**field, "choice": "<script>"})
        assert "<td>1</td>" not in visitor.get("/").text

    def test_name_has_quotes_it_is_shown_as_it_is(self, visitor, wiki):
        """MediaWiki allows them."""
        name = "Rock'n'Roll \"&amp;\" / Co"
        wiki.add_user(name)
        visitor.log_in(name)
        page = visitor.get("/").text
        assert page.count("Rock&#39;n&#39;Roll &#34;&amp;amp;&#34; / Co") == 2

    @pytest.mark.parametrize("name", EVIL_NAMES)
    def test_name_has_markup_it_is_text(self, visitor, wiki, name):
        """MediaWiki has no such names; a wiki that was broken into may answer with any."""
        wiki.add_user(name)
        visitor.log_in(name)
        page = visitor.get("/").text
        assert page.count(f"<bdi>{escape(name)}</bdi>") == 2
        assert name not in page

    def test_token_endpoint_answers_with_markup_nothing_of_it_is_shown(self, visitor, monkeypatch):
        """Its words are the operator's, who finds them in the log."""
        refusal = oauth2_token.OAuth2Error(400, MARKUP, MARKUP, MARKUP)
        monkeypatch.setattr(oauth2_token, "malformed", lambda _hint: refusal)
        back = visitor.wiki.approve(visitor.leave(), "Alice")
        page = visitor.come_back(re.sub(r"code=\w+", "code=x", back))
        assert page.status_code == 400
        assert "The wiki did not sign you in" in page.text
        assert "alert" not in page.text


class TestUpload:
    """An uploader."""

    @pytest.fixture
    def visitor(self, bot, visitor_at):
        return visitor_at("flask_upload", "upload")

    def test_file_is_published_as_the_visitor(self, visitor, wiki):
        """With its text, and a link to its page."""
        visitor.log_in("Bob")
        sent = upload(visitor, title="Old bridge", description="A [[bridge]]")
        assert (sent.status_code, sent.location) == (303, "/")
        page = wiki.pages["File:Old bridge.png"]
        assert page.latest.user == "Bob"
        assert "|description=A [[bridge]]" in page.latest.text
        assert "|author=[[User:Bob|Bob]]" in page.latest.text
        assert "{{self|cc-by-4.0}}" in page.latest.text
        shown = visitor.get("/").text
        assert f'<a href="{wiki.url}/wiki/File%3AOld_bridge.png">Old bridge.png</a>' in shown
        assert 'id="published"' not in visitor.get("/").text

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"title": " "}, "Something is missing: Title."),
            ({"title": "", "file": None}, "Something is missing: File, Title."),
            ({"licence": "mine"}, "Choose one of the licences."),
            ({"title": "a|b"}, "The wiki does not allow that title"),
            ({"content": b"no picture"}, "The wiki refused the file: "),
            ({"content": b""}, "The wiki refused the file: "),
            ({"name": "no-ending"}, "The wiki does not allow that title"),
        ],
    )
    def test_something_is_wrong_it_is_said(self, visitor, wiki, fields, said):
        """What was typed is still there."""
        visitor.log_in()
        page = upload(visitor, **fields)
        assert page.status_code == 422
        assert said in page.text
        assert 'value="cc-by-4.0" selected' in page.text or "licence" in fields
        assert ">A bridge.</textarea>" in page.text
        assert not [title for title in wiki.pages if title.startswith("File:")]

    def test_file_is_there_already_it_is_said(self, visitor):
        """In the words that Pywikibot has for the wiki's warning."""
        visitor.log_in()
        upload(visitor)
        page = upload(visitor, content=png(2))
        assert page.status_code == 422
        assert "already exists" in page.text

    def test_title_has_markup_it_is_text(self, visitor):
        """And still in its field."""
        visitor.log_in()
        page = upload(visitor, title=f'">{MARKUP}', content=b"x")
        assert page.status_code == 422
        assert f'value="&#34;&gt;{escape(MARKUP)}"' in page.text
        assert "<script" not in page.text

    def test_wiki_s_reason_has_markup_it_is_text(self, visitor, monkeypatch):
        """Administrators of a wiki can change its texts, and so can who breaks in."""
        refuse = api_upload.refuse
        monkeypatch.setattr(
            api_upload, "refuse", lambda code, _text, **more: refuse(code, MARKUP, **more)
        )
        visitor.log_in()
        page = upload(visitor, content=b"no picture")
        assert page.status_code == 422
        assert f"The wiki refused the file: {escape(MARKUP)}" in page.text
        assert "<script" not in page.text

    def test_wiki_s_warning_has_markup_it_is_text(self, visitor, monkeypatch):
        """Pywikibot puts what the wiki answers into a sentence of its own."""
        warnings = {"duplicate-archive": MARKUP}
        monkeypatch.setattr(api_upload, "_warnings", lambda *_: warnings)
        visitor.log_in()
        page = upload(visitor)
        assert page.status_code == 422
        assert str(escape(MARKUP)) in page.text
        assert "<script" not in page.text

    @pytest.mark.parametrize("name", EVIL_NAMES)
    def test_name_has_markup_it_is_text(self, visitor, wiki, name):
        """In the header and on the button."""
        wiki.add_user(name)
        visitor.log_in(name)
        page = visitor.get("/").text
        assert f"<bdi>{escape(name)}</bdi>" in page
        assert f"Publish as {escape(name)}</button>" in page
        assert name not in page

    def test_file_is_too_large_it_is_said(self, visitor):
        """Before it is read."""
        visitor.log_in()
        visitor.app.config["MAX_CONTENT_LENGTH"] = 500
        page = upload(visitor, content=png(1, bytes(1000)))
        assert page.status_code == 413
        assert "up to 500 Bytes" in page.text

    def test_visitor_has_logged_out_nothing_is_published(self, visitor, wiki):
        """All access is gone with them."""
        visitor.log_in()
        field = visitor.csrf("/")
        visitor.log_out()
        assert upload(visitor, field=field).location == "/oauth/login"
        assert "Sign in with your wiki account" in visitor.get("/").text
        assert not [title for title in wiki.pages if title.startswith("File:")]


def png(width: int, padding: bytes = b"") -> bytes:
    """What the sandbox takes for a picture."""
    header = struct.pack(">II5B", width, 3, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + header + padding


def upload(visitor, *, content=None, name="photo.PNG", field=None, **fields):
    """Send the form."""
    file = (io.BytesIO(png(1) if content is None else content), name)
    data = {
        "title": "A bridge",
        "description": "A bridge.",
        "licence": "cc-by-4.0",
        "file": file,
        **(visitor.csrf("/") if field is None else field),
        **fields,
    }
    return visitor.post("/upload", {key: value for key, value in data.items() if value is not None})
