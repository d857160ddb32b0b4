"""Labelled pages: what somebody could read and label in an afternoon, the only food of classifiers.

The pages come from a site of their own (other pages, another seed) with the mess of the tuning
town, and are read as the crawl will be read: as extracted text.

Taught in ch01_data/01_web_as_bytes.ipynb and ch01_data/04_text_classifiers.ipynb.
Needs: extract.py, site.py, town/.
"""

from random import Random

from . import town
from .extract import extract_text
from .site import TUNING, render_town

# In 100 pages. Mess is rarer on the site; whoever labels looks for it, to see enough of it.
_PERCENT = {
    "clean": 40,
    "spam": 15,
    "toxic": 15,
    "gibberish": 12,
    "foreign": 8,
    "boilerplate": 5,
    "soft_error": 5,
}
_OTHER_SITE = 1_000_003  # added to the seed: these pages are not those of a town with the same seed


def labelled_texts(count: int, *, seed: int) -> list[tuple[str, str]]:
    """`count` pages as (main text, label), shuffled; `count` is at least 20.

    Labels: clean (40 %), spam and toxic (15 % each), gibberish (12 %), foreign (8 %), boilerplate
    and soft_error (5 % each). A clean page may hold a personal line or a harmless "blockhead". The
    text is what `extract_text` finds, so it may be empty. Same count and seed, same list.
    Cost: about 3 ms a page.

    >>> from collections import Counter
    >>> Counter(label for _, label in labelled_texts(20, seed=0)).most_common(3)
    [('clean', 8), ('spam', 3), ('toxic', 3)]
    """
    if count < 20:
        raise ValueError(f"count must be at least 20, one page for each label, got {count}")
    counts = {label: round(count * percent / 100) for label, percent in _PERCENT.items()}
    counts["clean"] += count - sum(counts.values())
    num_clean = counts.pop("clean")
    shares = {label: number / num_clean for label, number in counts.items()}
    pages = town.pages(num_clean, seed=seed + _OTHER_SITE)
    site = render_town(pages, seed=seed + _OTHER_SITE, mess=TUNING, shares=shares)
    found = []
    for path in [page.path for page in pages] + [f"/p/{n + 1}" for n in range(count - num_clean)]:
        response, label = site.responses[path], site.labels[path]
        text = extract_text(response.body, content_type=response.headers["Content-Type"])
        found.append((text, "clean" if label == "pii" else label))
    Random(seed).shuffle(found)
    return found
