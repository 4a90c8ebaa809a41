"""The table of docs/sandbox-wiki.md: ``python tests/fidelity_table.py`` writes it anew."""

from __future__ import annotations

import sys
from pathlib import Path

from pwb_oauth.testing.fidelity.recording import Recordings
from pwb_oauth.testing.fidelity.replay import replay
from pwb_oauth.testing.fidelity.report import as_json, as_table
from recordings import FOLDER

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "sandbox-wiki.md"
_BEGIN, _END = "<!-- generated: fidelity -->\n", "\n<!-- end -->"


def documented() -> str:
    """What the document says."""
    return DOCUMENT.read_text("utf-8").partition(_BEGIN)[2].partition(_END)[0]


def main() -> None:
    """Play every case, and write what became of them."""
    recordings = Recordings(FOLDER)
    results = [replay(recordings.case(name), recordings.description) for name in recordings.names()]
    report = as_json(results)
    text = DOCUMENT.read_text("utf-8")
    head, _, rest = text.partition(_BEGIN)
    tail = rest.partition(_END)[2]
    DOCUMENT.write_text(f"{head}{_BEGIN}{as_table(report)}{_END}{tail}", "utf-8")
    sys.stdout.write(f"{report['passed']} of {report['of']}\n")


if __name__ == "__main__":
    main()
