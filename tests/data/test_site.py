import dataclasses
import http.client
from collections import Counter

import pytest

from common.data import town
from common.data.encoding import decode_html
from common.data.extract import extract_text
from common.data.quality import mojibake_filter
from common.data.site import KEPT, MESS_SHARES, TUNING, Response, render_town, serve


@dataclasses.dataclass
class Note:
    path: str
    title: str
    paragraphs: tuple[str, ...]


def _get(base_url, *paths):
    connection = http.client.HTTPConnection(base_url.removeprefix("http://"))
    answers = []
    for path in paths:
        connection.request("GET", path)
        response = connection.getresponse()
        answers.append((response.status, response.read()))
    connection.close()
    return answers


PAGES = town.pages(100, seed=0)


@pytest.fixture(scope="module")
def site():
    return render_town(PAGES, seed=0)


def test_render_town_same_seed_gives_same_bytes_and_another_seed_does_not(site):
    assert render_town(PAGES, seed=0) == site
    assert render_town(PAGES, seed=1).responses != site.responses


def test_render_town_has_the_announced_share_of_each_mess(site):
    counts = Counter(site.labels.values())
    expected = {label: round(share * 100) for label, share in MESS_SHARES.items()}
    expected["boilerplate"] += 1  # the page about the town
    assert {label: counts[label] for label in MESS_SHARES} == expected
    assert sum(MESS_SHARES.values()) == pytest.approx(0.35)
    assert counts["clean"] + counts["pii"] == 100
    assert counts["private"] == counts["oversize"] == 1


def test_render_town_without_mess_has_clean_pages_and_indexes_only():
    site = render_town(PAGES[:20], seed=0, mess=None)
    assert Counter(site.labels.values()) == {"clean": 20, "index": 2, "boilerplate": 1}


def test_render_town_keeps_the_text_as_written(site):
    planted = 0
    for page in PAGES:
        found = site.texts[page.path].split("\n\n")
        written = "\n\n".join([page.title, *page.paragraphs]).split("\n\n")
        added = [paragraph for paragraph in found if paragraph not in written]
        assert [paragraph for paragraph in found if paragraph in written] == written
        assert len(added) <= 1
        planted += len(added)
    assert planted == 3 + 4  # personal lines, harmless paragraphs


def test_render_town_copies_and_changes_what_the_labels_say(site):
    def texts(*labels):
        return [site.texts[path] for path, label in site.labels.items() if label in labels]

    originals = texts("clean", "pii")
    assert set(texts("mirror")) <= set(originals) | {
        "\n\n".join([page.title, *page.paragraphs]) for page in PAGES
    }
    assert not set(texts("near_copy")) & set(originals)
    assert all("â€" in text or "Ã" in text for text in texts("mojibake"))
    assert not any({"the", "and"} & set(text.lower().split()) for text in texts("foreign"))
    assert all(text == "" for text in texts("boilerplate", "link_farm"))
    pii = {path for path, label in site.labels.items() if label == "pii"}
    assert site.personal.keys() == pii
    assert all(secret in site.texts[path] for path in pii for secret in site.personal[path])
    for path, original in site.copies.items():
        assert site.labels[path] in ("mirror", "near_copy")
        assert site.labels[original] in ("clean", "pii")
        ours, theirs = site.texts[path].split(), site.texts[original].split()
        assert len(set(ours) & set(theirs)) > 0.8 * len(set(theirs))
    copies = [path for path, label in site.labels.items() if label in ("mirror", "near_copy")]
    assert copies == list(site.copies)


