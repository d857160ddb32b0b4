import dataclasses
import gzip
import json
from collections import Counter
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data import town
from common.data.document import Document, WarcPage, read_jsonl, write_warc
from common.data.pii import mask_emails
from common.data.pipeline import (
    TOWN_STEPS,
    Receipt,
    build_corpus,
    clean,
    edit_step,
    funnel,
    near_duplicates_step,
    repeated_lines_step,
    rules_step,
)
from common.data.quality import (
    Verdict,
    gopher_quality_filter,
    gopher_repetition_filter,
    phrase_filter,
    stop_word_filter,
)


def document(name, text="", **meta):
    return Document(name, f"http://town/{name}", text, meta)


def drop_short(words):
    return Verdict.at_least("length", len(words.text), 3)


def drop_vowels(words):
    return Verdict.at_most("vowels", sum(c in "aeiou" for c in words.text), 2)


@given(st.lists(st.text(alphabet="abcde", max_size=6), max_size=20))
def test_clean_accounts_for_every_document_once_and_in_order(texts):
    documents = [document(str(i), text) for i, text in enumerate(texts)]
    steps = {"a": rules_step(drop_short), "b": rules_step(drop_vowels)}
    survivors, receipts = clean(documents, steps)
    assert sorted([d.id for d in survivors] + [r.document_id for r in receipts]) == sorted(
        d.id for d in documents
    )
    assert [d for d in documents if d in survivors] == survivors
    rows = funnel(len(documents), receipts, steps)
    assert rows[-1]["left"] == len(survivors)


def test_clean_writes_receipts_with_stage_rule_value_threshold():
    steps = {"first": rules_step(stop_word_filter), "second": rules_step(drop_short)}
    _, receipts = clean([document("a", "the and"), document("b", "the")], steps)
    assert receipts == [Receipt("b", "http://town/b", "first", "stop_words.min_stop_words", 1, 2)]


def test_clean_without_steps_keeps_everything():
    documents = [document("a"), document("b")]
    assert clean(iter(documents), {}) == (documents, [])


def test_clean_refuses_a_step_that_loses_a_document():
    with pytest.raises(ValueError, match="leak gave 1 answers for 2 documents"):
        clean([document("a"), document("b")], {"leak": lambda documents: documents[1:]})


def test_clean_refuses_a_step_that_swaps_documents():
    with pytest.raises(ValueError, match="swap answered document a with b"):
        clean([document("a"), document("b")], {"swap": lambda documents: documents[::-1]})


def test_rules_step_stops_at_first_rule_and_splits_words_once():
    seen = []

    def remember(words):
        seen.append(words)
        return Verdict(len(seen) < 2, "remember", 0, 0)

    outcomes = list(rules_step(remember, remember, drop_short)([document("a", "text")]))
    assert outcomes[0].rule == "remember"
    assert len(seen) == 2
    assert seen[0] is seen[1]


def test_edit_step_counts_in_meta_and_leaves_other_documents_alone():
    documents = [document("a", "x@y.com", old=1), document("b", "nothing")]
    edited = list(edit_step("masked", mask_emails, mask_emails)(documents))
    assert edited[0] == document("a", "|||EMAIL_ADDRESS|||", old=1, masked=1)
    assert edited[1] is documents[1]
    assert documents[0].meta == {"old": 1}


def test_repeated_lines_step_removes_what_many_pages_say():
    texts = ["Menu\n\nA kite.\nA hat.", "Menu\n\nA hat.", "Menu\n\nA bell."]
    documents = [document(str(i), text) for i, text in enumerate(texts)]
    out = list(repeated_lines_step(min_pages=3)(documents))
    assert [d.text for d in out] == ["A kite.\nA hat.", "A hat.", "A bell."]
    assert [d.meta for d in out] == [{"removed_lines": 1}] * 3


def test_near_duplicates_step_names_the_page_that_stays():
    words = [f"w{i}" for i in range(200)]
    documents = [
        document("a", " ".join(words)),
        document("b", "something else"),
        document("c", " ".join(words[:100] + ["new"] + words[101:])),
    ]
    survivors, receipts = clean(documents, {"near": near_duplicates_step()})
    assert survivors == documents[:2]
    assert receipts[0].note == "http://town/a"
    assert receipts[0].value == pytest.approx(191 / 201)
    assert clean(documents, {"near": near_duplicates_step(jaccard_threshold=0.99)})[1] == []


def test_funnel_by_hand():
    receipts = [Receipt(str(i), "", stage, "", 0, 0) for i, stage in enumerate("aacc")]
    assert funnel(10, receipts, "abc") == [
        {"stage": "crawled", "dropped": 0, "left": 10},
        {"stage": "a", "dropped": 2, "left": 8},
        {"stage": "b", "dropped": 0, "left": 8},
        {"stage": "c", "dropped": 2, "left": 6},
    ]


