"""How results are shown: a line a case, a transcript, or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pwb_oauth.testing.fidelity.replay import CaseResult, Played

_REASONS = 3
_BODY = 1500


def as_line(result: CaseResult) -> str:
    """Say in a line whether a case passed, and the first differences if it did not."""
    if result.passed:
        return f"ok   {result.name}"
    more = len(result.reasons) - _REASONS
    tail = f"; and {more} more" if more > 0 else ""
    return f"FAIL {result.name}: {'; '.join(result.reasons[:_REASONS])}{tail}"


def as_json(results: Iterable[CaseResult]) -> dict[str, Any]:
    """Give all results as one JSON object."""
    cases = [{"case": r.name, "passed": r.passed, "reasons": r.reasons} for r in results]
    passed = sum(bool(case["passed"]) for case in cases)
    return {"passed": passed, "of": len(cases), "cases": cases}


def as_table(report: dict[str, Any]) -> str:
    """Count cases by the first two words of their names, as a table in Markdown.

    Args:
        report: As :func:`as_json` gives it.

    Returns:
        A line for each kind of case, and one for each case that is not answered alike.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for case in report["cases"]:
        groups.setdefault("_".join(case["case"].split("_")[:2]), []).append(case)
    lines = ["| Cases | Recorded | Answered alike |", "|---|---|---|"]
    for name, group in groups.items():
        lines.append(f"| `{name}` | {len(group)} | {sum(case['passed'] for case in group)} |")
        lines += [f"| ⚠ `{case['case']}` | | no |" for case in group if not case["passed"]]
    return "\n".join([*lines, f"| all | {report['of']} | {report['passed']} |"])


def as_transcript(result: CaseResult) -> str:
    """Show every request as it was sent, the reply, and all differences at length."""
    return "\n".join(line for one in result.played for line in _transcript(one))


def _transcript(one: Played) -> Iterator[str]:
    yield f"--- step {one.exchange.number}, {one.exchange.by}: {one.exchange.label}"
    yield f"> {one.request.method} {one.request.url}"
    yield from (f"> {name}: {value}" for name, value in one.request.headers)
    if one.request.body:
        yield f"> {one.request.body[:_BODY].decode('utf-8', 'replace')}"
    if one.reply is not None:
        yield f"< {one.reply.status}"
        yield from (f"< {name}: {value}" for name, value in one.reply.headers)
        yield f"< {(one.reply.page or one.reply.body or '')!s}"[:_BODY]
    yield from (f"! {difference.text(_BODY)}" for difference in one.found)
