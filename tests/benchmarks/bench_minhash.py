"""Near copies: documents a second beside datasketch's bulk path, and who finds which pairs.

    python -m tests.benchmarks.bench_minhash [DOCUMENTS]

Documents of at most 2000 characters, 5000 unless said: pieces of real text, of which every tenth
is altered a little and stands there a second time. Both use 5-word shingles, 128 hashes and a
threshold of 0.8; one core, CPU seconds of the fastest of three runs that take turns. Truth is the
Jaccard similarity of the sets of n-grams themselves, of all pairs. Each tool is held against its
own idea of a word: pieces between white space for datasketch, as in its documentation, and
normalised words for ours. datasketch does not verify what its bands propose.
"""

import random
import sys
import time
from functools import partial
from importlib.util import find_spec
from itertools import chain

import numpy as np

from common.data.lsh import lsh_candidate_pairs, near_duplicates
from common.data.minhash import jaccard, shingles, sketch
from tests.benchmarks.documents import real_documents
from tests.benchmarks.measure import report, seconds

NUM_HASHES, NUM_BANDS, NGRAMS, THRESHOLD = 128, 32, 5, 0.8
SETTINGS = {"num_hashes": NUM_HASHES, "num_bands": NUM_BANDS, "jaccard_threshold": THRESHOLD}
Pairs = set[tuple[int, int]]


def pieces(count: int) -> list[str]:
    """`count` pieces of 500 to 2000 characters; the last tenth alters one of the others each."""
    texts = chain.from_iterable(
        [text[at : at + 2000] for at in range(0, len(text), 2000)] for text in real_documents(count)
    )
    found = [text for text in texts if len(text) > 500][: count - count // 10]
    dice = random.Random(0)
    return found + [altered(dice.choice(found), dice) for _ in range(count // 10)]


def altered(text: str, dice: random.Random) -> str:
    share = dice.uniform(0.0, 0.06)
    return " ".join(f"x{dice.random()}" if dice.random() < share else w for w in text.split())


def their_shingles(text: str) -> set[bytes]:
    words = text.split()
    count = max(1, len(words) - NGRAMS + 1)
    return {" ".join(words[i : i + NGRAMS]).encode() for i in range(count)}


def their_pairs(texts: list[str], bands: tuple[int, int] | None = None) -> Pairs:
    """What datasketch's index answers when it is asked for every document.

    Without `bands` (their number, and the rows of each) it chooses its own for the threshold.
    """
    from datasketch import MinHash, MinHashLSH

    signatures = MinHash.bulk([their_shingles(text) for text in texts], num_perm=NUM_HASHES)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=NUM_HASHES, params=bands)
    for i, signature in enumerate(signatures):
        index.insert(str(i), signature)
    found = ((i, int(j)) for i, signature in enumerate(signatures) for j in index.query(signature))
    return {(i, j) for i, j in found if i < j}


def our_pairs(texts: list[str]) -> tuple[Pairs, Pairs]:
    """Candidates from the bands, and those of them that pass the threshold."""
    sketches = [sketch(text, num_hashes=NUM_HASHES) for text in texts]
    signatures = np.stack([made.signature for made in sketches])
    sets = [set(made.shingles.tolist()) for made in sketches]
    candidates = set(map(tuple, lsh_candidate_pairs(signatures, NUM_BANDS).tolist()))
    return candidates, {(i, j) for i, j in candidates if jaccard(sets[i], sets[j]) >= THRESHOLD}


def true_pairs(sets: list[set]) -> Pairs:
    """All pairs at or above the threshold: for each document what it shares with every other."""
    numbers: dict[object, int] = {}
    ids = [[numbers.setdefault(item, len(numbers)) for item in items] for items in sets]
    holders: list[list[int]] = [[] for _ in numbers]
    pairs = set()
    for i, own in enumerate(ids):
        shared = np.bincount(list(chain.from_iterable(holders[item] for item in own)), minlength=1)
        for j in np.flatnonzero(shared).tolist():
            if shared[j] / (len(own) + len(ids[j]) - shared[j]) >= THRESHOLD:
                pairs.add((j, i))
        for item in own:
            holders[item].append(i)
    return pairs


def score(name: str, found: Pairs, true: Pairs) -> None:
    hits = len(found & true)
    recall, precision = hits / max(len(true), 1), hits / max(len(found), 1)
    report(name, true_pairs=len(true), found=len(found), recall=recall, precision=precision)


def compare(count: int, *, rounds: int = 3) -> None:
    texts = pieces(count)
    report("documents", count=len(texts), megabytes=sum(len(text.encode()) for text in texts) / 1e6)
    tools = {"ours": partial(near_duplicates, texts, **SETTINGS)}
    if find_spec("datasketch"):
        tools["datasketch"] = partial(their_pairs, texts)
    else:
        print("datasketch is not installed: no comparison with it")
    costs: dict[str, list[float]] = {name: [] for name in tools}
    for _ in range(rounds):
        for name, tool in tools.items():
            costs[name].append(seconds(tool, runs=1))
    best = {name: min(each) for name, each in costs.items()}
    speeds = {f"{name}_docs_per_s": len(texts) / cost for name, cost in best.items()}
    ratios = {f"ours_to_{name}": best[name] / best["ours"] for name in best if name != "ours"}
    report("near copies", **speeds, **ratios)
    sketching = seconds(lambda: [sketch(text, num_hashes=NUM_HASHES) for text in texts])
    report("of which sketches", share=sketching / best["ours"])
    start = time.process_time()
    candidates, found = our_pairs(texts)
    true = true_pairs([set(shingles(text).tolist()) for text in texts])
    report("all pairs by brute force", seconds=time.process_time() - start)
    score("our candidates", candidates, true)
    score("our verified pairs", found, true)
    if "datasketch" in tools:
        true = true_pairs([their_shingles(text) for text in texts])
        score("datasketch", their_pairs(texts), true)
        bands = (NUM_BANDS, NUM_HASHES // NUM_BANDS)
        score("datasketch with our bands", their_pairs(texts, bands), true)


if __name__ == "__main__":
    compare(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
