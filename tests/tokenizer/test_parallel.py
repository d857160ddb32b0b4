"""Encoding in tasks and in several processes: always the ids of the whole."""

import sys
from itertools import chain, count, islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.tokenizer import parallel
from common.tokenizer.parallel import encode_documents
from common.tokenizer.patterns import GPT2_PATTERN, GPT4_PATTERN
from tests.tokenizer.samples import SPECIALS, TEXTS, chunked, texts, tokenizer

END = "<|endoftext|>"


def ids_of(documents, **options) -> list[int]:
    return np.concatenate(list(encode_documents(documents, tokenizer(), **options))).tolist()


def expected(documents: list[str]) -> list[int]:
    end_id = tokenizer().special_id(END)
    return [i for text in documents for i in [*tokenizer().encode_ordinary(text), end_id]]


@given(st.lists(texts(SPECIALS), max_size=5), st.integers(1, 9))
def test_encode_documents_cut_small_equals_the_whole(documents, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "_BLOCK_CHARS", size)
        patch.setattr(parallel, "_TASK_CHARS", 2 * size)
        assert ids_of(documents) == expected(documents)


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, GPT4_PATTERN])
@given(chunks=chunked([END]))
def test_encode_documents_of_chunks_splits_at_separators_where_allowed(pattern, chunks):
    reference, text = tokenizer(pattern), "".join(chunks)
    ids = np.concatenate(list(encode_documents([chunks], reference, allow_separator=True)))
    end = [] if text.endswith(END) else [reference.special_id(END)]
    assert ids.tolist() == reference.encode(text, allowed_special=[END]) + end
    assert ids_of([chunks]) == expected([text]), "not allowed: text like any other"


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
def test_encode_documents_in_two_processes_equals_one(monkeypatch, dtype):
    documents = [*TEXTS, iter(["chunks of ", "one do", "cument"]), "", "x" * 300]
    one = ids_of([*TEXTS, "chunks of one document", "", "x" * 300], dtype=dtype)
    monkeypatch.setattr(parallel, "_TASK_CHARS", 100)  # a dozen tasks
    assert ids_of(documents, dtype=dtype, num_workers=2) == one


def test_encode_documents_gives_little_endian_arrays_of_the_dtype():
    for dtype in ("uint16", "uint32"):
        (ids,) = encode_documents(["one"], tokenizer(), dtype=dtype)
        assert ids.dtype == np.dtype(dtype).newbyteorder("<")


def test_encode_documents_reads_little_ahead(monkeypatch):
    monkeypatch.setattr(parallel, "_TASK_CHARS", 10)
    taken = count()
    endless = (f"document {next(taken)}" for _ in count())
    assert len(list(islice(encode_documents(endless, tokenizer()), 3))) == 3
    assert next(taken) <= 4


def test_workers_do_without_torch_and_read_little_ahead(monkeypatch):
    monkeypatch.setattr(parallel, "_TASK_CHARS", 10)
    import torch

    assert sys.modules["torch"] is torch, "the parent has it"
    monkeypatch.setattr(parallel, "_work", modules_of_worker)
    taken = count()
    endless = (f"document {next(taken)}" for _ in count())
    seen = list(islice(encode_documents(endless, tokenizer(), num_workers=2), 4))
    assert set(chain(*seen)).isdisjoint({"torch", "tiktoken", "transformers", "matplotlib"})
    assert {"numpy", "regex"} <= set(seen[0])
    assert next(taken) <= 4 + 2 * 2 + 1


def modules_of_worker(task: object) -> list[str]:
    return sorted(sys.modules)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_encode_documents_names_the_document_with_a_lone_surrogate(num_workers):
    documents = ["fine", "", "four\ud800"]
    with pytest.raises(ValueError, match="document 2, from character 0 on: character 4 is"):
        ids_of(documents, num_workers=num_workers)


def test_encode_documents_names_the_place_in_a_long_document(monkeypatch):
    monkeypatch.setattr(parallel, "_BLOCK_CHARS", 8)
    monkeypatch.setattr(parallel, "_TASK_CHARS", 16)
    text = "some words " * 9 + "\ud800"
    with pytest.raises(ValueError, match=r"document 1, from character \d+ on: .*lone") as caught:
        ids_of(["one", [text]])
    start, offset = [int(word) for word in str(caught.value).split() if word.isdigit()][:2]
    assert text[start + offset] == "\ud800"


def test_encode_documents_refuses_what_cannot_work():
    with pytest.raises(ValueError, match="num_workers 0 must be at least 1"):
        encode_documents([], tokenizer(), num_workers=0)
    with pytest.raises(ValueError, match="vocab_size 420 does not fit uint8, which ends at 255"):
        encode_documents([], tokenizer(), dtype="uint8")
    with pytest.raises(ValueError, match="'<eos>' is no special token"):
        encode_documents([], tokenizer(), separator="<eos>")
