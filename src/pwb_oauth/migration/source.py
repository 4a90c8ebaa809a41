"""Python source as the bytes it is made of: finding what stands where, and cutting it out."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from typing import TYPE_CHECKING

from pwb_oauth.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_LINE_END = re.compile(r"\r\n|\r|\n")
_SEPARATORS = (",", ";")
_PASSED_OVER = (tokenize.COMMENT, tokenize.NL)


class PythonSource:
    """The text of a Python file, and what it parses to.

    Attributes:
        text: The text, line ends and all.
        encoding: What it is encoded in.
        tree: Its syntax tree.
        tokens: Its tokens, without those of its indentation.
    """

    def __init__(self, text: str, encoding: str = "utf-8") -> None:
        """Parse it.

        Raises:
            SyntaxError: It is no Python.
            ValueError: It is no Python.
        """
        self.text = text
        self.encoding = encoding
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.tree = ast.parse(text)
        self._lines = [(found.start(), found.group()) for found in _LINE.finditer(text)]
        # Not split as str.splitlines() does: a form feed ends no line of Python.
        readline = io.StringIO(text, newline="").readline
        self.tokens = [
            token
            for token in tokenize.generate_tokens(readline)
            if token.type not in (tokenize.INDENT, tokenize.DEDENT)
        ]

    @classmethod
    def of(cls, path: Path, data: bytes) -> PythonSource:
        """Read a file's bytes by the encoding that they declare.

        Args:
            path: The file's name, for messages.
            data: Its bytes.

        Raises:
            ConfigurationError: It is no Python that could be written back as it is.
        """
        line: int | None = None
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            source = cls(data.decode(encoding), encoding)
            if source.encode(source.text) == data:
                return source
            problem = f"it cannot be written back in its encoding, {encoding}"
        except SyntaxError as error:
            problem, line = "it has a syntax error", error.lineno
        except (ValueError, tokenize.TokenError):
            problem = "it is no Python"
        where = f" in line {line}" if line else ""
        raise ConfigurationError(
            f"{path} was left as it is, since {problem}{where}. Correct it, and try again."
        )

    def encode(self, text: str) -> bytes:
        """What to write for a text in the place of this one."""
        return text.encode(self.encoding)

    @property
    def line_end(self) -> str:
        """What its lines end with."""
        found = _LINE_END.search(self.text)
        return found.group() if found else "\n"

    def span(self, node: ast.expr | ast.stmt, last: ast.expr | None = None) -> tuple[int, int]:
        """Where a node begins and ends, as places in the text.

        Args:
            node: The node.
            last: Where it ends, if that is at the end of another one.
        """
        end = last or node
        assert end.end_lineno is not None  # noqa: S101  # ast.parse always sets both
        assert end.end_col_offset is not None  # noqa: S101
        return (
            self._offset(node.lineno, node.col_offset),
            self._offset(end.end_lineno, end.end_col_offset),
        )

    def without(self, start: int, end: int) -> str:
        """The text without a statement, or without an entry of a list or dictionary.

        The comma or semicolon behind it goes too, and a line that nothing is left on; a comment
        stays.
        """
        end = self._behind_separator(end)
        comments = [
            token.string
            for token in self.tokens
            if token.type == tokenize.COMMENT and start <= self._place(token.start) < end
        ]
        line_start, head = self._head(start)
        line_end, tail = self._tail(end)
        kept = [f"{head[: len(head) - len(head.lstrip())]}{one}" for one in comments]
        if head.strip():
            # Other code is before it: the comments go above that line.
            above = "".join(one + self.line_end for one in kept)
            return self.text[:line_start] + above + head + self.text[end:]
        if tail.strip():
            kept.append(head + tail.lstrip(" \t"))
            return self.text[:line_start] + self._joined(kept) + self.text[line_end:]
        before, after = self.text[:line_start], self.text[line_end:]
        if kept:
            return before + self._joined([*kept, tail.lstrip(" \t")]) + after
        if not _LINE_END.search(tail):
            # The last line has no end, so the one that becomes the last has none.
            before = re.sub(r"(\r\n|\r|\n)\Z", "", before)
        return before + after

    def _joined(self, pieces: list[str]) -> str:
        """Lines, the last of which may bring its own end."""
        *lines, last = pieces
        if not last.strip():
            return self.line_end.join(lines) + last
        return self.line_end.join(pieces)

    def _behind_separator(self, end: int) -> int:
        """Where the comma or semicolon behind a place ends, with the blanks; else the place."""
        for token in self.tokens:
            if self._place(token.start) < end or token.type in _PASSED_OVER:
                continue
            if token.string in _SEPARATORS:
                end = self._place(token.end)
                rest = self.text[end:]
                return end + len(rest) - len(rest.lstrip(" \t"))
            break
        return end

    def _head(self, place: int) -> tuple[int, str]:
        """Where a place's line begins, and what is in it before the place."""
        start = max(begin for begin, _ in self._lines if begin <= place)
        return start, self.text[start:place]

    def _tail(self, place: int) -> tuple[int, str]:
        """Where a place's line ends, and what is in it from the place on, its end included."""
        for begin, line in self._lines:
            if begin <= place <= begin + len(line.rstrip("\r\n")):
                end = begin + len(line)
                return end, self.text[place:end]
        return len(self.text), self.text[place:]

    def _offset(self, line: int, utf8_column: int) -> int:
        begin, text = self._lines[line - 1]
        return begin + len(text.encode()[:utf8_column].decode())

    def _place(self, position: tuple[int, int]) -> int:
        line, column = position
        return self._lines[line - 1][0] + column
