"""HTML pages as a person sees them: title, text of the content, forms with fields and buttons."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_CONTENT_ID = "mw-content-text"
_SKIN_FORM_IDS = frozenset({"searchform"})
_UNSEEN = frozenset({"script", "style", "title", "head"})
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
_BUTTON_TYPES = frozenset({"submit", "button", "image", "reset"})


@dataclass(frozen=True)
class Field:
    """A field of a form; ``checked`` is None for all but check boxes and radio buttons."""

    name: str
    type: str
    value: str
    checked: bool | None = None
    options: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Button:
    """A button of a form; pressing it sends its name and value."""

    name: str
    value: str


@dataclass
class Form:
    """A form: where it goes and what it sends."""

    action: str
    method: str
    fields: list[Field] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)


@dataclass
class Page:
    """A page.

    Attributes:
        title: Text of the ``title`` element.
        text: Text of the content without the skin, white space folded.
        forms: The forms without the skin's search form.
    """

    title: str
    text: str
    forms: list[Form]

    @classmethod
    def from_recording(cls, html: dict[str, Any]) -> Page:
        """Make a page of a recording's ``html`` object."""
        return cls(html["title"] or "", _folded(html["text"] or ""), [*map(_form, html["forms"])])

    @classmethod
    def from_html(cls, html: str) -> Page:
        """Read a page out of its HTML."""
        reader = _Reader()
        reader.feed(html)
        reader.close()
        text = reader.content if reader.has_content else reader.all_text
        return cls(_folded("".join(reader.title)), _folded(" ".join(text)), reader.forms)


def _form(recorded: dict[str, Any]) -> Form:
    return Form(
        recorded["action"] or "",
        (recorded["method"] or "get").lower(),
        [*map(_field, recorded["fields"])],
        [Button(b["name"] or "", b["value"] or "") for b in recorded["buttons"]],
    )


def _field(recorded: dict[str, Any]) -> Field:
    options = recorded.get("options")
    return Field(
        recorded["name"],
        recorded["type"],
        recorded["value"] or "",
        recorded.get("checked"),
        None if options is None else tuple(map(_option, options)),
    )


def _option(recorded: Any) -> str:
    return str(recorded["value"] if isinstance(recorded, dict) else recorded)


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


class _Reader(HTMLParser):
    """Collects title, text and forms of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self.all_text: list[str] = []
        self.content: list[str] = []
        self.has_content = False
        self.forms: list[Form] = []
        self._open: list[tuple[str, bool]] = []
        self._form: Form | None = None
        self._select: tuple[str, list[str], list[str]] | None = None
        self._textarea: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Enter an element."""
        values = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self._open.append((tag, values.get("id") == _CONTENT_ID))
            self.has_content = self.has_content or values.get("id") == _CONTENT_ID
        if tag == "form":
            self._enter_form(values)
        elif self._form is not None:
            self._enter_control(self._form, tag, values)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element, and those inside it that were not closed."""
        names = [name for name, _ in self._open]
        if tag in names:
            del self._open[len(names) - 1 - names[::-1].index(tag) :]
        if tag == "form":
            self._form = None
        elif tag == "select" and self._form is not None and self._select is not None:
            name, options, chosen = self._select
            value = (chosen or options or [""])[0]
            self._form.fields.append(Field(name, "select", value, None, tuple(options)))
            self._select = None
        elif tag == "textarea" and self._form is not None and self._textarea is not None:
            name, text = self._textarea
            self._form.fields.append(Field(name, "textarea", "".join(text).removeprefix("\n")))
            self._textarea = None

    def handle_data(self, data: str) -> None:
        """Keep text where it belongs."""
        names = {name for name, _ in self._open}
        if "title" in names and "svg" not in names:
            self.title.append(data)
        if self._textarea is not None:
            self._textarea[1].append(data)
        if names & _UNSEEN:
            return
        self.all_text.append(data)
        if any(is_content for _, is_content in self._open):
            self.content.append(data)

    def _enter_form(self, values: dict[str, str]) -> None:
        form = Form(values.get("action", ""), values.get("method", "get").lower())
        self._form = form
        if values.get("id") not in _SKIN_FORM_IDS:
            self.forms.append(form)

    def _enter_control(self, form: Form, tag: str, values: dict[str, str]) -> None:
        name, kind = values.get("name", ""), values.get("type", "")
        if tag == "button" or (tag == "input" and kind in _BUTTON_TYPES):
            form.buttons.append(Button(name, values.get("value", "")))
        elif tag == "input" and name:
            form.fields.append(_input(name, kind or "text", values))
        elif tag == "select":
            self._select = (name, [], [])
        elif tag == "textarea":
            self._textarea = (name, [])
        elif tag == "option" and self._select is not None:
            self._select[1].append(values.get("value", ""))
            if "selected" in values:
                self._select[2].append(values.get("value", ""))


def _input(name: str, kind: str, values: dict[str, str]) -> Field:
    if kind in {"checkbox", "radio"}:
        return Field(name, kind, values.get("value", "on"), "checked" in values)
    return Field(name, kind, values.get("value", ""))
