"""Who may import whom, as docs/architecture.md has it; read from the source, nothing is run."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from itertools import accumulate
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "pwb_oauth"

# From the ground up: a module imports only from layers below its own, a store also from what lies
# beside it.
LAYERS = (
    {"_version"},
    {"errors"},
    {
        "base_string",
        "blocks",
        "clock",
        "deadline",
        "forks",
        "grants",
        "interruptions",
        "quiet",
        "wiki",
        "writes",
    },
    {"credential", "deadline_adapter"},
    {"answers", "encryption", "signing", "tokens", "transport"},
    {"stores"},
    {"web", "web.purging", "web.sealed_store"},
    {"web.sql_rows"},
    {"web.sql"},
    {"oauth1", "oauth2"},
    {"identity"},
    {"authorization", "refusal", "sender"},
    {"renewal"},
    {"account"},
    {"accounts", "prefetch"},
    {"sites"},
    {"signing_in"},
    {"csrf", "fatal", "login"},
    {"destination"},
    {"plugin"},
    {
        "web.cookies",
        "web.next_url",
        "web.precedence",
        "web.problems",
        "web.settings",
        "web.user_session",
    },
    {"web.jobs", "web.pending", "web.sealing", "web.visitor", "web.visitor_sites"},
    {"web.acting", "web.notices"},
    {"web.flow"},
    {"configuration"},
    {"migration.finding", "migration.rewriting", "migration.source", "migration.trial"},
    {"migration.comments", "migration.installation", "migration.proof", "migration.uses"},
    {"migration.variables"},
    {"migration.authenticate", "migration.cookies", "migration.passwords"},
    {"migration", "migration.moving"},
    {"checks.claims", "checks.finding", "checks.parallel"},
    {"checks.access", "checks.question", "checks.siteinfo", "checks.trial"},
    {"checks.machine"},
    {"checks.scripts", "checks.storage", "checks.wikis"},
    {"checks.consumers", "checks.files", "checks.tokens", "checks.usernames"},
    {"checks.registry"},
    {"checks.examination"},
    {"checks"},
    {"web.access_log", "web.check"},
    {
        "web.django",
        "web.django.backends",
        "web.django.callback_query",
        "web.django.connection",
        "web.django.decorators",
        "web.django.management",
        "web.django.management.commands",
        "web.django.migrations",
        "web.django.migrations.0001_initial",
        "web.django.models",
        "web.django.other_logins",
        "web.django.reporting",
        "web.django.routers",
        "web.django.signals",
        "web.django.times",
    },
    {"web.django.holding", "web.django.users", "web.social"},
    {"web.allauth", "web.django.store"},
    {"web.django.conf"},
    {
        "web.django.checks",
        "web.django.csrf",
        "web.django.current",
        "web.django.management.commands.check_wiki_oauth",
        "web.django.management.commands.purge_wiki_accounts",
    },
    {"web.django.listeners", "web.django.pages"},
    {"web.django.apps", "web.django.middleware", "web.django.views"},
    {"web.django.urls"},
    {"web.flask.addresses", "web.flask.signals"},
    {"web.flask.request_state"},
    {"web.flask.commands", "web.flask.csrf", "web.flask.startup"},
    {"web.flask.error_pages", "web.flask.views"},
    {"web.flask.extension"},
    {"web.flask"},
    {"cli.waiting"},
    {
        "cli.browser",
        "cli.callback",
        "cli.exits",
        "cli.identification",
        "cli.locating",
        "cli.misplaced",
        "cli.registration",
        "cli.steps",
        "cli.storage",
        "cli.terminal",
    },
    {"cli.choice", "cli.obtain", "cli.options"},
    {
        "cli.demo_run",
        "cli.doctor",
        "cli.export",
        "cli.key",
        "cli.login",
        "cli.logout",
        "cli.move",
        "cli.register",
        "cli.setup",
        "cli.status",
        "cli.whoami",
    },
    {"cli.demo_web"},
    {"cli.demo", "cli.migrate", "cli.sandbox"},
    {"cli"},
    {"i18n", "scripts", "scripts.pwb_oauth.oauth"},
)
LEVEL = {module: level for level, layer in enumerate(LAYERS) for module in layer}
# open_token_store() opens the stores that are built on its own module, when it is called.
OPENED_WHEN_ASKED = {("tokens", "stores.keyring"), ("tokens", "stores.sql")}
KNOW_PYWIKIBOT = {
    "checks.scripts",
    "configuration",
    "csrf",
    "destination",
    "fatal",
    "login",
    "plugin",
    "prefetch",
    "signing_in",
    "sites",
    "web.acting",
    "web.visitor_sites",
}
RUN_THE_SANDBOX = {"cli.demo", "cli.demo_run", "cli.demo_web", "cli.sandbox"}


def module_of(path):
    """A file's module, without the package's name; empty for the package itself."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(text):
    """Every module that a source imports at run time, also inside functions.

    ``from a import b`` counts as both ``a`` and ``a.b``.
    """
    found = set()
    tree = ast.parse(text)
    for branch in ast.walk(tree):
        if isinstance(branch, ast.If) and getattr(branch.test, "id", "") == "TYPE_CHECKING":
            branch.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


