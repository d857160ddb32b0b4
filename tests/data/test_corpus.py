import json
from collections import Counter

import pytest

from common.data import town
from common.data.collect import TOWN_URL
from common.data.corpus import SITES, build_corpus, town_steps
from common.data.document import Document, read_jsonl
from common.data.judges import train_classifiers
from common.data.labelled import labelled_texts
from common.data.pipeline import clean, funnel, read_receipts
from common.data.quality import gopher_quality_filter, gopher_repetition_filter
from common.data.site import render_town
from common.data.warc import WarcPage, write_warc


@pytest.fixture(scope="module")
def judges(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifiers")
    train_classifiers(labelled_texts(300, seed=0), folder, seed=0)
    return folder


@pytest.fixture(scope="module")
def site():
    return render_town(town.pages(120, seed=5), seed=5)


@pytest.fixture(scope="module")
def crawl(site, tmp_path_factory):
    """The town and, instead of Python's documentation, some pages with a menu that repeats."""
    folder = tmp_path_factory.mktemp("crawl")
    write_warc(
        (
            WarcPage(TOWN_URL + path, answer.status, dict(answer.headers), answer.body)
            for path, answer in site.responses.items()
            if len(answer.body) < 1_000_000  # as a crawler would stop
        ),
        folder / "town.warc.gz",
    )
    stories = [page for page in town.pages(60, seed=6) if page.kind == "story"]
    write_warc(
        (
            WarcPage(f"http://library/{page.path}", 200, {"content-type": "text/html"}, body(page))
            for page in stories
        ),
        folder / "library.warc.gz",
    )
    labels = {TOWN_URL + path: label for path, label in site.labels.items()}
    (folder / "labels.json").write_text(json.dumps(labels))
    copies = {TOWN_URL + path: TOWN_URL + original for path, original in site.copies.items()}
    (folder / "truth.json").write_text(json.dumps({"copies": copies, "personal": {}}))
    return folder


def body(page: town.Page) -> bytes:
    paragraphs = "".join(f"<p>{paragraph}</p>" for paragraph in page.paragraphs)
    return f"<html><body><div><p>Go to the index</p>{paragraphs}</div></body></html>".encode()


@pytest.fixture(scope="module")
def built(crawl, judges, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    return folder, build_corpus(crawl, judges, folder)


def test_corpus_holds_clean_pages_to_the_letter(site, built):
    folder, _ = built
    kept = {d.url.removeprefix(TOWN_URL): d for d in read_jsonl(folder / "town.jsonl.gz")}
    clean_pages = [path for path in kept if site.labels[path] == "clean"]
    assert len(clean_pages) > 90
    unmasked = [path for path in clean_pages if "masked" not in kept[path].meta]
    exact = sum(kept[path].text == site.texts[path] for path in unmasked)
    assert exact >= 0.97 * len(unmasked)


def test_corpus_loses_what_is_no_page_of_the_town(site, built):
    folder, _ = built
    kept = Counter(
        site.labels[d.url.removeprefix(TOWN_URL)] for d in read_jsonl(folder / "town.jsonl.gz")
    )
    bad = set(site.labels.values()) - {"clean", "pii", "near_copy", "mirror", "oversize", "private"}
    assert sum(kept[label] for label in bad) <= 1
    assert set(kept) <= set(site.labels.values())


def test_corpus_masks_personal_data(site, built):
    folder, _ = built
    text = "\n".join(d.text for d in read_jsonl(folder / "town.jsonl.gz"))
    planted = {piece for pieces in site.personal.values() for piece in pieces}
    assert len(planted) >= 3
    assert [piece for piece in planted if piece in text] == []
    assert "|||EMAIL_ADDRESS|||" in text


def test_corpus_has_a_receipt_for_everything_else(built):
    folder, funnels = built
    receipts = list(read_receipts(folder / "receipts.jsonl.gz"))
    assert json.loads((folder / "funnel.json").read_text()) == funnels
    for site in SITES:
        own = [r for r in receipts if site in r.url.partition("//")[2].partition("/")[0]]
        kept = sum(1 for _ in read_jsonl(folder / f"{site}.jsonl.gz"))
        rows = funnels[site]
        assert (rows[0]["left"], rows[-1]["left"]) == (kept + len(own), kept)
        assert funnel(rows[0]["left"], own, [row["stage"] for row in rows[1:]]) == rows
    assert len({receipt.stage for receipt in receipts}) >= 6


def test_library_loses_lines_that_its_pages_repeat(built):
    folder, _ = built
    documents = list(read_jsonl(folder / "library.jsonl.gz"))
    assert documents
    assert not any("Go to the index" in document.text for document in documents)


def test_corpus_has_a_datasheet_for_each_site(built):
    folder, _ = built
    assert "Labels by stage" in (folder / "town.html").read_text()
    assert "Labels by stage" not in (folder / "library.html").read_text()
    assert "PSF-2.0" in (folder / "library.html").read_text()


def test_corpus_is_the_same_bytes_again(crawl, judges, built, tmp_path):
    folder, _ = built
    build_corpus(crawl, judges, tmp_path, num_workers=2)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 6
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes()


def test_build_corpus_names_a_missing_crawl(judges, tmp_path):
    with pytest.raises(FileNotFoundError, match="labels.json"):
        build_corpus(tmp_path, judges, tmp_path / "out")


def test_town_steps_keep_puzzles_and_dialogues_that_the_papers_numbers_drop(judges):
    pages = [p for p in town.pages(80, seed=1) if p.kind in ("puzzles", "dialogue")]
    documents = [Document(p.path, f"http://t/{p.path}", "\n\n".join(p.paragraphs)) for p in pages]
    assert clean(documents, town_steps(judges))[0] == documents
    papers = (gopher_quality_filter, gopher_repetition_filter)
    kept = [d for d in documents if all(rule(d.text) for rule in papers)]
    assert len(kept) < len(documents) / 2
