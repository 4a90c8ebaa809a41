"""A poll in which each wiki account has one vote: it only wants to know who the visitor is."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from flask import Flask, current_app, redirect, render_template, request, url_for

from pwb_oauth.web.flask import WikiOAuth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug import Response

CHOICES = ("The main page", "Recent changes", "My watchlist", "A random page")

wiki_oauth = WikiOAuth()


def create_app() -> Flask:
    """Make the application; FLASK_… and PWB_OAUTH_… in the environment set it up."""
    app = Flask(__name__)
    app.config["POLL_FILE"] = "poll.sqlite"
    app.config.from_prefixed_env()
    wiki_oauth.init_app(app)
    app.add_url_rule("/", view_func=poll)
    app.add_url_rule("/vote", view_func=vote, methods=["POST"])
    return app


def poll() -> str:
    """Show who the visitor is, what they chose, and what all chose."""
    return render_template("poll.html", choices=CHOICES, mine=_mine(), counts=_counts())


@wiki_oauth.login_required
def vote() -> Response:
    """Count the visitor's vote, once, whatever their name is by then."""
    wiki_oauth.require_own_form()
    choice = request.form.get("choice")
    if choice in CHOICES:
        with _database() as votes:
            votes.execute("REPLACE INTO votes VALUES (?, ?, ?)", (*_voter(), choice))
    return redirect(url_for("poll"), 303)


def _voter() -> tuple[str, str]:
    """Who votes: a user name may change, and exist on another wiki too; this is theirs alone."""
    visitor = wiki_oauth.user_session
    return visitor.wiki.name, visitor.subject


def _mine() -> str | None:
    if wiki_oauth.user_session is None:
        return None
    with _database() as votes:
        found = votes.execute("SELECT choice FROM votes WHERE (wiki, subject) = (?, ?)", _voter())
        row = found.fetchone()
    return row and row[0]


def _counts() -> dict[str, int]:
    with _database() as votes:
        return dict(votes.execute("SELECT choice, count(*) FROM votes GROUP BY choice"))


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(current_app.config["POLL_FILE"])) as votes, votes:
        votes.execute(
            "CREATE TABLE IF NOT EXISTS votes (wiki, subject, choice, PRIMARY KEY (wiki, subject))"
        )
        yield votes
