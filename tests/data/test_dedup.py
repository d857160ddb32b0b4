import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.dedup import (
    exact_line_dedup,
    first_of_each,
    line_hashes,
    minhash_dedup,
    remove_lines,
    repeated_lines,
    text_digest,
)


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


def test_minhash_dedup_keeps_the_file_of_highest_score(tmp_path):
    paths = write(tmp_path / "in", a="One kite, two.", b="One kite; two!", c="Bread.")
    assert minhash_dedup(paths, tmp_path / "out", scores=[0.2, 0.9, 0.0]) == 1
    assert contents(tmp_path / "out") == {"b": "One kite; two!", "c": "Bread."}


@pytest.mark.parametrize("dedup", [exact_line_dedup, minhash_dedup])
def test_dedup_of_no_files_makes_an_empty_folder(tmp_path, dedup):
    assert dedup([], tmp_path / "new" / "out") == 0
    assert list((tmp_path / "new" / "out").iterdir()) == []


@pytest.mark.parametrize("dedup", [exact_line_dedup, minhash_dedup])
def test_dedup_of_an_empty_file_gives_an_empty_file(tmp_path, dedup):
    paths = write(tmp_path / "in", a="", b="A kite.\n")
    assert dedup(paths, tmp_path / "out") == 0
    assert contents(tmp_path / "out") == {"a": "", "b": "A kite.\n"}


