import dataclasses
import json

import pytest

from common.data._passes import document_or_receipt
from common.data.document import Document, write_jsonl
from common.data.receipt import Receipt, read_receipts
from common.data.verdict import Verdict

PAGE = Document("a", "http://town/a", "Hm. " * 100)
DROP = Verdict(False, "min_words", 1, 50, note="why")


def test_receipt_is_plain_data():
    receipt = Receipt("a", "u", "s", "r", 1.0, 2.0, "n", "e")
    assert json.loads(json.dumps(dataclasses.asdict(receipt))) == dataclasses.asdict(receipt)


def test_document_or_receipt_writes_down_all_evidence():
    receipt = document_or_receipt("short", PAGE, DROP)
    assert receipt == Receipt(
        "a", "http://town/a", "short", "min_words", 1, 50, "why", ("Hm. " * 100)[:200]
    )
    edited = dataclasses.replace(PAGE, text="new")
    assert document_or_receipt("edit", PAGE, edited) is edited


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (dataclasses.replace(PAGE, id="b"), "swap answered document a with b"),
        (dataclasses.replace(DROP, keep=True), "swap must answer with a document or a dropping"),
        (None, "swap must answer with a document or a dropping verdict: None"),
    ],
)
def test_document_or_receipt_refuses_other_answers(outcome, message):
    with pytest.raises(ValueError, match=message):
        document_or_receipt("swap", PAGE, outcome)


@pytest.mark.parametrize("name", ["receipts.jsonl", "receipts.jsonl.gz"])
def test_read_receipts_gives_back_what_was_written(tmp_path, name):
    receipts = [document_or_receipt("short", PAGE, DROP), Receipt("b", "", "s", "r", 0, 0)]
    assert write_jsonl(receipts, tmp_path / name) == 2
    assert list(read_receipts(tmp_path / name)) == receipts


def test_read_receipts_names_a_bad_line(tmp_path):
    path = tmp_path / "receipts.jsonl"
    path.write_text('{"document_id": "a"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="receipts.jsonl line 1 is not a receipt"):
        list(read_receipts(path))


def test_read_receipts_names_a_file_that_is_cut_off(tmp_path):
    path = tmp_path / "receipts.jsonl.gz"
    write_jsonl([Receipt("b", "", "s", "r", 0, 0)], path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"receipts\.jsonl\.gz breaks off after line"):
        list(read_receipts(path))
