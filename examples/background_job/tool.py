"""A tool that thanks many people at once: the visitor asks for it, a worker does it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, current_app, redirect, render_template, request, url_for
from job_queue import TASK, JobQueue

from pwb_oauth.web.flask import WikiOAuth

if TYPE_CHECKING:
    from werkzeug import Response

MOST_NAMES = 50

wiki_oauth = WikiOAuth()


def create_app() -> Flask:
    """Make the application; FLASK_… and PWB_OAUTH_… in the environment set it up."""
    app = Flask(__name__)
    app.config["QUEUE_FILE"] = "queue.sqlite"
    app.config.from_prefixed_env()
    wiki_oauth.init_app(app)
    app.add_url_rule("/", view_func=show)
    app.add_url_rule("/thank", view_func=thank, methods=["POST"])
    return app


def show() -> str:
    """Show the form, and how the visitor's jobs are getting on."""
    visitor = wiki_oauth.user_session
    jobs = _queue().of(_owner()) if visitor else []
    return render_template("thank.html", jobs=jobs)


@wiki_oauth.login_required
def thank() -> Response:
    """Leave the work to a worker, who gets a handle and no token."""
    wiki_oauth.require_own_form()
    names = request.form["names"].split("\n")[:MOST_NAMES]
    names = [name.strip() for name in names if name.strip()]
    if names:
        handle = wiki_oauth.flow.handle(wiki_oauth.user_session, TASK)
        _queue().put(_owner(), handle, names)
    return redirect(url_for("show"), 303)


def _owner() -> str:
    visitor = wiki_oauth.user_session
    return f"{visitor.wiki.name} {visitor.subject}"


def _queue() -> JobQueue:
    return JobQueue(current_app.config["QUEUE_FILE"])
