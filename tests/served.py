"""Programs that serve a site on this machine while a test runs."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 60


def variables_for(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a program with a home of its own, and nothing of ours but ``more``."""
    ours = ("PWB_OAUTH_", "FLASK_", "DJANGO_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(folder))
    return {**inherited, **homes, "NO_PROXY": "127.0.0.1,localhost", **more}


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run(command: list[str], variables: dict[str, str], folder: Path) -> str:
    """Run a program to its end; what it printed."""
    done = subprocess.run(  # noqa: S603  # our own program
        command,
        env=variables,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def serving(
    command: list[str], variables: dict[str, str], folder: Path, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Let a program serve; what it prints is in the file ``log`` of its folder."""
    log = folder / "log"
    with log.open("a") as output:
        process = subprocess.Popen(  # noqa: S603  # our own program
            command, env=variables, stdout=output, stderr=subprocess.STDOUT, cwd=folder
        )
        try:
            _wait_for(port, process, log)
            yield process
        finally:
            process.terminate()
            process.wait(SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with closing(socket.socket()) as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"it did not start:\n{log.read_text()}")
