"""``action=upload``: whole files, files in chunks, and files that wait in the stash."""

from __future__ import annotations

import secrets
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pwb_oauth.testing.sandbox import media, permissions
from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.api_errors import (
    ApiError,
    Message,
    missing_parameter,
    one_of,
    refuse,
    unsupported,
)
from pwb_oauth.testing.sandbox.api_pages import (
    add_log_event,
    set_watched,
    wants_watching,
)
from pwb_oauth.testing.sandbox.history import save_revision
from pwb_oauth.testing.sandbox.model import FileVersion, StashedFile
from pwb_oauth.testing.sandbox.titles import InvalidTitleError, Title

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_NOT_OF_STASHED = ("user", "userid", "parsedcomment", "comment", "mediatype")


def upload(call: Call) -> dict[str, Any]:
    """Take a file.

    Raises:
        ApiError: The caller may not, or the file is no good.
    """
    given = call.parameters("upload")
    sources = [name for name in ("filekey", "sessionkey", "file", "url", "chunk") if given[name]]
    if not sources:
        raise one_of(["filekey", "file", "url"])
    if given["url"]:
        raise unsupported("upload from a URL")
    if not call.wiki.description["site"]["uploads"]:
        raise refuse("uploaddisabled", "Uploads are disabled.")
    _check_right(call)
    if given["chunk"]:
        return {"upload": _take_chunk(call, given)}
    stashed = _stashed(call, given["filekey"] or given["sessionkey"])
    if not given["filename"]:
        raise missing_parameter("filename")
    content = stashed.content if stashed else given["file"].stream.read()
    title = _checked_title(call, given["filename"], content)
    return {"upload": _finish(call, given, title, content, stashed)}


def _check_right(call: Call) -> None:
    if call.may("upload"):
        return
    if call.context.user is None:
        raise refuse("mustbeloggedin", "You must be logged in to upload this file.")
    raise ApiError(permissions.lacks_right(call, "upload"))


def _stashed(call: Call, key: str | None) -> StashedFile | None:
    if not key:
        return None
    found = call.wiki.stash.get(key)
    if found is None or found.user_id != call.context.user_id:
        raise refuse("stashedfilenotfound", f'Key "{key}" not found in stash.')
    return found


def _checked_title(call: Call, name: str, content: bytes) -> Title:
    extension, title = _check_name(call, name)
    mime = media.inspect(content).mime
    if not content:
        raise refuse("empty-file", "The file you submitted was empty.")
    if not media.fits_extension(mime, extension):
        text = (
            f'File extension ".{extension}" does not match the detected MIME type of the file'
            f" ({mime})."
        )
        details = ["filetype-mime-mismatch", extension, mime]
        raise refuse("verification-error", text, details=details)
    return title


def _check_name(call: Call, name: str) -> tuple[str, Title]:
    try:
        title = media.file_title(call, name.removeprefix("File:"))
    except InvalidTitleError:
        raise refuse("illegal-filename", "The filename is not allowed.") from None
    extension = title.bare.rpartition(".")[2].lower() if "." in title.bare else ""
    allowed = call.wiki.description["site"]["file_extensions"]
    if extension not in allowed:
        text = (
            f'".{extension}" is not a permitted file type.'
            f" Permitted file types are {', '.join(allowed)}."
        )
        raise refuse("filetype-banned", text, filetype=extension, allowed=allowed)
    return extension, title


def _finish(
    call: Call, given: dict[str, Any], title: Title, content: bytes, stashed: StashedFile | None
) -> dict[str, Any]:
    warnings = _warnings(call, title, content)
    if warnings and not given["ignorewarnings"]:
        key = _put_in_stash(call, given["filename"], content).key
        call.context.note_write()
        return {"result": "Warning", "warnings": warnings, "filekey": key, "sessionkey": key}
    if given["stash"]:
        file = stashed or _put_in_stash(call, given["filename"], content)
        call.context.note_write()
        info = _stashed_info(call, file)
        return {"result": "Success", "filekey": file.key, "imageinfo": info}
    return _publish(call, given, title, content, stashed, warnings)


def _warnings(call: Call, title: Title, content: bytes) -> dict[str, Any]:
    warnings: dict[str, Any] = {}
    digest, name = media.sha1(content), title.bare.replace(" ", "_")
    current = call.wiki.files.get(title.bare)
    if current:
        warnings["exists"] = name
        if media.sha1(current[-1].content) == digest:
            warnings["nochange"] = {"timestamp": timestamp(current[-1].timestamp)}
    same = [
        other.replace(" ", "_")
        for other, versions in call.wiki.files.items()
        if other != title.bare and media.sha1(versions[-1].content) == digest
    ]
    return {**warnings, **({"duplicate": same} if same else {})}


