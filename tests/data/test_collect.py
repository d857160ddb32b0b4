import json

from common.data import town
from common.data.collect import LIBRARY_URL, TOWN_URL, save_crawl
from common.data.site import KEPT, render_town
from common.data.warc import read_warc


def test_save_crawl_saves_what_the_town_and_the_library_serve(tmp_path):
    pages = town.pages(12, seed=5)
    counts = save_crawl(tmp_path, pages, library_pages=3, seed=6)
    site = render_town(pages, seed=6)
    labels = json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))
    saved = {
        page.url.removeprefix(TOWN_URL): page.body for page in read_warc(tmp_path / "town.warc.gz")
    }
    assert labels == {TOWN_URL + path: label for path, label in site.labels.items()}
    assert saved == {path: site.responses[path].body for path in saved}
    assert site.labels.keys() - saved.keys() == {"/endless", "/private/diary"}
    library = list(read_warc(tmp_path / "library.warc.gz"))
    assert all(page.url.startswith(LIBRARY_URL) for page in library)
    assert (counts["town_pages"], counts["library_pages"]) == (len(saved), len(library) == 3 and 3)


def test_save_crawl_saves_the_truth_for_scoring(tmp_path):
    pages = town.pages(30, seed=0)
    save_crawl(tmp_path, pages, library_pages=1, seed=0)
    site = render_town(pages, seed=0)
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert truth["copies"] == {TOWN_URL + a: TOWN_URL + b for a, b in site.copies.items()}
    assert truth["personal"] == {TOWN_URL + a: list(b) for a, b in site.personal.items()}
    assert truth["copies"] and truth["personal"]
    assert not list(tmp_path.glob("kept*"))


def test_save_crawl_saves_a_second_town_when_asked(tmp_path):
    pages = town.pages(12, seed=0)
    counts = save_crawl(tmp_path, pages, library_pages=1, seed=0, kept_pages=pages)
    kept = render_town(pages, seed=1, mess=KEPT)
    saved = list(read_warc(tmp_path / "kept.warc.gz"))
    assert len(saved) == counts["kept_pages"]
    for page in saved:
        assert page.body == kept.responses[page.url.removeprefix(TOWN_URL)].body
    labels = json.loads((tmp_path / "kept_labels.json").read_text(encoding="utf-8"))
    assert labels == {TOWN_URL + path: label for path, label in kept.labels.items()}
    assert (tmp_path / "kept_truth.json").exists()


def test_save_crawl_of_the_town_gives_the_same_bytes_twice(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_crawl(tmp_path / name, town.pages(8, seed=0), library_pages=1, seed=0)
    for file in ("town.warc.gz", "labels.json", "truth.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_save_crawl_gives_the_bytes_of_other_systems_on_windows(tmp_path, monkeypatch):
    def write_text(path, text, encoding=None, newline=None):
        return path.write_bytes(text.replace("\n", newline or "\r\n").encode(encoding))

    monkeypatch.setattr("pathlib.Path.write_text", write_text)
    save_crawl(tmp_path, town.pages(2, seed=0), library_pages=1, seed=0)
    for file in ("labels.json", "truth.json"):
        assert b"\r" not in (tmp_path / file).read_bytes()
