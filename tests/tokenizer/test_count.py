"""Counting pieces: slow twin, safe cuts, files, workers, progress, bad input."""

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.tokenizer import count, reading
from common.tokenizer.count import count_pieces
from common.tokenizer.patterns import GPT2_PATTERN, GPT4_PATTERN
from common.tokenizer.reading import read_text
from common.tokenizer.special import SpecialTokens
from tests.tokenizer.oracle import count_slow
from tests.tokenizer.samples import SPECIALS, TEXTS, random_texts

THREE_LETTERS_PATTERN = r"\p{L}{1,3}|\P{L}+"  # cutting it before a space would be wrong
PATTERNS = [GPT2_PATTERN, GPT4_PATTERN, THREE_LETTERS_PATTERN]
AWKWARD = ["aba", "a b", "b a a", "ab", "<s>", "<s> <s>"]


def set_sizes(monkeypatch, part: int, window: int, block: int) -> None:
    monkeypatch.setattr(count, "_PART_SIZE", part)
    monkeypatch.setattr(count, "_WINDOW_SIZE", window)
    monkeypatch.setattr(count, "_BLOCK_SIZE", block)
    monkeypatch.setattr(reading, "_BLOCK_BYTES", block)


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_count_pieces_of_a_sentence():
    counts = count_pieces(["the cat, the<|end|>cat"], ["<|end|>"])
    assert counts == {"the": 1, " cat": 1, ",": 1, " the": 1, "cat": 1}


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("specials", [[], SPECIALS])
def test_count_pieces_equals_the_slow_count_wherever_the_text_is_cut(
    tmp_path, monkeypatch, pattern, specials
):
    rng = random.Random(7)
    for seed in range(12):
        text = "".join(random_texts(60, seed=seed, specials=specials))
        path = write(tmp_path / "text.txt", text)
        expected = count_slow([text], specials, pattern)
        set_sizes(monkeypatch, rng.randrange(1, 90), rng.randrange(1, 200), rng.randrange(1, 90))
        assert count_pieces(path, specials, pattern=pattern) == expected
        assert count_pieces([text], specials, pattern=pattern) == expected


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([*AWKWARD, "a", "b", " ", "1", "\n", "é"]), max_size=40).map("".join),
    st.lists(st.sampled_from(AWKWARD), min_size=1, unique=True),
    st.sampled_from(PATTERNS),
    st.integers(1, 12),
)
def test_count_pieces_never_cuts_into_a_special_token(text, specials, pattern, part):
    with pytest.MonkeyPatch.context() as monkeypatch:
        set_sizes(monkeypatch, part, 30, 7)
        assert count_pieces([text], specials, pattern=pattern) == count_slow(
            [text], specials, pattern
        )


def test_count_pieces_cuts_a_file_into_many_parts(tmp_path, monkeypatch):
    set_sizes(monkeypatch, 100, 64, 32)
    text = "".join(TEXTS)
    path = write(tmp_path / "text.txt", text)
    cutter = count._Cutter(GPT2_PATTERN, SpecialTokens(["<|end|>"]))
    parts = list(count._parts_of_file(path, cutter))
    assert len(parts) > 5
    assert [stop for _, _, stop in parts[:-1]] == [start for _, start, _ in parts[1:]]
    assert max(stop - start for _, start, stop in parts) < 400
    blocks = [block for part in parts for block in read_text(*part)]
    assert "".join(blocks) == text and max(map(len, blocks)) <= 32


def test_count_pieces_cuts_custom_patterns_at_special_tokens(tmp_path, monkeypatch):
    set_sizes(monkeypatch, 20, 64, 1 << 18)
    path = write(tmp_path / "text.txt", "some words here<|end|>" * 20)
    specials = SpecialTokens(["<|end|>"])
    parts = list(count._parts_of_file(path, count._Cutter(THREE_LETTERS_PATTERN, specials)))
    assert len(parts) > 5
    assert all(path.read_bytes()[start:].startswith(b"<|end|>") for _, start, _ in parts[1:])
    no_special = count._Cutter(THREE_LETTERS_PATTERN, SpecialTokens([]))
    assert len(list(count._parts_of_file(path, no_special))) == 1


