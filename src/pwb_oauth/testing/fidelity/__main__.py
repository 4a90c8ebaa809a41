"""``python -m pwb_oauth.testing.fidelity RECORDINGS [--json] [--verbose] [CASE ...]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from pwb_oauth.testing.fidelity.recording import RecordingError, Recordings
from pwb_oauth.testing.fidelity.replay import CaseResult, replay
from pwb_oauth.testing.fidelity.report import as_json, as_line, as_transcript


def main(arguments: list[str] | None = None) -> int:
    """Play recordings back and print how many cases the sandbox wiki answers alike.

    Args:
        arguments: Those of the command line without the program's name; None reads ``sys.argv``.

    Returns:
        0 if the cases were played, whatever came of it; 2 if the recordings cannot be read.
    """
    options = _parser().parse_intermixed_args(arguments)
    results: list[CaseResult] = []
    try:
        recordings = Recordings(options.recordings)
        for name in options.case or recordings.names():
            results.append(replay(recordings.case(name), recordings.description))
            _show(results[-1], options)
    except RecordingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    if options.json:
        print(json.dumps(as_json(results), indent=1))  # noqa: T201
    else:
        print(f"{sum(r.passed for r in results)} of {len(results)}")  # noqa: T201
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m pwb_oauth.testing.fidelity", description=__doc__)
    parser.add_argument("recordings", type=Path, help="folder with _wiki.json and the cases")
    parser.add_argument("case", nargs="*", help="cases to play; all, if none is named")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    parser.add_argument(
        "--verbose", action="store_true", help="print every request, reply and difference"
    )
    return parser


def _show(result: CaseResult, options: argparse.Namespace) -> None:
    if options.json:
        return
    if options.verbose:
        print(as_transcript(result))  # noqa: T201
    print(as_line(result), flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
