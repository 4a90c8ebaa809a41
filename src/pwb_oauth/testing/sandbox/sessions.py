"""Who makes a request, and the tokens that guard its changes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pwb_oauth.testing.sandbox import jwts, oauth1_signature
from pwb_oauth.testing.sandbox.model import (
    Acceptance,
    Consumer,
    Mechanism,
    Session,
    User,
    WikiState,
)

if TYPE_CHECKING:
    from datetime import datetime

    from pwb_oauth.testing.sandbox.exchange import WikiRequest

SESSION_JWT = "sessionJwt"
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"


@dataclass(frozen=True)
class Failure:
    """Why the wiki does not accept the credential that a request carries.

    ``code`` is api.php's (``mwoauth-invalid-authorization``), ``text`` its English sentence, both
    as plain text. It wins over every other error of api.php.
    """

    code: str
    text: str


@dataclass
class Caller:
    """Who makes a request, and by what.

    Attributes:
        mechanism: ``none``, ``cookie``, ``botpassword``, ``oauth1`` or ``oauth2``.
        user: The account, None for anonymous (``client_credentials`` is anonymous OAuth 2.0).
        grants: What limits the account, None for nothing.
        consumer: The application, with OAuth.
        session: Where this caller's tokens come from; None for anonymous without a cookie.
        session_jwt: The value of the cookie `SESSION_JWT` to send, None for none.
        failure: Set when the request carries a credential that is no good; ``user`` is then None.
    """

    mechanism: Mechanism = "none"
    user: User | None = None
    grants: list[str] | None = None
    consumer: Consumer | None = None
    session: Session | None = None
    failure: Failure | None = None
    session_jwt: str | None = None

    @property
    def is_oauth(self) -> bool:
        """Whether an OAuth credential was accepted."""
        return self.mechanism in ("oauth1", "oauth2") and self.failure is None

    def become(self, user: User, session: Session) -> None:
        """From here on the request is the user's, who has just signed in."""
        self.mechanism, self.user, self.session = session.mechanism, user, session


def identify(wiki: WikiState, request: WikiRequest) -> Caller:
    """Find out who makes a request: an OAuth credential counts before any cookie.

    ``oauth`` and ``bearer`` in lower case, ``Basic`` and OAuth parameters outside the header count
    for nothing, as on a real wiki.
    """
    scheme = request.authorization.partition(" ")[0]
    if scheme == "OAuth":
        return _oauth1_caller(wiki, request)
    if scheme == "Bearer":
        return _oauth2_caller(wiki, request)
    return _cookie_caller(wiki, request)


def carries_oauth(request: WikiRequest) -> bool:
    """Whether a request carries an OAuth credential, good or bad."""
    return request.authorization.partition(" ")[0] in ("OAuth", "Bearer")


def bearer_token(request: WikiRequest) -> str:
    """The token of an ``Authorization: Bearer`` header, empty without one."""
    scheme, _, token = request.authorization.partition(" ")
    return token.strip() if scheme == "Bearer" else ""


def _oauth1_caller(wiki: WikiState, request: WikiRequest) -> Caller:
    try:
        _, consumer, acceptance = oauth1_signature.accepted_request(wiki, request)
    except oauth1_signature.OAuth1Error as error:
        return Caller("oauth1", failure=_invalid_authorization(error.text))
    user = wiki.user_by_id(acceptance.user_id)
    failure = refusal(wiki, consumer, user)
    if failure is not None:
        return Caller("oauth1", failure=failure)
    session = _oauth_session(wiki, acceptance, acceptance.access_token)
    caller = Caller("oauth1", user, list(acceptance.grants), consumer, session)
    return _with_session_jwt(wiki, request, caller)


def _oauth2_caller(wiki: WikiState, request: WikiRequest) -> Caller:
    try:
        token = jwts.read(wiki, bearer_token(request))
    except jwts.TokenRefused:
        return Caller("oauth2", failure=_invalid_authorization("Invalid access token"))
    consumer = wiki.consumers[token.consumer_key]
    if token.user_id is None:
        return Caller("oauth2", None, list(token.scopes), consumer)
    user = wiki.user_by_id(token.user_id)
    failure = refusal(wiki, consumer, user)
    if failure is not None:
        return Caller("oauth2", failure=failure)
    acceptance = wiki.acceptance(token.user_id, consumer.key)
    session = _oauth_session(wiki, acceptance, token.id) if acceptance else None
    caller = Caller("oauth2", user, list(token.scopes), consumer, session)
    return _with_session_jwt(wiki, request, caller) if consumer.owner_only else caller