def test_count_pieces_is_the_same_for_any_number_of_workers(tmp_path, monkeypatch):
    monkeypatch.setattr(count, "_PART_SIZE", 300)
    text = "".join(TEXTS) + "<|endoftext|>" + "".join(TEXTS)
    path = write(tmp_path / "text.txt", text)
    expected = count_slow([text], SPECIALS, GPT2_PATTERN)
    for num_workers in (1, 2, 3):
        assert count_pieces(path, SPECIALS, num_workers=num_workers) == expected
    assert count_pieces([text], SPECIALS, num_workers=2) == expected
    assert count_pieces(str(path), SPECIALS) == expected
    assert count_pieces(iter(TEXTS), SPECIALS, num_workers=2) == count_pieces(TEXTS, SPECIALS)


def test_count_pieces_keeps_line_ends(tmp_path):
    path = write(tmp_path / "text.txt", "a\r\nb\rc\n")
    assert count_pieces(path, pattern=r"\w|\s+") == Counter(["a", "\r\n", "b", "\r", "c", "\n"])


def test_count_pieces_reads_no_further_ahead_than_needed(monkeypatch):
    monkeypatch.setattr(count, "_PART_SIZE", 1)
    asked, cutter = [], count._Cutter(GPT2_PATTERN, SpecialTokens([]))
    texts = (asked.append(i) or "ab" for i in range(100))
    parts = count._map_in_order(lambda part: part, count._parts_of_texts(texts, cutter), 1)
    assert next(parts) == ["ab"] and len(asked) == 1


def test_count_pieces_imports_neither_numpy_nor_torch_in_a_worker():
    code = "import sys, common.tokenizer.count; print({'numpy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()", "importing more makes every worker start late"


def test_count_pieces_shows_progress_only_when_asked(tmp_path, capsys):
    path = write(tmp_path / "text.txt", "".join(TEXTS))
    count_pieces(path)
    assert capsys.readouterr() == ("", "")
    count_pieces(path, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "count: 100%" in err and "B/s" in err
    count_pieces(TEXTS, progress=True)
    assert "100%" in (err := capsys.readouterr().err) and " characters/s" in err
    count_pieces(iter(TEXTS), progress=True)
    assert "%" not in (err := capsys.readouterr().err) and " characters/s" in err


@pytest.mark.parametrize(("size", "num_workers"), [(1, 1), (4, 1), (1 << 18, 1), (4, 2)])
def test_count_pieces_names_the_offset_of_invalid_utf8(tmp_path, monkeypatch, size, num_workers):
    set_sizes(monkeypatch, size, 8, size)
    path = tmp_path / "bad.txt"
    path.write_bytes("naïve ".encode() + b"\xc3(" + b" more words" * 9)
    with pytest.raises(ValueError, match="not UTF-8: invalid continuation byte at offset 7"):
        count_pieces(path, num_workers=num_workers)
    path.write_bytes(b"many words " * 9 + b"cut off \xe2\x82")
    with pytest.raises(ValueError, match="unexpected end of data at offset 107"):
        count_pieces(path, num_workers=num_workers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["text"], ["<a>", "<a>"]), "special token '<a>' is given twice"),
        ((["text"], [""]), "a special token must be a non-empty string, not ''"),
        ((["text", b"bytes"],), "text 1 must be a string, not bytes"),
        ((Path(__file__).parent,), "tokenizer is not a regular file"),
    ],
)
def test_count_pieces_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        count_pieces(*arguments)


def test_count_pieces_refuses_a_missing_file_and_zero_workers(tmp_path):
    with pytest.raises(FileNotFoundError):
        count_pieces(tmp_path / "missing.txt")
    with pytest.raises(ValueError, match="num_workers 0 must be at least 1"):
        count_pieces(["text"], num_workers=0)


def test_count_pieces_says_when_the_file_shrinks(tmp_path):
    path = write(tmp_path / "text.txt", "short")
    with pytest.raises(ValueError, match="text.txt ends at offset 5, before 6: has it shrunk"):
        list(read_text(path, 0, 6))


def test_count_pieces_says_why_a_worker_died(tmp_path):
    script = write(
        tmp_path / "no_guard.py",
        "from common.tokenizer.count import count_pieces\ncount_pieces(['a b'], num_workers=2)\n",
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 1
    assert "RuntimeError: a worker process died: either memory ran out, or this is a" in done.stderr
