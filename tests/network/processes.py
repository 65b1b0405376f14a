"""Programs in processes of their own, for what a process does but once."""

from __future__ import annotations

import os
import subprocess
import sys


def run(program: str, *arguments: str, **variables: str) -> list[str]:
    """The lines that a program prints; its environment has these variables, and none of OpenSSL's beside."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SSL", "PYTHONDEV"))}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
