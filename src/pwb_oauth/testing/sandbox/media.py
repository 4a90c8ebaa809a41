"""Files: what their bytes say, and ``prop=imageinfo``."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pwb_oauth.testing.sandbox.api_call import timestamp
from pwb_oauth.testing.sandbox.api_listing import take_part
from pwb_oauth.testing.sandbox.titles import FILE, Title, make_title
from pwb_oauth.testing.sandbox.wikitext import parsed_comment

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.api_pageset import Entry, PageSet
    from pwb_oauth.testing.sandbox.model import FileVersion

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
}
_EXTENSIONS = {
    "image/png": ("png",),
    "image/gif": ("gif",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/webp": ("webp",),
}
_COLOR_TYPES = {
    0: "greyscale",
    2: "truecolour",
    3: "index-coloured",
    4: "greyscale-alpha",
    6: "truecolour-alpha",
}
_PNG_HEADER_END, _GIF_HEADER_END = 26, 10


@dataclass(frozen=True)
class Image:
    """What a file's bytes say. Only PNG and GIF are measured; others have the size 0 by 0."""

    mime: str
    width: int = 0
    height: int = 0
    bit_depth: int = 0
    color_type: str = ""

    @property
    def metadata(self) -> list[dict[str, Any]]:
        """The metadata that MediaWiki reads from it, as names and values."""
        if self.mime != "image/png":
            return []
        values = {
            "frameCount": 0,
            "loopCount": 1,
            "duration": 0,
            "bitDepth": self.bit_depth,
            "colorType": self.color_type,
            "metadata": [{"name": "_MW_PNG_VERSION", "value": 1}],
        }
        return [{"name": name, "value": value} for name, value in values.items()]


def inspect(content: bytes) -> Image:
    """Find out what a file is."""
    mime = next((name for start, name in _SIGNATURES.items() if content.startswith(start)), None)
    if mime == "image/png" and len(content) >= _PNG_HEADER_END:
        width, height, depth, color = struct.unpack(">IIBB", content[16:26])
        return Image(mime, width, height, depth, _COLOR_TYPES.get(color, ""))
    if mime == "image/gif" and len(content) >= _GIF_HEADER_END:
        return Image(mime, *struct.unpack("<HH", content[6:10]))
    return Image(mime or _mime_of_other(content))


def _mime_of_other(content: bytes) -> str:
    try:
        content.decode()
    except UnicodeDecodeError:
        return "unknown/unknown"
    return "text/plain"


def fits_extension(mime: str, extension: str) -> bool:
    """Whether a file of that kind may have that extension."""
    return extension in _EXTENSIONS.get(mime, ())


def sha1(content: bytes) -> str:
    """The hash by which a wiki finds duplicates."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def hashed_path(name: str) -> str:
    """The two folders in which a wiki keeps a file of that name."""
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return f"{digest[0]}/{digest[:2]}"


def _archive_name(name: str, replaced_at: str) -> str:
    return f"{replaced_at}!{name.replace(' ', '_')}"


def version_facts(
    call: Call, title: Title, version: FileVersion, *, archived_as: str | None = None
) -> dict[str, dict[str, Any]]:
    """Describe one version of a file, by the names in ``iiprop=``.

    Args:
        call: The request.
        title: The file's page.
        version: Which one.
        archived_as: Its archive name if it is not the current one.
    """
    image, wiki = inspect(version.content), call.wiki
    return {
        "timestamp": {"timestamp": timestamp(version.timestamp)},
        "user": {"user": version.user, **({} if version.user_id else {"anon": True})},
        "userid": {"userid": version.user_id},
        "size": {"size": len(version.content), "width": image.width, "height": image.height},
        "parsedcomment": {"parsedcomment": parsed_comment(wiki, version.comment)},
        "comment": {"comment": version.comment},
        "canonicaltitle": {"canonicaltitle": title.full},
        "url": _urls(call, title, archived_as),
        "sha1": {"sha1": sha1(version.content)},
        "metadata": {"metadata": image.metadata},
        "commonmetadata": {"commonmetadata": []},
        "extmetadata": {"extmetadata": ext_metadata(title.bare, timestamp(version.timestamp))},
        "mime": {"mime": image.mime},
        "mediatype": {"mediatype": "BITMAP"},
        "archivename": {"archivename": archived_as} if archived_as else {},
        "bitdepth": {"bitdepth": image.bit_depth},
    }


def ext_metadata(file_name: str, moment: str) -> dict[str, Any]:
    """The metadata that MediaWiki makes up for every file."""
    source = "mediawiki-metadata"
    return {
        "DateTime": {"value": moment, "source": source, "hidden": ""},
        "ObjectName": {"value": file_name.rpartition(".")[0], "source": source},
    }


def _urls(call: Call, title: Title, archived_as: str | None) -> dict[str, Any]:
    site, name = call.wiki.site, title.bare.replace(" ", "_")
    images = f"{site.server}{site.script_path}/images"
    path = hashed_path(name)
    url = f"{images}/{path}/{quote(name)}"
    if archived_as:
        url = f"{images}/archive/{path}/{quote(archived_as)}"
    urls = {"url": url, "descriptionurl": f"{site.server}/wiki/File:{quote(name)}"}
    page = call.wiki.pages.get(title.full)
    if page is not None:
        urls["descriptionshorturl"] = f"{site.server}{site.script_path}/index.php?curid={page.id}"
    return urls


def add_image_info(call: Call, given: dict[str, Any], found: PageSet) -> dict[str, str]:
    """Add the versions of each page that is a file's."""
    following: dict[str, str] = {}
    for entry in found.entries:
        if entry.title is None or entry.title.ns != FILE:
            continue
        versions = call.wiki.files.get(entry.title.bare, [])
        entry.facts["imagerepository"] = "local" if versions else ""
        if versions and not following:
            following = _add_versions(call, given, entry, entry.title, versions)
    return following


def _add_versions(
    call: Call, given: dict[str, Any], entry: Entry, title: Title, versions: list[FileVersion]
) -> dict[str, str]:
    later = [*(f"{each.timestamp:%Y%m%d%H%M%S}" for each in versions[1:]), ""]
    rows = [
        (version, _archive_name(title.bare, replaced_at) if replaced_at else None)
        for version, replaced_at in zip(versions, later, strict=True)
    ]
    rows.reverse()
    name = title.bare.replace(" ", "_")

    def key(row: tuple[FileVersion, str | None]) -> str:
        return f"{name}|{row[0].timestamp:%Y%m%d%H%M%S}"

    start = given["continue"]
    if start is not None and not start.startswith(f"{name}|"):
        return {}
    part, more = take_part(rows, key, given["limit"] or 1, start)
    described = []
    for version, archived_as in part:
        facts = version_facts(call, title, version, archived_as=archived_as)
        wanted = [name for name in facts if name in (given["prop"] or [])]
        described.append({k: v for name in wanted for k, v in facts[name].items()})
    entry.facts["imageinfo"] = described
    return {"iicontinue": more} if more else {}


def file_title(call: Call, name: str) -> Title:
    """The title of a file's page.

    Raises:
        InvalidTitleError: It cannot be one.
    """
    return make_title(call.wiki, FILE, name.replace("_", " ").strip())