SOURCES = {module_of(path): path.read_text("utf-8") for path in sorted(SOURCE.rglob("*.py"))}
PRODUCT = sorted(
    module
    for module in SOURCES
    if module not in ("", "stores") and not module.startswith("testing")
)


def own(module):
    """The modules of this package that a module imports, without the package's name.

    Who imports a neighbour does not import their package itself, though Python loads it.
    """
    names = {name.removeprefix("pwb_oauth.") for name in imports_of(SOURCES[module])}
    packages = set(accumulate(module.split("."), "{}.{}".format))
    return {name for name in names if name in SOURCES and name} - packages


def place(module):
    """What has a layer: the module itself, or the folder of stores."""
    return "stores" if module.startswith("stores.") else module


class TestLayers:
    """Imports point downward only."""

    @pytest.mark.parametrize("module", PRODUCT)
    def test_module_imports_from_below(self, module):
        """A new module is given its layer here, and a line in docs/architecture.md."""
        above = {
            name
            for name in own(module) & {*PRODUCT}
            if LEVEL[place(name)] >= LEVEL[place(module)]
            and (module, name) not in OPENED_WHEN_ASKED
            and not place(name) == place(module) == "stores"
        }
        assert not above

    def test_no_circle_of_imports(self):
        """Not among the stores either."""
        graph = {
            module: {name for name in own(module) if (module, name) not in OPENED_WHEN_ASKED}
            for module in PRODUCT
        }
        TopologicalSorter(graph).prepare()

    def test_each_layer_is_inhabited(self):
        """None that was named here is gone."""
        assert set(LEVEL) <= {place(module) for module in PRODUCT}

    @pytest.mark.parametrize("module", PRODUCT)
    def test_pywikibot_is_known_to_few(self, module):
        """Everything else could serve another framework."""
        knows = any(name.partition(".")[0] == "pywikibot" for name in imports_of(SOURCES[module]))
        assert not knows or module in KNOW_PYWIKIBOT

    @pytest.mark.parametrize("module", PRODUCT)
    def test_testing_is_for_the_demo_alone(self, module):
        """The library works where the extra is not installed."""
        assert module in RUN_THE_SANDBOX or not {
            name for name in own(module) if name.startswith("testing")
        }

    def test_sandbox_shares_no_code_with_the_client(self):
        """A client and a server that share a bug agree with each other."""
        for module in SOURCES:
            if module.startswith("testing.sandbox"):
                shared = {name for name in own(module) if not name.startswith("testing")}
                assert not shared, module

    def test_the_reader_sees_what_it_is_to_see(self):
        """An import in a function counts, one for type checkers does not."""
        text = (
            "import a.b\nif TYPE_CHECKING:\n    import c\n"
            "def f():\n    from d import e\n    if x:\n        import g\n"
        )
        assert imports_of(text) == {"a.b", "d", "d.e", "g"}