def test_render_town_kept_mess_changes_everything_but_the_clean_pages(site):
    kept = render_town(PAGES, seed=0, mess=KEPT)
    assert Counter(kept.labels.values()) == Counter(site.labels.values())
    same = [path for path in kept.responses if kept.responses[path] == site.responses[path]]
    assert set(same) <= {"/robots.txt", "/endless", "/old/0", "/loop/a", "/loop/b"}
    unchanged = [page for page in PAGES if kept.texts[page.path] == site.texts[page.path]]
    assert len(unchanged) >= 100 - 2 * 7  # pages with planted paragraphs differ
    for label in ("spam", "toxic", "foreign", "soft_error"):
        ours, theirs = (
            {s.texts[path] for path in s.texts if s.labels[path] == label} for s in (site, kept)
        )
        assert not ours & theirs


def test_render_town_takes_other_shares():
    site = render_town(PAGES[:40], seed=0, shares={"toxic": 0.5, "spam": 0.25})
    counts = Counter(site.labels.values())
    assert (counts["toxic"], counts["spam"], counts["gibberish"]) == (20, 10, 0)


def test_render_town_refuses_a_mess_that_is_none():
    with pytest.raises(ValueError, match="mess must be TUNING, KEPT or None, got False"):
        render_town(PAGES[:5], seed=0, mess=False)


@pytest.mark.parametrize("mess", [TUNING, KEPT])
def test_render_town_mojibake_is_still_there_after_decoding(mess):
    site = render_town(PAGES[:40], seed=0, mess=mess, shares={"mojibake": 1.0})
    for path in (path for path, label in site.labels.items() if label == "mojibake"):
        response = site.responses[path]
        text = extract_text(response.body, content_type=response.headers["Content-Type"])
        assert not mojibake_filter(text)


def test_render_town_uses_many_encodings_and_all_can_be_read(site):
    read = Counter()
    for path, label in site.labels.items():
        response = site.responses[path]
        text, encoding = decode_html(response.body, content_type=response.headers["Content-Type"])
        read[encoding] += 1
        if label != "oversize":
            assert "The Town Gazette" in text
            assert "\ufffd" not in text
    assert read.keys() >= {"utf-8", "cp1252", "utf-16-le"}


def test_render_town_takes_text_that_needs_escaping_and_any_lines():
    pages = [Note("/x", "A < B & C", ("1 < 2 & 3 > 2\n  indented\n\nblank", "“Ça va?” €"))]
    site = render_town(pages, seed=0, mess=None)
    assert site.texts["/x"] == "A < B & C\n\n1 < 2 & 3 > 2\n  indented\n\nblank\n\n“Ça va?” €"
    text, _ = decode_html(site.responses["/x"].body)
    assert "1 &lt; 2 &amp; 3 &gt; 2" in text


def test_render_town_refuses_two_pages_with_one_path():
    pages = [Note("/x", "One", ("a",)), Note("/x", "Two", ("b",))]
    with pytest.raises(ValueError, match="two pages have the path /x"):
        render_town(pages, seed=0)


def test_serve_answers_with_the_site_and_404_elsewhere_on_one_connection(site):
    with serve(site) as base_url:
        answers = _get(base_url, "/", "/nowhere", "/robots.txt")
    assert answers[0] == (200, site.responses["/"].body)
    assert answers[1][0] == 404
    assert answers[2] == (200, b"User-agent: *\nDisallow: /private/\n")


def test_serve_takes_a_function_and_stops_with_its_block():
    with serve(lambda path: Response(418, {}, path.encode())) as base_url:
        assert _get(base_url, "/tea?milk=1") == [(418, b"/tea?milk=1")]
    with pytest.raises(ConnectionRefusedError):
        _get(base_url, "/tea")


def test_render_town_keeps_letters_that_an_encoding_lacks():
    pages = [Note(f"/{n}", "Łódź", ("Zażółć gęślą jaźń, 日本語.",)) for n in range(60)]
    site = render_town(pages, seed=0, mess=None)
    for page in pages:
        response = site.responses[page.path]
        content_type = response.headers["Content-Type"]
        text = extract_text(response.body, main_content=False, content_type=content_type)
        assert site.texts[page.path] == "Łódź\n\nZażółć gęślą jaźń, 日本語."
        assert site.texts[page.path] in text
