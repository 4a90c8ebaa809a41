"""What the benchmarks make of their numbers. What they measure is theirs to run."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the short form over given rows, and gives its exit code, words and JSON."""
    monkeypatch.syspath_prepend(str(ROOT))
    benchmarks = importlib.import_module("benchmarks.__main__")
    row = importlib.import_module("benchmarks.row").Row

    def run(**values):
        measured = [row("a work", "ms", **values)]
        part = SimpleNamespace(rows=lambda *, short: measured)
        monkeypatch.setattr(benchmarks, "_PARTS", (part,))
        path = tmp_path / "table.json"
        result = CliRunner().invoke(benchmarks.main, ["--short", "--json", str(path)])
        return result.exit_code, result.output, json.loads(path.read_text())["rows"]

    return run


class TestShortForm:
    """``python -m benchmarks --short``."""

    def test_ratio_is_within_a_fifth_of_its_mark_succeeds(self, run):
        """A noisy machine is no failure."""
        code, words, rows = run(stock=16.1, ours=1.0, mark=20.0)
        assert code == 0
        assert "16.1" in words
        assert rows[0]["ratio"] == 16.1

    def test_ratio_is_further_below_fails_and_says_which(self, run):
        """CI goes red."""
        code, words, _ = run(stock=15.9, ours=1.0, mark=20.0)
        assert code == 1
        assert "off the mark" in words
        assert words.rstrip().endswith("a work")

    def test_time_is_within_a_fifth_of_its_mark_succeeds(self, run):
        """Stock has nothing to compare it with."""
        assert run(stock=None, ours=71.9, at_most=60.0)[0] == 0

    def test_time_is_further_above_fails_and_says_which(self, run):
        """CI goes red."""
        code, words, _ = run(stock=None, ours=72.1, at_most=60.0)
        assert code == 1
        assert words.rstrip().endswith("a work")

    def test_no_mark_never_fails(self, run):
        """Some numbers are only told."""
        assert run(stock=1.0, ours=100.0)[0] == 0
        assert run(stock=None, ours=100.0)[0] == 0
