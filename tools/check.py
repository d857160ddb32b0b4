"""What `make check` and `make test` run.

python -m tools.check                ruff, contracts, unit tests and doctests
python -m tools.check --notebooks    and every notebook at the smoke budget
"""

import os
import subprocess
import sys
import tempfile
import time

from .sources import ROOT, book_notebooks

CELL_TIMEOUT_S = 120


def main() -> int:
    """Run the steps in order and stop at the first that fails."""
    steps = [
        ("ruff", ["ruff", "check", "."]),
        ("format", ["ruff", "format", "--check", "."]),
        ("contracts, unit tests, doctests", ["pytest", "-q", "-n", "2", "--dist", "loadfile"]),
    ]
    if "--notebooks" in sys.argv[1:]:
        # One process, in reading order: each notebook finds what those before it made.
        options = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT_S}"]
        notebooks = [path.relative_to(ROOT).as_posix() for path in book_notebooks()]
        steps.append(("notebooks at the smoke budget", ["pytest", "-q", *options, *notebooks]))
    with tempfile.TemporaryDirectory() as artifacts:
        settings = {"BOOK_BUDGET": "smoke", "BOOK_ARTIFACTS": artifacts, "OMP_NUM_THREADS": "1"}
        for name, command in steps:
            print(f"== {name}", flush=True)
            start = time.monotonic()
            command = [sys.executable, "-m", *command]
            run = subprocess.run(command, cwd=ROOT, env=os.environ | settings)
            if run.returncode:
                print(f"== {name}: failed")
                return run.returncode
            print(f"== {name}: {time.monotonic() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
