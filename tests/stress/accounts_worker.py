"""A worker that edits by many accounts at once, half of the time by asynchronous saves.

An account logs out and in while its own asynchronous saves are still waiting. What is refused for
that reason is saved again: nothing may be lost without an error.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pywikibot

from workplace import Report, described, say, task

_TRIES = 100
_PAUSE = 0.05
_LOGOUT_EVERY = 10
_PATIENCE = 120.0


class Hand:
    """Edits by one account, in one thread."""

    def __init__(self, user: str, edits: int, phase: int) -> None:
        self.user = user
        self._phase = phase
        self._site = pywikibot.Site("en", "sandbox", user=user)
        self._errors: dict[int, list[str]] = {number: [] for number in range(edits)}
        self._answered = threading.Semaphore(0)
        self._to_repeat: list[int] = []
        self._waiting = 0

    def create_pages(self) -> None:
        """Make the first two edits in peace.

        After it has created a page Pywikibot asks for its number, and calls the edit a failure if
        that fails. Of an edit to a page that is there an error says that it was not saved.
        """
        for number in (0, 1):
            self._save(number)

    def edit(self, number: int) -> None:
        """Make an edit, the odd ones asynchronously, and log out and in now and then."""
        if (number + self._phase) % _LOGOUT_EVERY == 0:
            self._log_out_and_in(number)
        if number % 2:
            self._waiting += 1
            self._save(number, asynchronous=True, callback=self._callback(number))
        else:
            self._save(number)

    def finish(self) -> None:
        """Wait for the asynchronous saves, and save what was refused once more."""
        for _ in range(self._waiting):
            if not self._answered.acquire(timeout=_PATIENCE):
                raise RuntimeError(f"An asynchronous save of {self.user} was never answered.")
        for _ in range(_TRIES):
            numbers, self._to_repeat = self._to_repeat, []
            if not numbers:
                return
            time.sleep(_PAUSE)
            for number in numbers:
                self._save(number)

    def report(self, report: Report) -> None:
        """Say of each edit which errors it met, and whether it was saved in the end."""
        for number, errors in self._errors.items():
            saved = number not in self._to_repeat
            report.write(text=self._text(number), errors=errors, saved=saved)

    def _text(self, number: int) -> str:
        return f"{self.user} edit {number}"

    def _save(self, number: int, **options: Any) -> None:
        try:
            page = pywikibot.Page(self._site, f"Stress {self.user} {number % 2}")
            page.text = self._text(number)
            page.save(quiet=True, **options)
        except Exception as problem:  # noqa: BLE001  # the test judges it
            self._refused(number, problem)
            if "asynchronous" in options:
                self._waiting -= 1

    def _callback(self, number: int) -> Any:
        def answered(_: Any, problem: Exception | None) -> None:
            if problem is not None:
                self._refused(number, problem)
            self._answered.release()

        return answered

    def _refused(self, number: int, problem: Exception) -> None:
        self._errors[number].append(described(problem))
        self._to_repeat.append(number)

    def _log_out_and_in(self, number: int) -> None:
        self._site.logout()
        try:
            self._site.login()
        except Exception as problem:  # noqa: BLE001  # the test judges it
            self._errors[number].append(f"login: {described(problem)}")


def main() -> None:
    """Do as told: ``users``, ``edits`` of each, ``threads`` among which they are divided."""
    told = task()
    report = Report(told["report"])
    hands = [Hand(user, told["edits"], phase) for phase, user in enumerate(told["users"])]
    for hand in hands:
        hand.create_pages()

    def work(thread: int) -> None:
        mine = hands[thread :: told["threads"]]
        for number in range(2, told["edits"]):
            for hand in mine:
                hand.edit(number)
        for hand in mine:
            hand.finish()
            hand.report(report)

    say("ready")
    if input() == "go":
        with ThreadPoolExecutor(told["threads"]) as pool:
            list(pool.map(work, range(told["threads"])))
        say("done")


if __name__ == "__main__":
    main()
