"""What the workflow files promise about the secrets of the live tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from pwb_oauth.testing.live_environment import VARIABLES

ROOT = Path(__file__).parents[1]
GITHUB = (ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8")
GITLAB = (ROOT / ".gitlab-ci.yml").read_text("utf-8")


class TestGitHub:
    """GitHub Actions."""

    @pytest.mark.parametrize("name", VARIABLES.values())
    def test_secret_only_the_live_job_gets_it(self, name):
        """As a variable of its one step that needs it."""
        before, live = GITHUB.split("\n  live:\n")
        assert "${{ secrets" not in before
        assert f"\n          {name}: ${{{{ secrets.{name} }}}}\n" in live
        assert live.count("${{ secrets") == len(VARIABLES)

    def test_pull_request_the_live_job_does_not_run(self):
        """Nor is there the trigger that gives secrets to a fork's code."""
        assert "github.event_name != 'pull_request'" in GITHUB.split("\n  live:\n")[1]
        triggers = GITHUB.split("\non:\n")[1].split("\n\n")[0]
        assert triggers.split() == ["push:", "pull_request:", "workflow_dispatch:"]


class TestGitLab:
    """GitLab, where the project's settings hold the secrets."""

    def test_secret_the_scope_of_one_environment_keeps_it_to_the_live_job(self):
        """No other job names that environment, and none passes a secret on."""
        before, live = GITLAB.split("\nlive:\n")
        assert "environment:" not in before
        assert "name: live-wiki" in live
        settings = [line for line in GITLAB.splitlines() if not line.startswith("#")]
        assert not [name for name in VARIABLES.values() if name in "\n".join(settings)]

    def test_merge_request_the_live_job_does_not_run(self):
        """Only the protected default branch gets protected variables."""
        live = GITLAB.split("\nlive:\n")[1]
        assert '$CI_PIPELINE_SOURCE != "merge_request_event"' in live
        assert '$CI_COMMIT_REF_PROTECTED == "true"' in live