def _put_in_stash(
    call: Call, filename: str, content: bytes, expected_size: int | None = None
) -> StashedFile:
    extension = filename.rpartition(".")[2].lower()
    random = "".join(secrets.choice(_DIGITS) for _ in range(6))
    owner, moment = call.context.user_id, int(call.wiki.now.timestamp() * 1e6)
    key = f"{_base36(moment)}.{random}.{owner}.{extension}"
    stashed = StashedFile(key, owner, filename, content, expected_size)
    call.wiki.stash[key] = stashed
    return stashed


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def _take_chunk(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    for name in ("filename", "filesize", "offset"):
        if given[name] is None:
            raise missing_parameter(name)
    size, offset = given["filesize"], given["offset"]
    chunk: bytes = given["chunk"].stream.read()
    stashed = _stashed(call, given["filekey"])
    _check_chunk(call, chunk, offset, size)
    if stashed is None:
        _check_name(call, given["filename"])
        stashed = _put_in_stash(call, given["filename"], b"", size)
    if offset != len(stashed.content):
        raise refuse("stashfailed", "Invalid chunk offset", offset=len(stashed.content))
    stashed.content += chunk
    call.context.note_write()
    if len(stashed.content) < size:
        return {"result": "Continue", "offset": len(stashed.content), "filekey": stashed.key}
    del call.wiki.stash[stashed.key]
    return _assemble(call, given, stashed.content)


def _check_chunk(call: Call, chunk: bytes, offset: int, size: int) -> None:
    if offset + len(chunk) > size:
        text = "Offset plus current chunk is greater than claimed file size."
        raise refuse("invalid-chunk", text)
    least = call.wiki.description["site"]["min_upload_chunk_size"]
    if len(chunk) < least and offset + len(chunk) < size:
        text = f"Minimum chunk size is {least:,} bytes for non-final chunks."
        raise refuse("chunk-too-small", text)


def _assemble(call: Call, given: dict[str, Any], content: bytes) -> dict[str, Any]:
    title = _checked_title(call, given["filename"], content)
    extension = title.bare.rpartition(".")[2]
    moment = f"{call.wiki.now:%Y%m%d%H%M%S}"
    name = f"{moment}!chunkedupload {secrets.token_hex(6)}.{extension}"
    file = _put_in_stash(call, name, content)
    warnings = _warnings(call, title, content)
    if warnings and not given["ignorewarnings"]:
        key = file.key
        return {"result": "Warning", "warnings": warnings, "filekey": key, "sessionkey": key}
    info = _stashed_info(call, file)
    return {"result": "Success", "filekey": file.key, "imageinfo": info}


def _stashed_info(call: Call, file: StashedFile) -> dict[str, Any]:
    now = call.wiki.now.replace(microsecond=0)
    version = FileVersion(file.filename, file.content, "", 0, "", now)
    title = media.file_title(call, file.filename)
    facts = media.version_facts(call, title, version)
    url = f"{call.wiki.site.server}/wiki/Special:UploadStash/file/{file.key}"
    facts["url"] = {"url": url, "descriptionurl": url}
    return {
        name: fact
        for prop, each in facts.items()
        if prop not in _NOT_OF_STASHED
        for name, fact in each.items()
    }


def _publish(
    call: Call,
    given: dict[str, Any],
    title: Title,
    content: bytes,
    stashed: StashedFile | None,
    warnings: dict[str, Any],
) -> dict[str, Any]:
    _check_overwriting(call, title)
    info_before_page = _add_version(call, given, title, content)
    if stashed is not None:
        call.wiki.stash.pop(stashed.key, None)
        if "!chunkedupload" in stashed.filename:
            moment = info_before_page["timestamp"]
            info_before_page["extmetadata"] = media.ext_metadata(stashed.filename, moment)
    _save_page(call, given, title)
    # MediaWiki describes the file as it was before its page was made.
    result: dict[str, Any] = {"result": "Success", "filename": title.bare.replace(" ", "_")}
    kept = {name: each for name, each in warnings.items() if name != "nochange"}
    if kept:
        result["warnings"] = kept
    return {**result, "imageinfo": info_before_page}


def _check_overwriting(call: Call, title: Title) -> None:
    current = call.wiki.files.get(title.bare)
    permissions.check(call, "edit", title)
    if not current:
        permissions.check(call, "create", title)
        return
    own = current[-1].user_id == call.context.user_id and call.may("reupload-own")
    if not own and not call.may("reupload"):
        text = "A file with this name exists already, and cannot be overwritten."
        raise ApiError(Message("fileexists-forbidden", text))


def _add_version(call: Call, given: dict[str, Any], title: Title, content: bytes) -> dict[str, Any]:
    context, now = call.context, call.wiki.now.replace(microsecond=0)
    who = (context.user_name, context.user_id)
    version = FileVersion(title.bare, content, *who, given["comment"], now)
    call.wiki.files.setdefault(title.bare, []).append(version)
    facts = media.version_facts(call, title, version)
    image = media.inspect(content)
    info = {name: fact for each in facts.values() for name, fact in each.items()}
    return {**info, "html": _html(title, image)}


def _html(title: Title, image: media.Image) -> str:
    name = title.bare.replace(" ", "_")
    path = media.hashed_path(name)
    link = f'<a class="mw-selflink selflink">{escape(title.full)}</a>'
    source = f"/w/images/{path}/{quote(name)}"
    picture = (
        f'<img src="{source}" decoding="async" width="{image.width}" height="{image.height}"'
        ' class="mw-file-element" />'
    )
    return (
        f"<p>A file with this name exists already, please check <strong>{link}</strong> if you are"
        " not sure if you want to overwrite it.\n</p>\n"
        '<figure class="mw-default-size" typeof="mw:File/Thumb">'
        f'<a href="/wiki/File:{quote(name)}" class="mw-file-description">{picture}</a>'
        "<figcaption></figcaption></figure>"
    )


def _save_page(call: Call, given: dict[str, Any], title: Title) -> None:
    page, comment = call.wiki.pages.get(title.full), given["comment"]
    watched = wants_watching(call, given, title)
    if page is None:
        text, action = (given["text"] or comment).rstrip(), "upload"
    else:
        text, action = page.latest.text, "overwrite"
    revision = save_revision(
        call.context, title.full, text, comment=comment, in_recent_changes=False
    )
    number = call.wiki.pages[title.full].id
    add_log_event(call, ("upload", action), title, number, comment, revision)
    set_watched(call, title, watched=watched)