def _with_session_jwt(wiki: WikiState, request: WikiRequest, caller: Caller) -> Caller:
    if not wiki.behaviour.session_jwt_cookie or caller.session is None:
        return caller
    session_id = hashlib.sha256(caller.session.id.encode()).hexdigest()
    sent = request.cookies.get(SESSION_JWT)
    if sent is None:
        caller.session_jwt = jwts.session_jwt(wiki, session_id)
    elif jwts.session_of(wiki, sent) != session_id:
        text = "Invalid 'sessionJwt' cookie: JWT error: wrong subject"
        failure = Failure("mwoauth-invalid-authorization-jwt", text)
        return Caller(caller.mechanism, failure=failure)
    return caller


def refusal(wiki: WikiState, consumer: Consumer, user: User | None) -> Failure | None:
    """Why a consumer may not act for a user although its token is good; None if it may."""
    if user is None:
        return Failure(
            "mwoauth-invalid-authorization-invalid-user",
            "The authorization headers in your request are for a user that does not exist here",
        )
    if user.locked:
        return Failure(
            "mwoauth-invalid-authorization-blocked-user",
            "The authorization headers in your request are for a user who is blocked",
        )
    if consumer.wiki not in ("*", wiki.site.dbname):
        return Failure(
            "mwoauth-invalid-authorization-wrong-wiki",
            f"The authorization headers in your request are not valid for {wiki.site.dbname}",
        )
    if not consumer.is_usable_by(user):
        return Failure(
            "mwoauth-invalid-authorization-not-approved",
            "The app that you are trying to connect seems to be set up incorrectly. "
            f'Contact the author of "{consumer.name}" for help.',
        )
    return None


def _invalid_authorization(reason: str) -> Failure:
    text = f"The authorization headers in your request are not valid: {reason}"
    return Failure("mwoauth-invalid-authorization", text)


def _oauth_session(wiki: WikiState, acceptance: Acceptance, token: str) -> Session:
    # One session for each approval; another access token of it starts the session afresh, so that
    # two live tokens void each other's CSRF tokens.
    session_id = f"oauth:{acceptance.id}:{acceptance.accepted_at.timestamp()}"
    session = wiki.sessions.setdefault(session_id, Session(session_id, acceptance.user_id))
    if session.bound_to != token:
        session.bound_to = token
        session.secrets.clear()
    return session


def _cookie_caller(wiki: WikiState, request: WikiRequest) -> Caller:
    for name in ("_BPsession", "_session"):
        session_id = request.cookies.get(wiki.site.cookie_prefix + name, "")
        session = wiki.sessions.get(session_id)
        if session is not None:
            return _caller_of(wiki, session)
    return Caller()


def _caller_of(wiki: WikiState, session: Session) -> Caller:
    user = wiki.user_by_id(session.user_id)
    mechanism: Mechanism = session.mechanism if user else "none"
    return Caller(mechanism, user, session.grants, session=session)


def start(wiki: WikiState, user: User | None = None) -> Session:
    """Start a cookie session, for nobody or for someone who signed in."""
    session = Session(random_id(), user.id if user else None)
    wiki.sessions[session.id] = session
    return session


def end(wiki: WikiState, session: Session | None) -> None:
    """Forget a session."""
    if session is not None:
        wiki.sessions.pop(session.id, None)


def make_token(session: Session, kind: str, now: datetime) -> str:
    r"""Make the token of a session for one kind of change.

    Returns:
        Its MAC and the time, both hexadecimal, and ``+\\``: two of one session are equal within
        a second and different after it.
    """
    secret = session.secrets.setdefault(_secret_name(kind), secrets.token_hex(16))
    return _signed(secret, kind, f"{int(now.timestamp()):08x}")


def check_token(session: Session, kind: str, token: str) -> bool:
    """Check a token against the session's secret; its age does not matter."""
    secret = session.secrets.get(_secret_name(kind))
    if secret is None or not token.endswith("+\\"):
        return False
    return hmac.compare_digest(_signed(secret, kind, token[32:-2]).encode(), token.encode())


def user_token(session: Session) -> str:
    """The value of the cookie for "keep me logged in"."""
    return session.secrets.setdefault("user", secrets.token_hex(16))


def _secret_name(kind: str) -> str:
    return kind if kind in ("login", "createaccount") else "default"


def _signed(secret: str, kind: str, time: str) -> str:
    mac = hmac.new(secret.encode(), f"{time}{kind}".encode(), hashlib.md5).hexdigest()
    return f"{mac}{time}+\\"


def random_id() -> str:
    """32 of the characters that ids of sessions and bot passwords are made of."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(32))
