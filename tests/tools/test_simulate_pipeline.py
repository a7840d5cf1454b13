"""tools/trials/simulate_pipeline.py at a small size."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "trials" / "simulate_pipeline.py"


def test_all_items_are_done_over_a_kill(tmp_path: Path) -> None:
    """The tool raises unless the manifest has every item as done in the end."""
    command = [
        sys.executable,
        str(TOOL),
        "--header",
        "--items",
        "600",
        "--workers",
        "5",
        "--deaths",
        "0.02",
        "--folder",
        str(tmp_path),
    ]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    head, row = (
        [cell.strip() for cell in line.strip("| ").split("|")] for line in (lines[0], lines[-1])
    )
    cells = dict(zip(head, row, strict=True))
    assert (cells["items"], cells["workers"]) == ("600", "5")
    assert (
        int(cells["coded twice"]) < 600
    )  # what was in flight: batches of up to 64 for 5 workers, at the kill and at every death
    assert list(tmp_path.iterdir()) == []
