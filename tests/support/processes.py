"""Code that runs in a process of its own, with what is installed and nothing imported yet."""

import os
import subprocess
import sys
from collections.abc import Mapping


def printed_by(code: str, environment: Mapping[str, str] | None = None) -> str:
    """What Python code prints; `environment`: variables beside those of this process. CalledProcessError if it fails."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **(environment or {})},
    )
    return done.stdout