STORIES = ["\n\n".join(p.paragraphs) for p in town.pages(40, seed=2) if p.kind == "story"][:7]


@pytest.fixture
def crawl_folder(tmp_path):
    folder = tmp_path / "crawl"
    folder.mkdir()
    texts = {f"story/{i}": text for i, text in enumerate(STORIES[:6])}
    texts["copy"] = STORIES[0].replace("and", "but", 2)
    texts["mail"] = f"{STORIES[6]}\n\nWrite to anna@example.org."
    texts["spam"] = "Buy now the best of hats, cheap hats and free shipping to you. " * 20
    texts["broken"] = STORIES[0].replace("a", "Ã¡")
    texts["foreign"] = "Der Müller trägt einen Korb über die alte Brücke in die Stadt. " * 20
    texts["error"] = "Page not found"
    for site in ("town", "library"):
        write_warc(
            (
                WarcPage(f"http://{site}/{name}", 200, {"content-type": "text/html"}, page(text))
                for name, text in texts.items()
            ),
            folder / f"{site}.warc.gz",
        )
    return folder


def page(text):
    paragraphs = "".join(f"<p>{p.replace(chr(10), '<br>')}</p>" for p in text.split("\n\n"))
    return f"<html><body><main>{paragraphs}</main></body></html>".encode()


def test_build_corpus_keeps_clean_pages_to_the_letter(crawl_folder, tmp_path):
    build_corpus(crawl_folder, tmp_path / "out")
    kept = {d.url: d.text for d in read_jsonl(tmp_path / "out" / "town.jsonl.gz")}
    assert [kept[f"http://town/story/{i}"] for i in range(6)] == STORIES[:6]
    assert kept["http://town/mail"].endswith("Write to |||EMAIL_ADDRESS|||.")
    assert len(kept) == 7


def test_build_corpus_gives_a_receipt_for_everything_else(crawl_folder, tmp_path):
    funnels = build_corpus(crawl_folder, tmp_path / "out")
    with gzip.open(tmp_path / "out" / "receipts.jsonl.gz", "rt", encoding="utf-8") as stream:
        receipts = [Receipt(**json.loads(line)) for line in stream]
    stages = {r.url: r.stage for r in receipts if r.url.startswith("http://town/")}
    assert stages == {
        "http://town/copy": "near copies",
        "http://town/spam": "repetition",
        "http://town/broken": "mojibake",
        "http://town/foreign": "prose",
        "http://town/error": "prose",
    }
    assert json.loads((tmp_path / "out" / "funnel.json").read_text()) == funnels
    assert [row["stage"] for row in funnels["town"]] == ["crawled", *TOWN_STEPS]
    dropped = Counter(r.url.split("/")[2] for r in receipts)
    for site, rows in funnels.items():
        kept = sum(1 for _ in read_jsonl(tmp_path / "out" / f"{site}.jsonl.gz"))
        assert (rows[0]["left"], rows[-1]["left"]) == (12, kept)
        assert dropped[site] == 12 - kept


def test_build_corpus_gives_the_same_bytes_again(crawl_folder, tmp_path):
    for run in ("one", "two"):
        build_corpus(crawl_folder, tmp_path / run)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    assert len(list((tmp_path / "one").iterdir())) == 4


def test_build_corpus_names_a_missing_crawl(tmp_path):
    with pytest.raises(FileNotFoundError, match="town.warc.gz"):
        build_corpus(tmp_path, tmp_path / "out")


def test_town_steps_keep_puzzles_and_dialogues_that_the_papers_numbers_drop():
    pages = [p for p in town.pages(80, seed=1) if p.kind in ("puzzles", "dialogue")]
    documents = [document(p.path, "\n\n".join(p.paragraphs)) for p in pages]
    assert clean(documents, TOWN_STEPS)[0] == documents
    survivors, _ = clean(documents, {"papers": rules_step(gopher_repetition_filter)})
    assert len(survivors) < len(documents) / 2


def test_receipt_is_plain_data():
    receipt = Receipt("a", "u", "s", "r", 1.0, 2.0)
    assert json.loads(json.dumps(dataclasses.asdict(receipt))) == dataclasses.asdict(receipt)


def test_rules_accept_settings_through_partial():
    step = rules_step(partial(gopher_quality_filter, min_words=1), phrase_filter)
    (outcome,) = step([document("a", "Buy now the hat of the baker.")])
    assert outcome.rule == "phrases.max_per_100_words"