@pytest.mark.parametrize("dedup", [exact_line_dedup, minhash_dedup])
def test_dedup_accepts_nul_bytes_and_bytes_that_are_no_text(tmp_path, dedup):
    data = bytes(range(256)) * 3 + b"\xff\xfe\x00\n\x00"
    paths = write(tmp_path / "in", a=data, b="A kite.")
    dedup(paths, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.txt", "b.txt"]


@pytest.mark.parametrize("dedup", [exact_line_dedup, minhash_dedup])
def test_dedup_replaces_what_it_wrote_before(tmp_path, dedup):
    paths = write(tmp_path / "in", a="A kite.\n")
    write(tmp_path / "out", a="old\n")
    dedup(paths, tmp_path / "out")
    assert contents(tmp_path / "out") == {"a": "A kite.\n"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_minhash_dedup_leaves_no_copy_that_another_threshold_had_kept(tmp_path):
    words = [f"w{i}" for i in range(100)]
    paths = write(tmp_path / "in", a=" ".join(words), b=" ".join([*words[:80], *"abcdefghij"]))
    settings = {"num_hashes": 256, "num_bands": 128}
    for threshold, left in ((0.8, ["a", "b"]), (0.7, ["a"])):
        minhash_dedup(paths, tmp_path / "out", jaccard_threshold=threshold, **settings)
        assert sorted(contents(tmp_path / "out")) == left


@pytest.mark.parametrize("dedup", [exact_line_dedup, minhash_dedup])
def test_dedup_refuses_a_folder_that_holds_something_else(tmp_path, dedup):
    paths = write(tmp_path / "in", a="A kite.\n")
    write(tmp_path / "out", a="old\n", z="other\n")
    with pytest.raises(ValueError, match="output_dir out holds z.txt, which is no output for the"):
        dedup(paths, tmp_path / "out")
    assert contents(tmp_path / "out") == {"a": "old\n", "z": "other\n"}


@pytest.mark.parametrize("dedup", [exact_line_dedup, minhash_dedup])
@pytest.mark.parametrize(
    ("one", "other"), [("A", "a"), ("Stra\u00dfe", "STRASSE"), ("\u00e9", "e\u0301")]
)
def test_dedup_refuses_names_that_some_disks_take_for_the_same(tmp_path, dedup, one, other):
    paths = write(tmp_path / "one", **{one: "x\n"}) + write(tmp_path / "two", **{other: "y\n"})
    with pytest.raises(ValueError, match=f"2 inputs are called {one}.txt or {other}.txt: their"):
        dedup(paths, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("dedup", [exact_line_dedup, minhash_dedup])
def test_dedup_takes_an_empty_folder(tmp_path, dedup):
    paths = write(tmp_path / "in", a="A kite.\n")
    (tmp_path / "there").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "there")
    dedup(paths, tmp_path / "out")
    assert contents(tmp_path / "there") == {"a": "A kite.\n"}
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "in").stat().st_mode


@pytest.mark.parametrize("dedup", [exact_line_dedup, minhash_dedup])
def test_dedup_of_a_missing_file_leaves_nothing(tmp_path, dedup):
    paths = write(tmp_path / "in", a="A kite.\n")
    with pytest.raises(FileNotFoundError, match="gone"):
        dedup([*paths, tmp_path / "in" / "gone.txt"], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("dedup", [exact_line_dedup, minhash_dedup])
def test_dedup_that_fails_while_it_writes_leaves_what_was_there(tmp_path, monkeypatch, dedup):
    paths = write(tmp_path / "in", a="A kite.\n", b="A hat and a bell.\n")
    write(tmp_path / "out", a="old\n")

    def fill_disk(*args: object) -> None:
        if "b.txt" in str(args[0]) and "in" not in Path(args[0]).parts:
            raise OSError("disk full")
        return opened(*args)

    opened = open
    monkeypatch.setattr("builtins.open", fill_disk)
    with pytest.raises(OSError, match="disk full"):
        dedup(paths, tmp_path / "out")
    monkeypatch.undo()
    assert contents(tmp_path / "out") == {"a": "old\n"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_exact_line_dedup_writes_nothing_through_a_link_to_an_input(tmp_path):
    paths = write(tmp_path / "in", a="x\nx\ny\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").symlink_to(paths[0])
    exact_line_dedup(paths, tmp_path / "out")
    assert paths[0].read_text() == "x\nx\ny\n"
    assert (tmp_path / "out" / "a.txt").read_text() == "y\n"


def test_text_digest_finds_the_first_of_equal_texts():
    texts = ["A kite.", "a kite.", "A kite.", "", "\udc80", "", "\udc80"]
    assert first_of_each(map(text_digest, texts)).tolist() == [0, 1, 0, 3, 4, 3, 4]


def test_text_digest_is_16_bytes_on_every_machine():
    assert text_digest("A kite.").hex() == "fdc9f5449aa4a65df89b70ed520037e4"


@given(st.text(st.sampled_from("ab \n\t\x00\udc80é"), max_size=20))
def test_line_hashes_count_distinct_lines_that_are_not_blank(text):
    lines = {line.strip() for line in text.split("\n")} - {""}
    hashes = line_hashes(text).tolist()
    assert len(hashes) == len(lines)
    assert hashes == sorted(hashes)


def lines_of(texts, **kwargs):
    return repeated_lines(map(line_hashes, texts), **kwargs).tolist()


def test_repeated_lines_counts_pages_not_occurrences():
    texts = ["Share\nShare\n\nA kite.", " Share\n\nA hat.", "A bell.\nA bell.\nA bell."]
    assert lines_of(texts, min_pages=2) == line_hashes("Share").tolist()
    assert lines_of(texts, min_pages=3) == []


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), max_size=6), st.integers(2, 5))
def test_repeated_lines_equal_counting(pages, min_pages):
    counts = Counter(line for page in pages for line in set(page))
    expected = [line for line, count in counts.items() if count >= min_pages]
    texts = ["\n".join(page) for page in pages]
    assert lines_of(texts, min_pages=min_pages) == line_hashes("\n".join(expected)).tolist()


def test_repeated_lines_refuses_one_page():
    with pytest.raises(ValueError, match="min_pages must be at least 2, not 1"):
        repeated_lines([], min_pages=1)


def test_remove_lines_keeps_paragraphs_apart():
    text = "Menu\n\nOne.\nTwo.\n\n  Share  \n\nThree.\n\nMenu"
    assert remove_lines(text, line_hashes("Menu\nShare")) == ("One.\nTwo.\n\nThree.", 3)


def test_remove_lines_leaves_other_pages_as_they_are():
    text = "\n\n\n One.  \n\n\n\nTwo.\n"
    assert remove_lines(text, line_hashes("Share")) == (text, 0)
    assert remove_lines(text, line_hashes("")) == (text, 0)


@given(st.lists(st.sampled_from(["a", " a ", "b", "", "c\x00"]), max_size=8))
def test_remove_lines_of_all_lines_leaves_nothing(lines):
    text = "\n".join(lines)
    expected = "" if text.strip() else text
    assert remove_lines(text, line_hashes(text))[0] == expected


@pytest.mark.parametrize("remove", [minhash_dedup, exact_line_dedup])
def test_one_path_is_not_taken_for_many(tmp_path, remove):
    with pytest.raises(ValueError, match=r"input_paths must be several, .* got the one 'a\.txt'"):
        remove("a.txt", tmp_path / "out")
