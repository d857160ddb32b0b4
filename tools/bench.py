"""Run every benchmark in tests/benchmarks, one process each: `make bench`.

Each prints one line of JSON a figure, for one thread. Nothing is asserted: speed is for reading.
"""

import os
import subprocess
import sys

from .sources import ROOT


def main() -> int:
    """Run them in order of name; the exit status says whether all ran to the end."""
    failed = 0
    for file in sorted((ROOT / "tests" / "benchmarks").glob("bench_*.py")):
        command = [sys.executable, "-m", f"tests.benchmarks.{file.stem}"]
        failed += subprocess.run(
            command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}
        ).returncode
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
