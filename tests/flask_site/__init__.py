"""A small web tool in Flask, with everything that tests need to see of one.

``flask --app flask_site run`` starts it with what the environment says.
"""

from __future__ import annotations

from flask import Flask, Response, request, session, stream_with_context
from markupsafe import escape

from pwb_oauth.web.flask import WikiOAuth

wiki_oauth = WikiOAuth()


def create_app(**config) -> Flask:
    app = Flask(__name__)
    app.config.update(config)
    app.config.from_prefixed_env()
    wiki_oauth.init_app(app)
    for path, view in (
        ("/", home),
        ("/cached", cached),
        ("/me", me),
        ("/protected", protected),
        ("/protected/<part>", protected),
        ("/protected-async", protected_async),
        ("/form", form),
        ("/remember/<word>", remember),
        ("/recall", recall),
        ("/late", late),
    ):
        app.add_url_rule(path, view_func=view)
    app.add_url_rule("/edit", view_func=edit, methods=["POST"])
    app.add_url_rule("/side-door", view_func=side_door, methods=["POST"])
    return app


def home() -> str:
    return "The same for everybody."


def cached() -> tuple[str, dict[str, str]]:
    return me(), {"Cache-Control": "public, max-age=600, s-maxage=600"}


def me() -> str:
    visitor = wiki_oauth.user_session
    return f"You are {escape(visitor.username)}." if visitor else "You are nobody."


@wiki_oauth.login_required
def protected(part: str = "") -> str:
    return f"{part}{me()}"


@wiki_oauth.login_required
async def protected_async() -> str:
    return me()


@wiki_oauth.login_required
def edit() -> str:
    import pywikibot

    wiki_oauth.require_own_form()
    with wiki_oauth.flow.account(wiki_oauth.user_session) as account:
        page = pywikibot.Page(account.site("en", "sandbox"), request.form["title"])
        page.text = request.form["text"]
        page.save("By a visitor", quiet=True)
    return "Saved."


def form() -> str:
    return wiki_oauth.csrf_field


def remember(word: str) -> str:
    session["word"] = word
    return "Remembered."


def recall() -> str:
    return str(session.get("word"))


def side_door() -> str:
    session.clear()
    return "Gone."


def late() -> Response:
    return Response(stream_with_context(me() for _ in range(1)))
