"""Cutting a statement or an entry out of Python source: all else stays, byte for byte."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pwb_oauth.errors import ConfigurationError
from pwb_oauth.migration.source import PythonSource

PATH = Path("user-config.py")


def cut(text):
    """A text without the statement that mentions SECRET, or without such an entry."""
    source = PythonSource(text)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if "SECRET" in ast.dump(value):
                    return source.without(*source.span(key, value))
    [statement] = [node for node in source.tree.body if "SECRET" in ast.dump(node)]
    return source.without(*source.span(statement))


class TestWithout:
    """``PythonSource.without``."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("a = 1\ns = 'SECRET'\nb = 2\n", "a = 1\nb = 2\n"),
            ("s = 'SECRET'\n", ""),
            ("s = 'SECRET'", ""),
            ("a = 1\ns = 'SECRET'", "a = 1"),
            ("a = 1\r\ns = 'SECRET'", "a = 1"),
            ("a = 1\r\ns = 'SECRET'\r\nb = 2\r\n", "a = 1\r\nb = 2\r\n"),
            ("# c\ns = (\n  'SECRET',\n  'x',\n)\n# d\n", "# c\n# d\n"),
            ("s = 'SECRET'   \nb = 2\n", "b = 2\n"),
            ("a = 1\n\ns = 'SECRET'\n\nb = 2\n", "a = 1\n\n\nb = 2\n"),
            ("s = 'ü', 'SECRET', 'ü'; b = 'ü'\n", "b = 'ü'\n"),
            ("a = '\u2028\x0c'; s = 'SECRET'\nb = 2\n", "a = '\u2028\x0c'; \nb = 2\n"),
            ("s = \\\n  'SECRET' \\\n  'x'\nb = 2\n", "b = 2\n"),
            ("'''\nx\n'''; s = 'SECRET'; b = 2\n", "'''\nx\n'''; b = 2\n"),
            ("\x0cs = 'SECRET'\nb = 2\n", "b = 2\n"),
        ],
    )
    def test_statement_it_goes_with_its_line(self, before, after):
        """What else is on that line stays."""
        assert cut(before) == after

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("s = 'SECRET'  # c\nb = 2\n", "# c\nb = 2\n"),
            ("a = 1\ns = 'SECRET'  # c", "a = 1\n# c"),
            ("s = ('SECRET',  # c\n  'x',  # d\n)\nb = 2\n", "# c\n# d\nb = 2\n"),
            ("s = ('SECRET',  # c\n  'x')  # d\nb = 2\n", "# c\n# d\nb = 2\n"),
            ("s = ('SECRET',\r\n  # c\r\n  'x')\r\nb = 2\r\n", "# c\r\nb = 2\r\n"),
            ("s = ('SECRET',  # c\n)", "# c"),
            ("a = 1; s = ('SECRET',  # c\n)\n", "# c\na = 1; \n"),
            ("s = '# SECRET'  # c\n", "# c\n"),
        ],
    )
    def test_comment_it_stays(self, before, after):
        """On a line of its own."""
        assert cut(before) == after

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("d = {'a': 'SECRET', 'b': 1}\n", "d = {'b': 1}\n"),
            ("d = {'b': 1, 'a': 'SECRET'}\n", "d = {'b': 1, }\n"),
            ("d = {'a': 'SECRET'}\n", "d = {}\n"),
            ("d = {\n  'a': 'SECRET',\n  'b': 1,\n}\n", "d = {\n  'b': 1,\n}\n"),
            ("d = {\n  'a': ('SECRET',  # c\n   'x'),  # d\n}\n", "d = {\n  # c\n  # d\n}\n"),
            ("d = {\n  'a': 'SECRET'  # c\n  ,\n}\n", "d = {\n  # c\n}\n"),
            ("d = {\n  'a': 'SECRET'}\n", "d = {\n  }\n"),
            ("d = {**x, 'a': 'SECRET', **y}\n", "d = {**x, **y}\n"),
        ],
    )
    def test_entry_of_a_dictionary_it_goes_with_its_comma(self, before, after):
        """The dictionary stays, empty if need be."""
        assert cut(before) == after


class TestOf:
    """``PythonSource.of``: from bytes, by the encoding that they declare."""

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (b"", ""),
            ("a = 'ü'\n".encode(), "a = 'ü'\n"),
            ("\ufeffa = 'ü'\r\n".encode(), "a = 'ü'\r\n"),
            ("# coding: latin-1\na = 'ü'\n".encode("latin-1"), "# coding: latin-1\na = 'ü'\n"),
            ("# coding: cp1251\na = 'Ж'\n".encode("cp1251"), "# coding: cp1251\na = 'Ж'\n"),
        ],
    )
    def test_encoding_it_is_written_back_as_it_was(self, data, text):
        """A byte order mark and a cookie are Python's two ways."""
        source = PythonSource.of(PATH, data)
        assert source.text == text
        assert source.encode(source.text) == data

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"a = 1\nb = = 2\n", "a syntax error in line 2"),
            (b"a = 1\nb = 'hunter2\n", "a syntax error in line 2"),
            (b"a = 'hunter2'\n  b = 1\n", "a syntax error in line 2"),
            (b"a = (1,\n", "a syntax error in line 1"),
            (b"# coding: nonsense\n", "a syntax error"),
            (b"a = '\xff'\n", "a syntax error"),
            (b"\n\n\na = '\xff'\n", "it is no Python"),
            (b"a = '\0'\n", "user-config.py was left as it is"),
            (b"\xff\xfea\x00", "a syntax error"),
            (b"# coding: utf-7\na = 1 # +AGE-\n", "cannot be written back"),
        ],
    )
    def test_no_python_it_says_where_and_quotes_nothing(self, data, says):
        """Nor does what is behind the error."""
        with pytest.raises(ConfigurationError) as caught:
            PythonSource.of(PATH, data)
        assert says in str(caught.value)
        assert "hunter2" not in repr(caught.value)
        assert caught.value.__context__ is None

    def test_strange_escapes_nobody_is_warned(self, recwarn):
        """Python warns when Pywikibot runs the file; once is enough."""
        PythonSource.of(PATH, b"a = '\\d'\n")
        assert not recwarn.list
