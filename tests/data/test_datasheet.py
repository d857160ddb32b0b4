import json
from functools import partial
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data._charts import funnel_chart, histogram_chart, number
from common.data._publish import histogram
from common.data.datasheet import write_datasheet
from common.data.document import Document, write_jsonl
from common.data.language import language_filter
from common.data.pii import mask_emails
from common.data.pipeline import edit_step, exact_duplicates_step, read_receipts, rules_step
from common.data.quality import stop_word_filter
from common.data.run import run_pipeline
from common.data.score import wrongly_dropped

GERMAN = "Der Müller trägt einen Korb über die alte Brücke in die Stadt und ruht sich aus. " * 3
ENGLISH = "The baker takes the bread to the market and then she goes to the river. " * 3
STEPS = {
    "language": rules_step(language_filter),
    "words": rules_step(partial(stop_word_filter, min_stop_words=3)),
    "copies": exact_duplicates_step(),
    "mask": edit_step("masked", mask_emails),
}
PAGES = {
    "good": ENGLISH + "Write to anna@town.example.",
    "copy": ENGLISH + "Write to anna@town.example.",
    "german": GERMAN,
    "lost": "The hat. <script>alert('x & y')</script> Ask bob@town.example for it.",
    "spam": "Hats for sale, hats for sale. " * 9,
}
COPIES = {"http://town/copy": "http://town/good"}
LABELS = {"good": "clean", "copy": "mirror", "german": "foreign", "lost": "clean", "spam": "spam"}


