"""An uploader: visitors publish files under their own name, and can take all access away again."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from flask import Flask, current_app, flash, redirect, render_template, request, url_for
from pywikibot import FilePage
from pywikibot.exceptions import APIError, InvalidTitleError

from pwb_oauth.web.flask import WikiOAuth

if TYPE_CHECKING:
    from werkzeug import Response

    from pwb_oauth.web.acting import WikiAccount

LICENCES = {
    "cc-by-sa-4.0": "Creative Commons Attribution-ShareAlike 4.0",
    "cc-by-4.0": "Creative Commons Attribution 4.0",
    "cc-zero": "Creative Commons Zero (no rights kept)",
}
FIELDS = {"title": "Title", "description": "Description", "licence": "Licence"}

wiki_oauth = WikiOAuth()


class RefusedError(Exception):
    """What has to be changed before the file can be published; a sentence for the visitor."""


def create_app() -> Flask:
    """Make the application; FLASK_… and PWB_OAUTH_… in the environment set it up."""
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=20_000_000, UPLOAD_SITE="commons:commons")
    app.config.from_prefixed_env()
    wiki_oauth.init_app(app)
    app.add_url_rule("/", view_func=form)
    app.add_url_rule("/upload", view_func=upload, methods=["POST"])
    app.register_error_handler(413, too_large)
    return app


def form(problem: str | None = None, status: int = 200) -> tuple[str, int]:
    """Show the form, with what was typed and what is wrong with it."""
    page = render_template("upload.html", licences=LICENCES, problem=problem, given=request.form)
    return page, status


def too_large(error: Exception) -> tuple[str, int]:
    """Explain why nothing was read."""
    del error
    return render_template("too_large.html", most=current_app.config["MAX_CONTENT_LENGTH"]), 413


@wiki_oauth.login_required
def upload() -> Response | tuple[str, int]:
    """Publish the file as the visitor."""
    wiki_oauth.require_own_form()
    try:
        with wiki_oauth.flow.account(wiki_oauth.user_session) as account:
            page = _publish(account)
            flash({"title": page.title(with_ns=False), "url": page.full_url()})
    except RefusedError as refused:
        return form(str(refused), 422)
    return redirect(url_for("form"), 303)


def _publish(account: WikiAccount) -> FilePage:
    _require_complete()
    sent = request.files["file"]
    ending = Path(sent.filename or "").suffix.lower()
    family, code = current_app.config["UPLOAD_SITE"].split(":")
    site = account.site(code, family)
    try:
        page = FilePage(site, f"File:{request.form['title'].strip()}{ending}")
    except (ValueError, InvalidTitleError):
        raise RefusedError("The wiki does not allow that title, or that kind of file.") from None
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"file{ending}"
        sent.save(path)
        _send(page, path, _text(account.username))
    return page


def _require_complete() -> None:
    missing = [label for name, label in FIELDS.items() if not request.form.get(name, "").strip()]
    if not request.files.get("file"):
        missing.insert(0, "File")
    if missing:
        raise RefusedError(f"Something is missing: {', '.join(missing)}.")
    if request.form["licence"] not in LICENCES:
        raise RefusedError("Choose one of the licences.")


def _send(page: FilePage, path: Path, text: str) -> None:
    warnings = []

    def refuse(found: list) -> bool:
        warnings.extend(found)
        return False

    try:
        done = page.upload(str(path), summary="New file", text=text, ignore_warnings=refuse)
    except APIError as error:
        raise RefusedError(f"The wiki refused the file: {error.info}") from None
    if not done:
        said = " ".join(warning.message for warning in warnings)
        raise RefusedError(f"The wiki refused the file: {said or 'it takes no files.'}")


def _text(username: str) -> str:
    return (
        "== {{int:filedesc}} ==\n{{Information\n"
        f"|description={request.form['description'].strip()}\n"
        "|source={{own}}\n"
        f"|author=[[User:{username}|{username}]]\n"
        "}}\n\n== {{int:license-header}} ==\n"
        f"{{{{self|{request.form['licence']}}}}}\n"
    )
