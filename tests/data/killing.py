"""A run that kills itself: the step that does it, and the run in a process of its own."""

import os
import pickle
import signal
import sys
from pathlib import Path

from common.data.document import Document
from common.data.run import run_pipeline


def kill_at(document: Document, *, name: str, mark: str, parent: bool) -> Document:
    """The document as it is; but the first time that it is called `name`, a process is killed.

    That is this process, or the one that started it; the file `mark` says that it was done. The
    file beside it lists what was seen.
    """
    with open(f"{mark}.seen", "a", encoding="utf-8") as stream:
        stream.write(f"{document.id}\n")
    if document.id == name and not os.path.exists(mark):
        Path(mark).touch()
        os.kill(os.getppid() if parent else os.getpid(), signal.SIGKILL)
    return document


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    steps = pickle.loads((folder / "steps.pickle").read_bytes())
    run_pipeline(
        [folder / "pages.jsonl"],
        steps,
        folder / "out",
        split_bytes=999,
        num_workers=int(sys.argv[2]),
    )
