"""The three classifiers of the chain, learned from the same labelled pages: the artefact.

One asks whether a page is worth reading (quality), one whether it sells (spam), one whether it
hurts (toxicity). Each is a file of its own: a corpus may want one and not the others.

Taught in ch01_data/04_text_classifiers.ipynb.
Needs: classifier.py, verdict.py (and what they need).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from .classifier import TextClassifier
from .verdict import split_words

# What each classifier calls a page of each label; a label that is not named is the other thing.
JUDGES: Mapping[str, tuple[Mapping[str, str], str]] = {
    "quality": ({"clean": "good"}, "poor"),
    "spam": ({"spam": "spam"}, "other"),
    "toxicity": ({"toxic": "toxic"}, "other"),
}


def train_classifiers(
    labelled: Iterable[tuple[str, str]], folder: str | Path, *, seed: int
) -> dict[str, TextClassifier]:
    """Train a classifier for each of JUDGES and write it to `folder`, as NAME.safetensors.

    labelled: texts with the labels of `labelled_texts`: "clean", "spam", "toxic" and others. Same
    pages and seed, same bytes. Cost: about 2 ms a page of 800 words.

    Raises:
        ValueError: a judge needs pages of both kinds.
        FileNotFoundError: no such folder; said before anything is learned.

    >>> import tempfile
    >>> pages = [("a red kite", "clean"), ("buy it now", "spam"), ("you toad", "toxic")] * 5
    >>> folder = tempfile.mkdtemp()
    >>> judges = train_classifiers(pages, folder, seed=0)
    >>> judges["spam"].predict("now buy it")[0], judges["quality"].predict("buy it")[0]
    ('spam', 'poor')
    >>> sorted(file.name for file in Path(folder).iterdir())
    ['quality.safetensors', 'spam.safetensors', 'toxicity.safetensors']
    """
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"there is no folder {folder} to write the classifiers to")
    pages = [(split_words(text), label) for text, label in labelled]
    found = {}
    for name, (names, other) in JUDGES.items():
        labels = [names.get(label, other) for _, label in pages]
        if len(set(labels)) < 2:
            wanted = ", ".join(names)
            raise ValueError(f"{name} needs pages labelled {wanted} and others, not {set(labels)}")
        found[name] = TextClassifier.train((words for words, _ in pages), labels, seed=seed)
        found[name].save(Path(folder, f"{name}.safetensors"))
    return found


def load_classifiers(folder: str | Path) -> dict[str, TextClassifier]:
    """The classifiers that `train_classifiers` wrote: "quality", "spam" and "toxicity".

    >>> load_classifiers("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: ...
    """
    return {name: TextClassifier.load(Path(folder, f"{name}.safetensors")) for name in JUDGES}
