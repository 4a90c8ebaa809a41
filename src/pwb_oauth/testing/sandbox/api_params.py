"""Reading a module's parameters as MediaWiki does: types, defaults, limits, what is refused."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox.api_errors import ApiError, missing_parameter, refuse
from pwb_oauth.testing.sandbox.titles import clean_user_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwb_oauth.testing.sandbox.api_call import Call
    from pwb_oauth.testing.sandbox.api_modules import Module, Parameter

_LOW_LIMIT, _HIGH_LIMIT = 50, 500
_UNIT_SEPARATOR = "\x1f"
_TIMESTAMP = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)Z?")


def read_parameters(call: Call, module: Module, prefix: str) -> dict[str, Any]:
    """Read all parameters of a module.

    Args:
        call: The request; what was looked at counts as recognized, and warnings go there.
        module: Whose parameters.
        prefix: Before each name; a generator's has a ``g`` more.

    Returns:
        Every parameter by its name without prefix: bool for booleans, lists for multiple values,
        aware datetimes, int, str; None where it is missing and has no default.

    Raises:
        ApiError: A required one is missing, or a value is not allowed.
    """
    values: dict[str, Any] = {}
    for parameter in module.parameters:
        if parameter.template is None:
            values[parameter.name] = _read(call, module, parameter, prefix + parameter.name)
        else:
            call.recognize_all(prefix + parameter.template)
    return values


def _read(call: Call, module: Module, parameter: Parameter, name: str) -> Any:
    sent = call.raw(name)
    if parameter.type == "boolean":
        _warn_if_deprecated(call, module, parameter, name, sent)
        return sent is not None
    if parameter.type == "upload":
        return call.context.request.files.get(name)
    if not sent and "required" in parameter.facts:
        raise missing_parameter(name)
    if sent is None:
        return _default(parameter)
    _warn_if_deprecated(call, module, parameter, name, sent)
    if parameter.multi:
        return _read_list(call, module, parameter, name, sent)
    return _read_one(call, module, parameter, name, sent)


def _warn_if_deprecated(
    call: Call, module: Module, parameter: Parameter, name: str, sent: str | None
) -> None:
    if sent is not None and "deprecated" in parameter.facts:
        call.warn(module.name, f'The parameter "{name}" has been deprecated.', "deprecation")


def _default(parameter: Parameter) -> Any:
    default = parameter.facts.get("default")
    if parameter.multi and default is not None:
        return [part for part in str(default).split("|") if part]
    return default


def _read_list(call: Call, module: Module, parameter: Parameter, name: str, sent: str) -> list[Any]:
    separator = _UNIT_SEPARATOR if sent.startswith(_UNIT_SEPARATOR) else "|"
    texts = [text for text in sent.lstrip(_UNIT_SEPARATOR).split(separator) if sent]
    limit = _HIGH_LIMIT if call.has_high_limits else _LOW_LIMIT
    if len(texts) > limit:
        text = f'Too many values supplied for parameter "{name}". The limit is {limit}.'
        raise refuse("toomanyvalues", text, parameter=name, limit=limit)
    if parameter.type == [] and texts:
        # Change tags: the sandbox wiki has none that may be applied by hand.
        raise refuse("badtags", f'The tag "{texts[0]}" is not allowed to be manually applied.')
    values = _allowed_values(call, parameter)
    if values is None:
        return [_read_one(call, module, parameter, name, text) for text in texts]
    if texts == ["*"] and ("allspecifier" in parameter.facts or parameter.type == "namespace"):
        return list(values.values())
    unknown = [text for text in texts if text not in values]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        listed = ", ".join(unknown)
        text = f'Unrecognized value{plural} for parameter "{name}": {listed}.'
        call.warn(module.name, text, "unrecognizedvalues")
    return [values[text] for text in dict.fromkeys(texts) if text in values]


def _allowed_values(call: Call, parameter: Parameter) -> dict[str, Any] | None:
    if parameter.type == "namespace":
        extra = parameter.facts.get("extranamespaces", [])
        return {str(ns): ns for ns in call.wiki.namespaces if ns >= 0 or ns in extra}
    if isinstance(parameter.type, list):
        return {value: value for value in parameter.type}
    return None


def _read_one(call: Call, module: Module, parameter: Parameter, name: str, sent: str) -> Any:
    values = _allowed_values(call, parameter)
    if values is not None:
        if sent not in values:
            raise refuse("badvalue", f'Unrecognized value for parameter "{name}": {sent}.')
        return values[sent]
    if parameter.type == "limit":
        return _read_limit(call, module, parameter, name, sent)
    return _READERS.get(str(parameter.type), _read_text)(call, parameter, name, sent)


def _read_text(call: Call, parameter: Parameter, name: str, sent: str) -> str:
    del call, parameter, name
    return sent


def _read_integer(call: Call, parameter: Parameter, name: str, sent: str) -> int:
    del call
    if not re.fullmatch(r"[+-]?\d+", sent):
        text = f'Invalid value "{sent}" for integer parameter "{name}".'
        raise refuse("badinteger", text)
    number = int(sent)
    least, most = parameter.facts.get("min"), parameter.facts.get("max")
    if (least is not None and number < least) or (most is not None and number > most):
        raise _out_of_range(name, sent, least, most)
    return number


def _out_of_range(name: str, sent: str, least: int | None, most: int | None) -> ApiError:
    if most is None:
        bounds = f"no less than {least}"
    elif least is None:
        bounds = f"no greater than {most}"
    else:
        bounds = f"between {least} and {most}"
    text = f'The value "{sent}" for parameter "{name}" must be {bounds}.'
    return refuse("outofrange", text, min=least, curmax=most)


def _read_limit(call: Call, module: Module, parameter: Parameter, name: str, sent: str) -> int:
    facts = parameter.facts
    most: int = facts["highmax"] if call.has_high_limits else facts["max"]
    if sent == "max":
        call.note_limit(module.name, most)
        return most
    number = _read_integer(call, _unbounded(parameter), name, sent)
    if not facts["min"] <= number <= most:
        bounds = f"between {facts['min']} and {most}"
        text = f'The value "{sent}" for parameter "{name}" must be {bounds}.'
        call.warn(module.name, text, "outofrange")
    least: int = facts["min"]
    return max(least, min(number, most))


def _unbounded(parameter: Parameter) -> Parameter:
    return type(parameter)(parameter.name, "integer", {})


def _read_timestamp(call: Call, parameter: Parameter, name: str, sent: str) -> datetime:
    del parameter
    if sent == "now":
        return call.wiki.now
    digits = _TIMESTAMP.fullmatch(sent)
    if digits:
        try:
            moment = datetime.strptime("".join(digits.groups()), "%Y%m%d%H%M%S")  # noqa: DTZ007
            return moment.replace(tzinfo=timezone.utc)
        except ValueError:
            raise _bad_timestamp(name, sent) from None
    if re.fullmatch(r"\d{1,11}", sent):
        return datetime.fromtimestamp(int(sent), timezone.utc)
    raise _bad_timestamp(name, sent)


def _bad_timestamp(name: str, sent: str) -> ApiError:
    text = f'Invalid value "{sent}" for timestamp parameter "{name}".'
    return refuse("badtimestamp", text)


def _read_user(call: Call, parameter: Parameter, name: str, sent: str) -> str:
    del call, parameter
    cleaned = clean_user_name(sent)
    if cleaned is None:
        raise refuse("baduser", f'Invalid value "{sent}" for user parameter "{name}".')
    return cleaned


_READERS: dict[str, Callable[[Call, Parameter, str, str], Any]] = {
    "integer": _read_integer,
    "timestamp": _read_timestamp,
    "user": _read_user,
}
