"""api.php: which module answers, what is checked before it, how the reply looks.

The checks come in MediaWiki's order (``ApiMain::executeAction``): a credential that is no good,
the general parameters, ``assert``, the module's parameters and its token, the right to read,
``maxlag``, POST.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from werkzeug.wrappers import Response

from pwb_oauth.testing.sandbox import (
    api_delete,
    api_edit,
    api_help,
    api_login,
    api_move,
    api_paraminfo,
    api_patrol,
    api_query,
    api_upload,
    api_watch,
)
from pwb_oauth.testing.sandbox.api_call import Call, timestamp
from pwb_oauth.testing.sandbox.api_cors import answer_preflight, apply_cors
from pwb_oauth.testing.sandbox.api_errors import (
    ApiError,
    Message,
    documentation,
    error_result,
    missing_parameter,
    refuse,
    unsupported,
)
from pwb_oauth.testing.sandbox.api_format import render
from pwb_oauth.testing.sandbox.api_modules import Module, modules

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwb_oauth.testing.sandbox.exchange import Context, TokenKind

_ACTIONS: dict[str, Callable[[Call], dict[str, Any]]] = {
    "checktoken": api_login.checktoken,
    "clientlogin": api_login.clientlogin,
    "delete": api_delete.delete,
    "edit": api_edit.edit,
    "login": api_login.login,
    "logout": api_login.logout,
    "move": api_move.move,
    "paraminfo": api_paraminfo.paraminfo,
    "patrol": api_patrol.patrol,
    "purge": api_watch.purge,
    "query": api_query.query,
    "rollback": api_delete.rollback,
    "upload": api_upload.upload,
    "watch": api_watch.watch,
}
_FORMATS = ("json", "xml", "none")
_PRIVATE = "private, must-revalidate, max-age=0"
_VARY_BY_USER = "Accept-Encoding, Treat-as-Untrusted, Cookie, Authorization"


def handle(context: Context) -> Response:
    """Answer a request for api.php.

    Args:
        context: The request and the wiki; the wiki's lock is held.
    """
    if context.request.method == "OPTIONS":
        return answer_preflight(context)
    call = Call(context)
    if call.raw("action") in (None, "help"):
        return api_help.answer(call)
    reply = Response()
    apply_cors(context, reply)
    error: ApiError | None = None
    try:
        result = _answer(call, reply)
    except ApiError as raised:
        error = raised
        result = error_result(error, _error_format(call), _documentation(call))
        reply.headers["MediaWiki-API-Error"] = error.codes
    result = {**call.warnings(_error_format(call)), **result}
    _write(call, reply, result, is_error=error is not None)
    return reply


def _answer(call: Call, reply: Response) -> dict[str, Any]:
    failure = call.context.caller.failure
    if failure is not None:
        raise refuse(failure.code, failure.text)
    main = call.parameters("main")
    call.parameters(_format_module(main["format"]))
    _check_asserts(call, main)
    module = _module(main["action"])
    _check_token(call, module)
    _check_read(call, module)
    _check_lag(main, reply)
    if module.must_be_posted and call.context.request.method != "POST":
        raise refuse("mustbeposted", f'The "{module.path}" module requires a POST request.')
    result = _run(call, module)
    call.warn_of_unrecognized()
    if call.limits:
        result["limits"] = call.limits
    return {**_echo(call, main), **result}


def _echo(call: Call, main: dict[str, Any]) -> dict[str, Any]:
    echo: dict[str, Any] = {}
    if main["requestid"] is not None:
        echo["requestid"] = main["requestid"]
    if main["curtimestamp"]:
        echo["curtimestamp"] = timestamp(call.wiki.now)
    return echo


def _run(call: Call, module: Module) -> dict[str, Any]:
    try:
        return _ACTIONS[module.path](call)
    except ApiError as error:
        error.module = error.module or module.path
        raise


def _format_module(name: str) -> str:
    module = name.removesuffix("fm")
    if module not in _FORMATS:
        raise unsupported(f"format={name}")
    return module


def _module(action: str) -> Module:
    if action not in _ACTIONS:
        raise unsupported(f"action={action}")
    return modules()[action]


def _check_asserts(call: Call, main: dict[str, Any]) -> None:
    context, wanted = call.context, main["assert"]
    if wanted == "anon" and context.user is not None:
        text = "You are no longer logged out, so the action could not be completed."
        raise refuse("assertanonfailed", text)
    if wanted == "user" and context.user is None:
        text = "You are no longer logged in, so the action could not be completed."
        raise refuse("assertuserfailed", text)
    if wanted == "bot" and not call.may("bot"):
        text = 'You do not have the "bot" right, so the action could not be completed.'
        raise refuse("assertbotfailed", text)
    name = main["assertuser"]
    if name is not None and (context.user is None or context.user.name != name):
        text = f'You are no longer logged in as "{name}", so the action could not be completed.'
        raise refuse("assertnameduserfailed", text)


def _check_token(call: Call, module: Module) -> None:
    kind = module.token_kind
    if kind is None:
        return
    token = call.raw("token")
    if not token:
        raise _in(module, missing_parameter("token"))
    if "token" in call.context.request.query:
        text = (
            "The following parameter was found in the query string,"
            " but must be in the POST body: token."
        )
        raise _in(module, refuse("mustpostparams", text))
    if not call.context.token_is_good(cast("TokenKind", kind), token):
        raise _in(module, refuse("badtoken", "Invalid CSRF token."))


def _in(module: Module, error: ApiError) -> ApiError:
    error.module = module.path
    return error


def _check_read(call: Call, module: Module) -> None:
    needed = api_query.needs_read(call) if module.path == "query" else module.is_read
    if needed and not call.may("read"):
        raise refuse("readapidenied", "You need read permission to use this module.")


def _check_lag(main: dict[str, Any], reply: Response) -> None:
    lag = 0
    if main["maxlag"] is None or main["maxlag"] >= lag:
        return
    reply.headers["Retry-After"] = "5"
    reply.headers["X-Database-Lag"] = str(lag)
    text = f"Waiting for a database server: {lag} seconds lagged."
    raise ApiError(Message("maxlag", text, {"host": "db1", "lag": lag, "type": "db"}))


def _error_format(call: Call) -> str:
    wanted = call.raw("errorformat")
    known = ("bc", "html", "none", "plaintext", "raw", "wikitext")
    return wanted if wanted in known else "bc"


def _documentation(call: Call) -> str:
    return documentation(call.wiki.site.server, call.wiki.site.script_path)


def _write(call: Call, reply: Response, result: dict[str, Any], *, is_error: bool) -> None:
    name = call.raw("format") or "jsonfm"
    if name.removesuffix("fm") not in _FORMATS:
        name = "json"
    version = 1 if call.raw("formatversion") in (None, "1") else 2
    body, reply.headers["Content-Type"] = render(result, name, version)
    reply.set_data(body)
    reply.headers["Cache-Control"] = _PRIVATE
    public = not is_error and api_query.is_public(call)
    reply.headers["Vary"] = _VARY_BY_USER if public else "Accept-Encoding"