class Outline(HTMLParser):
    """Titles, tags, addresses that a browser would fetch, and whether tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.fetched, self.open, self.titles = set(), [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.fetched += [v for k, v in attrs if k in ("src", "href", "srcset", "data")]
        if tag not in ("meta", "br", "path", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.titles.append(data)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    documents = [Document(name, f"http://town/{name}", text) for name, text in PAGES.items()]
    write_jsonl(documents, folder / "pages.jsonl")
    run_pipeline([folder / "pages.jsonl"], STEPS, folder / "out")
    return folder / "out"


def sheet(run, path, **settings) -> str:
    write_datasheet(path, run, title="Pages & more", **settings)
    return path.read_text(encoding="utf-8")


def labels() -> dict[str, str]:
    return {f"http://town/{name}": label for name, label in LABELS.items()}


def test_datasheet_is_one_sound_file_that_fetches_and_runs_nothing(run, tmp_path):
    text = sheet(run, tmp_path / "sheet.html", labels=labels())
    outline = Outline(text)
    assert outline.open == []
    assert outline.fetched == []
    assert "script" not in outline.tags
    assert "url(" not in text and "@import" not in text
    assert {"svg", "table", "figure"} <= outline.tags
    assert outline.titles[0] == "Pages & more"


def test_datasheet_has_every_section(run, tmp_path):
    titles = Outline(sheet(run, tmp_path / "sheet.html", labels=labels())).titles
    assert [title for title in titles if title not in STEPS] == [
        "Pages & more",
        "Sources",
        "Funnel",
        "What every rule measured",
        "Labels by stage",
        "False positives",
        "Near things",
        "What was changed",
        "Languages that were dropped",
        "What could not be read",
        "Settings",
        "Versions",
    ]
    assert "language" in titles and "words" in titles


def test_datasheet_states_sources_licences_counts(run, tmp_path):
    text = sheet(run, tmp_path / "sheet.html", licences={"pages.jsonl": "CC0 & mine"})
    assert "5 documents with" in text
    assert "CC0 &amp; mine" in text
    (source,) = json.loads((run / "run.json").read_text())["sources"]
    assert source["sha256"] in text
    assert '<td>placeholders |||EMAIL_ADDRESS|||</td><td class="n">1</td>' in text
    assert '<td>de</td><td class="n">1</td>' in text


def test_gallery_shows_dropped_documents_that_were_wanted_with_personal_data_masked(run, tmp_path):
    text = sheet(run, tmp_path / "sheet.html", labels=labels(), copies=COPIES)
    kinds = "clean or mirror or near_copy or pii"
    assert f"1 documents were dropped whose label is {kinds} and of which no copy stays." in text
    gallery = text.partition("False positives")[2].partition("Near things")[0]
    assert "http://town/lost" in gallery
    assert "&lt;script&gt;" in gallery
    assert "|||EMAIL_ADDRESS|||" in gallery
    assert "bob@" not in text and "anna@" not in text
    assert "http://town/spam" not in gallery


def test_copy_of_what_stays_is_no_mistake(run, tmp_path):
    known = labels() | {"http://town/copy": "clean"}
    path = tmp_path / "sheet.html"
    assert "2 documents were dropped whose" in sheet(run, path, labels=known)
    copies = {"http://town/good": "http://town/copy"}
    assert "1 documents were dropped whose" in sheet(run, path, labels=known, copies=copies)


def test_page_that_a_rule_drops_while_its_mirror_stays_is_no_mistake(run, tmp_path):
    """The rule was wrong, but nothing was lost."""
    copies = COPIES | {"http://town/lost": "http://town/good"}
    text = sheet(run, tmp_path / "sheet.html", labels=labels(), copies=copies)
    assert "0 documents were dropped whose" in text


def test_mistakes_are_those_that_wrongly_dropped_finds(run, tmp_path):
    """Of a page and its mirror that both went one was lost: the one that went last."""
    known = labels() | {"http://town/german": "clean", "http://town/spam": "mirror"}
    copies = COPIES | {"http://town/german": "http://town/spam"}
    text = sheet(run, tmp_path / "sheet.html", labels=known, copies=copies)
    assert "2 documents were dropped whose" in text
    shown = text.partition("False positives")[2].partition("Near things")[0]
    lost = wrongly_dropped(read_receipts(run / "receipts.jsonl.gz"), known, copies)
    assert {f"http://town/{p}" for p in PAGES if f"/{p}<" in shown} == set(lost)
    assert set(lost) == {"http://town/lost", "http://town/spam"}


def test_page_whose_mirror_never_came_in_is_a_mistake(run, tmp_path):
    known, original = labels() | {"http://town/m": "mirror"}, {"http://town/m": "http://town/lost"}
    text = sheet(run, tmp_path / "sheet.html", labels=known, copies=COPIES | original)
    assert "1 documents were dropped whose" in text


def test_page_that_came_in_twice_and_stays_once_is_no_mistake(tmp_path):
    documents = [Document(str(i), "http://town/good", PAGES["good"]) for i in range(2)]
    write_jsonl(documents, tmp_path / "pages.jsonl")
    run_pipeline([tmp_path / "pages.jsonl"], STEPS, tmp_path / "out")
    text = sheet(tmp_path / "out", tmp_path / "sheet.html", labels=labels())
    assert "0 documents were dropped whose" in text


def test_gallery_without_labels_shows_what_was_nearest_to_its_threshold(run, tmp_path):
    text = sheet(run, tmp_path / "sheet.html", gallery_size=1)
    gallery = text.partition("Near things")[2]
    assert gallery.count("<blockquote>") == 1
    assert "Labels by stage" not in text


def test_labels_are_counted_by_stage(run, tmp_path):
    text = sheet(run, tmp_path / "sheet.html", labels=labels())
    table = text.partition("Labels by stage")[2].partition("</table>")[0]
    counts = "".join(f'<td class="n">{count}</td>' for count in ("", "", "1", ""))
    assert f"<td>mirror</td>{counts}" in table


def test_datasheet_is_the_same_twice(run, tmp_path):
    assert sheet(run, tmp_path / "a.html") == sheet(run, tmp_path / "b.html")


def test_datasheet_that_fails_leaves_the_old_one_and_nothing_else(run, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("the disk is full")

    path = tmp_path / "sheet.html"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="full"):
        sheet(run, path)
    assert [(file, file.read_text()) for file in tmp_path.iterdir()] == [(path, "old")]


def test_datasheet_refuses_an_unfinished_run(tmp_path):
    with pytest.raises(ValueError, match="holds no finished run"):
        sheet(tmp_path, tmp_path / "sheet.html")


@pytest.mark.parametrize("rule", ["x.min_y", "x.max_y"])
@given(
    st.lists(st.floats(width=32), min_size=1, max_size=30),
    st.floats(-100, 100, width=32) | st.just(float("inf")),
)
def test_histogram_counts_every_value_on_its_side(rule, values, threshold):
    found = histogram(np.array(values, np.float32), rule, threshold)
    assert sum(found["counts"]) == found["documents"] == len(values)
    assert found["low"] < found["high"]
    low, step = found["low"], (found["high"] - found["low"]) / len(found["counts"])
    if low <= threshold <= found["high"] and all(abs(value) < 1e6 for value in values):
        dropped = sum(v < threshold if rule == "x.min_y" else v > threshold for v in values)
        bins = [low + (i + 0.5) * step for i in range(len(found["counts"]))]
        below = sum(n for n, x in zip(found["counts"], bins, strict=True) if x < threshold)
        assert dropped == (below if rule == "x.min_y" else len(values) - below)


def test_histogram_of_equal_values_reaches_to_the_threshold():
    found = histogram(np.zeros(5, np.float32), "x.max_y", 0.1)
    assert found["low"] <= 0 < 0.1 <= found["high"] < 0.11
    assert max(found["counts"]) == 5


def test_histogram_leaves_a_far_threshold_out():
    found = histogram(np.arange(1, 101, dtype=np.float32), "x.max_y", 1e5)
    assert (found["low"], found["high"]) == pytest.approx((1.495, 99.505))
    assert found["threshold"] == 1e5


SCORE = {"rule": "x.min_y", "threshold": 5, "low": 0, "high": 10, "counts": [1, 0, 4, 2]}


def test_histogram_colours_the_side_that_is_dropped():
    minimum = histogram_chart(SCORE)
    assert minimum.count("#e08a3c") == 1  # one of the two lower bins is empty
    assert minimum.count("#4a7fb5") == 2
    maximum = histogram_chart(SCORE | {"rule": "x.max_y"})
    assert maximum.count("#e08a3c") == 2


@pytest.mark.parametrize(("threshold", "text"), [(100, "100 →"), (-3, "← -3"), (5, ">5<")])
def test_histogram_says_where_a_threshold_is_that_lies_outside(threshold, text):
    assert text in histogram_chart(SCORE | {"threshold": threshold})


def test_funnel_chart_of_nothing():
    assert "<svg" in funnel_chart([{"stage": "crawled", "dropped": 0, "left": 0}])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (3.0, "3"),
        (12345.6, "12,346"),
        (1e5, "100,000"),
        (-2.78e-17, "0"),  # 0.3 - 0.1 * 3
        (float("inf"), "inf"),  # the limit of a check that is switched off
        (float("nan"), "nan"),
    ],
)
def test_number_has_three_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize("person", ["anna@town.example", "+1 (555) 010-4477", "203.0.113.77"])
@pytest.mark.parametrize("seen", [5, 9, 11])
def test_half_of_personal_data_where_an_excerpt_ends_is_not_shown(tmp_path, person, seen):
    text = "Hat. " * 60
    text = f"{text[: 199 - seen]} {person}"
    write_jsonl([Document("a", "http://town/a", text)], tmp_path / "a.jsonl")
    run_pipeline([tmp_path / "a.jsonl"], {"words": STEPS["words"]}, tmp_path / "run")
    [receipt] = read_receipts(tmp_path / "run" / "receipts.jsonl.gz")
    assert receipt.excerpt.endswith(f" {person[:seen]}")
    assert person[:seen] not in sheet(tmp_path / "run", tmp_path / "sheet.html")


def test_sheet_of_a_broken_crawl_stays_small(tmp_path):
    """A flood of damage, and addresses of a megabyte."""
    path = tmp_path / "a.jsonl"
    write_jsonl([Document("a", "http://town/" + "a" * 10**6, "Hat.")], path)
    path.write_bytes(path.read_bytes() + b"{\n" * 1234)
    run_pipeline([path], {"words": STEPS["words"]}, tmp_path / "run")
    text = sheet(tmp_path / "run", tmp_path / "sheet.html")
    assert text.count("<td>a.jsonl</td>") == 101
    assert "<p>And 1,134 more, which run.json lists.</p>" in text
    assert len(text) < 50_000


def test_gallery_of_less_than_nothing_is_refused(run, tmp_path):
    with pytest.raises(ValueError, match="gallery_size must not be negative, got -1"):
        sheet(run, tmp_path / "sheet.html", gallery_size=-1)
