"""Does the jobs that are waiting, each as the visitor who asked for it, and ends.

Let a cron job start it. It needs the web tool's PWB_OAUTH_… variables, and neither Flask nor a
browser.
"""

from __future__ import annotations

import os

import pywikibot
from job_queue import TASK, Job, JobQueue

from pwb_oauth.errors import LoginRequiredError, PwbOAuthError
from pwb_oauth.web.flow import WebFlow
from pwb_oauth.web.settings import WebSettings
from pwb_oauth.web.sql import SqlSealedStore


def main() -> None:
    """Do what is waiting."""
    settings = WebSettings.read(os.environ.get)
    flow = WebFlow(settings, SqlSealedStore(os.environ["PWB_OAUTH_DATABASE_URL"]))
    queue = JobQueue(os.environ.get("FLASK_QUEUE_FILE", "queue.sqlite"))
    while job := queue.take():
        print(f"Job {job.id}: {_do(flow, queue, job)}", flush=True)


def _do(flow: WebFlow, queue: JobQueue, job: Job) -> str:
    """Do one job, and say how it ended."""
    done = 0
    try:
        with flow.job(job.handle, TASK) as account:
            site = account.site(*os.environ.get("THANK_SITE", "wikipedia:test").split(":")[::-1])
            for done, name in enumerate(job.names):
                _thank(site, name)
                queue.note(job, "running", done + 1)
        state, done = "done", len(job.names)
    except (PwbOAuthError, pywikibot.exceptions.Error) as error:
        state = _why(error)
    queue.note(job, state, done)
    return state


def _thank(site: pywikibot.site.APISite, name: str) -> None:
    page = pywikibot.Page(site, name, ns=3)  # User talk
    page.text = f"{page.text}\n\n== Thank you ==\n~~~~".strip()
    page.save(summary="Thank you", minor=False)
    # Nobody waits at a browser: let others edit as well.
    pywikibot.sleep(float(os.environ.get("THANK_PAUSE", "5")))


def _why(error: Exception) -> str:
    """What a visitor can make of an error; Pywikibot wraps what ends a save."""
    if isinstance(getattr(error, "reason", error), LoginRequiredError):
        return "stopped: you have signed out"
    return "stopped: the wiki did not accept it"


if __name__ == "__main__":
    main()
