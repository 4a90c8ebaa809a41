"""``action=paraminfo``: what modules and parameters there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pwb_oauth.testing.sandbox.api_modules import Module, Parameter, modules

if TYPE_CHECKING:
    from pwb_oauth.testing.sandbox.api_call import Call

_LOW_LIMIT, _HIGH_LIMIT = 50, 500
_MANUAL = "https://www.mediawiki.org/wiki/Special:MyLanguage/API:"


def paraminfo(call: Call) -> dict[str, Any]:
    """Describe the modules that a request names."""
    given = call.parameters("paraminfo")
    known, wanted = modules(), list(given["modules"] or [])
    wanted += [f"query+{name}" for name in given["querymodules"] or []]
    described = []
    for path in dict.fromkeys(wanted):
        if path in known:
            described.append(_describe(call, known[path]))
        else:
            call.warn("paraminfo", f'The module "{path}" does not exist.', "badmodule")
    return {"paraminfo": {"helpformat": given["helpformat"], "modules": described}}


def _describe(call: Call, module: Module) -> dict[str, Any]:
    site = call.wiki.site
    described: dict[str, Any] = {
        "name": module.name,
        "classname": f"MediaWiki\\Api\\{module.class_name}",
        "path": module.path,
        "prefix": module.prefix,
        "source": "MediaWiki",
        "sourcename": "MediaWiki",
        "licensetag": "GPL-2.0-or-later",
        "licenselink": f"{site.server}/wiki/Special:Version/License/MediaWiki",
        "helpurls": [_MANUAL + page for page in module.help],
    }
    if module.group:
        described["group"] = module.group
    described |= dict.fromkeys(module.flags, True)
    numbered = list(enumerate(module.parameters, start=1))
    for name, templated in (("parameters", False), ("templatedparameters", True)):
        described[name] = [
            _describe_parameter(call, index, parameter)
            for index, parameter in numbered
            if (parameter.template is not None) == templated
        ]
    return described


def _describe_parameter(call: Call, index: int, parameter: Parameter) -> dict[str, Any]:
    described = {"index": index, **parameter.facts}
    if parameter.multi:
        limit = _HIGH_LIMIT if call.has_high_limits else _LOW_LIMIT
        described |= {"lowlimit": _LOW_LIMIT, "highlimit": _HIGH_LIMIT, "limit": limit}
    if "submodules" in described:
        start = described["submodules"]
        described["submodules"] = {name: start + name for name in parameter.type}
    return described
