import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.dedup import exact_line_dedup, minhash_dedup, remove_lines, repeated_lines


def write(folder, **texts):
    folder.mkdir(exist_ok=True)
    paths = []
    for name, text in texts.items():
        paths.append(folder / f"{name}.txt")
        paths[-1].write_bytes(text.encode() if isinstance(text, str) else text)
    return paths


def contents(folder):
    return {path.stem: path.read_bytes().decode() for path in folder.iterdir()}


def test_exact_line_dedup_removes_every_occurrence(tmp_path):
    paths = write(tmp_path / "in", a="Home\nA kite.\nBye\n", b="Home\nA hat.\n", c="Bye\n")
    assert exact_line_dedup(paths, tmp_path / "out") == 4
    assert contents(tmp_path / "out") == {"a": "A kite.\n", "b": "A hat.\n", "c": ""}


def test_exact_line_dedup_counts_within_one_file(tmp_path):
    paths = write(tmp_path / "in", a="x\nx\ny\n")
    exact_line_dedup(paths, tmp_path / "out")
    assert contents(tmp_path / "out") == {"a": "y\n"}


def test_exact_line_dedup_ignores_line_ends_and_keeps_them(tmp_path):
    paths = write(tmp_path / "in", a="same\r\nkept\r\n", b="also kept\nsame")
    exact_line_dedup(paths, tmp_path / "out")
    assert contents(tmp_path / "out") == {"a": "kept\r\n", "b": "also kept\n"}


def test_exact_line_dedup_keeps_bytes_that_are_no_utf8(tmp_path):
    (path,) = write(tmp_path / "in", a=b"caf\xe9\nx\nx\n")
    exact_line_dedup([path], tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_bytes() == b"caf\xe9\n"


@given(st.lists(st.lists(st.sampled_from("abcdefg"), max_size=5), max_size=4))
def test_exact_line_dedup_equals_counting(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("lines")
    texts = {str(i): "".join(f"{line}\n" for line in lines) for i, lines in enumerate(files)}
    counts = Counter(line for lines in files for line in lines)
    exact_line_dedup(write(folder / "in", **texts), folder / "out")
    for i, lines in enumerate(files):
        expected = "".join(f"{line}\n" for line in lines if counts[line] == 1)
        assert (folder / "out" / f"{i}.txt").read_text() == expected


@pytest.mark.parametrize("dedup", [exact_line_dedup, minhash_dedup])
def test_dedup_refuses_to_overwrite_its_inputs(tmp_path, dedup):
    paths = write(tmp_path / "in", a="x\n")
    with pytest.raises(ValueError, match="output_dir in holds the input a.txt"):
        dedup(paths, tmp_path / "in")
    assert paths[0].read_text() == "x\n"


@pytest.mark.parametrize("dedup", [exact_line_dedup, minhash_dedup])
def test_dedup_refuses_two_inputs_of_one_name(tmp_path, dedup):
    paths = write(tmp_path / "one", a="x\n") + write(tmp_path / "two", a="y\n")
    with pytest.raises(ValueError, match="2 inputs are called a.txt"):
        dedup(paths, tmp_path / "out")


def test_minhash_dedup_copies_one_file_of_each_cluster(tmp_path):
    rng = random.Random(0)
    words = [f"w{rng.randrange(10**6)}" for _ in range(300)]
    near = words[:100] + ["changed"] + words[101:]
    half = words[:150] + [f"v{i}" for i in range(150)]
    texts = {"a": words, "b": near, "c": half}
    paths = write(tmp_path / "in", **{k: " ".join(v).capitalize() for k, v in texts.items()})
    assert minhash_dedup(paths, tmp_path / "out") == 1
    assert contents(tmp_path / "out") == {"a": paths[0].read_text(), "c": paths[2].read_text()}


def test_minhash_dedup_threshold_changes_what_stays(tmp_path):
    words = [f"w{i}" for i in range(100)]
    paths = write(tmp_path / "in", a=" ".join(words), b=" ".join([*words[:80], *"abcdefghij"]))
    # 76 five-grams of a's 96 and of b's 86 are shared: J = 76 / 106 = 0.717.
    settings = {"num_hashes": 256, "num_bands": 128}
    assert minhash_dedup(paths, tmp_path / "0.8", jaccard_threshold=0.8, **settings) == 0
    assert minhash_dedup(paths, tmp_path / "0.7", jaccard_threshold=0.7, **settings) == 1


def test_repeated_lines_counts_pages_not_occurrences():
    texts = ["Share\nShare\n\nA kite.", " Share\n\nA hat.", "A bell.\nA bell.\nA bell."]
    assert repeated_lines(texts, min_pages=2) == {"Share"}
    assert repeated_lines(texts, min_pages=3) == frozenset()


def test_repeated_lines_refuses_one_page():
    with pytest.raises(ValueError, match="min_pages must be at least 2, not 1"):
        repeated_lines([], min_pages=1)


def test_remove_lines_keeps_paragraphs_apart():
    text = "Menu\n\nOne.\nTwo.\n\n  Share  \n\nThree.\n\nMenu"
    assert remove_lines(text, {"Menu", "Share"}) == ("One.\nTwo.\n\nThree.", 3)


def test_remove_lines_leaves_other_pages_as_they_are():
    text = "\n\n\n One.  \n\n\n\nTwo.\n"
    assert remove_lines(text, {"Share"}) == (text, 0)
