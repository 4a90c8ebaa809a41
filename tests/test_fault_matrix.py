"""Every fault of docs/reliability.md: what becomes of a read, an edit and an upload."""

from __future__ import annotations

import itertools
from queue import Queue

import pytest
import pywikibot

import fault_matrix
from fault_matrix import CHANGES, FAULTS, FOR_GOOD, OPERATIONS, PROTOCOLS, Rigs, Scene
from pwb_oauth.errors import PwbOAuthError, TransportError

# In seconds. A bound that a busy machine keeps too: Pywikibot's shortest wait is 5 s, and that none
# was asked for is asserted beside it. docs/reliability.md has the times themselves.
AT_ONCE = 5.0


@pytest.fixture(autouse=True)
def hooks_put_back():
    """Leave the hooks to the rigs, which outlive a test."""


@pytest.fixture(scope="module")
def rigs(tmp_path_factory):
    """A Pywikibot on the sandbox wiki of the version that a fault is of."""
    rigs = Rigs(tmp_path_factory.mktemp("matrix"))
    yield rigs
    rigs.close()


@pytest.fixture(scope="module")
def documented():
    """What docs/reliability.md says."""
    return fault_matrix.documented()


def each(faults):
    """A test case for each fault and OAuth version, those of one sandbox wiki together."""
    cases = [(fault, protocol) for fault in faults for protocol in fault.protocols]
    cases.sort(key=lambda case: case[0].version)
    return pytest.mark.parametrize(
        ("fault", "protocol"),
        [pytest.param(*case, id=f"{case[0].name} {case[1]}") for case in cases],
    )


class TestFaults:
    """Something goes wrong at the request that reads, edits or uploads."""

    @each(FAULTS)
    def test_outcome_is_the_documented_one_and_nothing_is_lost(
        self, rigs, documented, fault, protocol
    ):
        """Done once, or an error that says what to do; the credential stays in its store."""
        rig = rigs.of(fault)
        columns = list(itertools.product(PROTOCOLS, OPERATIONS))
        for operation in fault.operations:
            outcome = rig.run(fault, protocol, operation)
            said = documented[fault.name][columns.index((protocol, operation))]
            assert said == outcome.what, operation
            kept = rig.bot.store.load(rig.key)
            assert kept.username == rig.key.username
            if not _was_refreshed(rig):
                assert kept.access_token == rig.first.access_token
            if operation in CHANGES:
                times = outcome.error is None
                assert times <= outcome.executed <= times + fault.twice
            if isinstance(outcome.error, PwbOAuthError) and not outcome.waits:
                assert outcome.seconds < AT_ONCE
            assert not isinstance(outcome.error, TransportError)
            if fault.says is not None:
                assert fault.says in str(outcome.error)
                assert outcome.waits == ()

    @each(FOR_GOOD)
    def test_asynchronous_save_gives_the_error_to_its_callback(self, rigs, fault, protocol):
        """The thread of asynchronous saves lives on, and does the next one."""
        rig = rigs.of(fault)
        rig.log_in(protocol)
        page = rig.signed_in_page()
        given: Queue = Queue()
        with rig.patch.context() as patch:
            fault.arrange(Scene(rig, patch, protocol, "edit"))
            page.text = "more"
            page.save(asynchronous=True, callback=lambda page, error: given.put(error))
            error = given.get(timeout=AT_ONCE)
        assert isinstance(error, PwbOAuthError)
        assert fault.says in str(error)
        assert len(rig.wiki.pages[page.title()].revisions) == 1
        rig.log_in(protocol)
        other = rig.signed_in_page()
        other.text = "again"
        other.save(asynchronous=True, callback=lambda page, error: given.put(error))
        assert given.get(timeout=5) is None
        assert pywikibot._putthread.is_alive()
        assert rig.waits == []


class TestDocument:
    """docs/reliability.md."""

    def test_every_fault_is_in_it_and_no_other(self, documented):
        """``python tests/fault_matrix.py`` writes its tables anew."""
        assert set(documented) - {"What goes wrong"} == {fault.name for fault in FAULTS}


def _was_refreshed(rig):
    return any(entry.params.get("grant_type") == "refresh_token" for entry in rig.wiki.log)
