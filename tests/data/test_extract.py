import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as reference

from common.data import town
from common.data.blocks import Block, split_blocks
from common.data.extract import extract_documents, extract_text, main_blocks, token_f1
from common.data.site import render_town
from common.data.warc import WarcPage
from tests.data.mutants import HANG_S, Watch
from tests.data.page_mutants import page_mutants

LONG = "The keeper of the lighthouse counted the ships that passed and wrote them in a book. " * 3
LONG = LONG.strip()


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One<p>Two", "One\n\nTwo"),
        ("<p>One\n  line</p>", "One line"),
        ("<p>One<br>two<br/>three</p>", "One\ntwo\nthree"),
        ("<ul><li>a<li>b</ul><p>c", "a\nb\n\nc"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a\nb\nc"),
        ("<pre>\n  if x:\n    y  \n</pre>", "  if x:\n    y"),
        (
            "<p>&nbsp;&nbsp;indented&nbsp;by hand<br>  folded   here",
            "  indented by hand\nfolded here",
        ),
        ("a <b>b</b><i>c</i> d<div>e</div>f", "a bc d\n\ne\n\nf"),
        ("fish &amp; chips &lt;3 &#233;&eacute;", "fish & chips <3 éé"),
        ("<p>kept<!-- not --> on</p>", "kept on"),
        ("<script>if (1<2) alert('no')</script><style>p{}</style><p>yes", "yes"),
        ("<title>head</title><body>body", "body"),
        ("<!DOCTYPE html><meta charset=utf-8><main><p>no body tag</main>", "no body tag"),
        ("", ""),
        ("   ", ""),
        ("<!-- nothing -->", ""),
        ("plain text", "plain text"),
    ],
)
def test_extract_text_shows_what_a_browser_shows(markup, text):
    assert extract_text(markup.encode(), main_content=False) == text


@pytest.mark.parametrize(
    "junk",
    [
        '<nav><a href="/">Home</a> and more</nav>',
        '<div class="site-menu">Menu</div>',
        '<div id="cookie-banner">We use cookies.</div>',
        "<footer>All rights reserved.</footer>",
        "<header>The Gazette</header>",
        '<section class="post comments"><p>First!</p></section>',
        '<ul><li><a href="/a">A story</a></li><li><a href="/b">Another story</a></li></ul>',
        '<h3>Related</h3><ul><li><a href="/a">A story</a></li></ul>',
        "<div><p>Short remark.</p></div>",
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_extract_text_leaves_boilerplate_out(junk, order):
    article = f"<div><h1>Ships</h1><p>{LONG}</p><p>Yes.</p></div>"
    page = "".join([junk, article][::order])
    assert extract_text(page.encode()) == f"Ships\n\n{LONG}\n\nYes."
    assert len(extract_text(page.encode(), main_content=False)) > len(f"Ships\n\n{LONG}\n\nYes.")


def test_extract_text_drops_a_heading_over_links_and_keeps_one_over_text():
    links = '<ul><li><a href="/a">A story</a></li></ul>'
    page = f"<div><p>{LONG}</p><h3>See also</h3>{links}<h3>At night</h3><p>{LONG}</p></div>"
    assert extract_text(page.encode()) == f"{LONG}\n\nAt night\n\n{LONG}"


def test_extract_text_keeps_the_gap_before_a_block_that_is_left_out():
    page = f"<p>{LONG}</p><ul><li><a href='/a'>A story</a></li><li>{LONG}</li></ul>"
    assert extract_text(page.encode()) == f"{LONG}\n\n{LONG}"


def test_extract_text_keeps_the_header_of_an_article():
    page = f"<article><header><h1>Ships</h1></header><p>{LONG}</p></article>"
    assert extract_text(page.encode()).startswith("Ships\n\n")


def test_extract_text_keeps_a_paragraph_with_few_links_and_all_of_a_long_one():
    page = f"<div><p>See <a href='/b'>the book</a> of {LONG}</p><p>End.</p></div>"
    assert extract_text(page.encode()) == f"See the book of {LONG}\n\nEnd."


def test_extract_text_uses_the_content_type_of_the_header():
    page = "<p>Привет, мир".encode("koi8-r")
    assert extract_text(page, content_type="text/html; charset=koi8-r") == "Привет, мир"


def test_extract_text_survives_deep_nesting():
    depth = 2000
    page = "<div>" * depth + "deep" + "</div>" * depth
    assert extract_text(page.encode()) == "deep"


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text("<>/=\"'&;!-\0 abpdivtrluh1", max_size=120)))
def test_extract_text_never_raises(data):
    data = data if isinstance(data, bytes) else data.encode()
    for main_content in (True, False):
        text = extract_text(data, main_content=main_content)
        assert "\n\n\n" not in text or b"pre" in data
        text.encode("utf-8")


def test_extract_text_survives_5000_mutated_pages():
    watch = Watch()
    for body, content_type in page_mutants(5000, seed=0):
        with watch:
            text = extract_text(body, content_type=content_type)
        text.encode("utf-8")
        if len(body) % 4 == 0:  # the second parse is half of the time of this test
            whole = extract_text(body, content_type=content_type, main_content=False)
            assert set(text.split("\n")) <= {*whole.split("\n"), ""}
    assert watch.slowest < HANG_S


def test_extract_text_reads_one_line_of_megabytes():
    line = ("The tide comes in. " * 600_000).strip()
    assert extract_text(f"<nav>Home</nav><p>{line}".encode()) == line


PARTS = st.lists(
    st.tuples(st.sampled_from(["p", "div", "b", "span", "li"]), st.text("ab <&", max_size=12)),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(PARTS)
def test_extract_text_has_the_letters_of_lxml_text_content(parts):
    escaped = (f"<{tag}>{text.replace('&', '&amp;').replace('<', '&lt;')}" for tag, text in parts)
    page = f"<html><body>{''.join(escaped)}</body></html>"
    ours = "".join(extract_text(page.encode(), main_content=False).split())
    assert ours == "".join(reference.fromstring(page).text_content().split())


def page_of(blocks: str) -> tuple[list[Block], list[range]]:
    """Blocks of one tag, length and kind each: "p100 p100 a9" is two paragraphs and a link."""
    made = [(word[0], int(word[1:])) for word in blocks.split()]
    tags = {"p": "p", "a": "li", "h": "h1", "n": "div"}
    made = [Block("x" * size, tags[kind], kind == "a", 2, kind == "n") for kind, size in made]
    return made, [range(len(made))]


def kept(blocks: str, *elements: range) -> str:
    made, whole = page_of(blocks)
    answers = zip(blocks.split(), main_blocks(made, [*elements, *whole]), strict=True)
    return " ".join(block for block, keep in answers if keep)


def test_main_blocks_takes_the_smallest_element_with_most_of_the_text():
    assert kept("p10 p50 p40 p10", range(1, 3)) == "p50 p40"
    assert kept("p20 p50 p40 p20", range(1, 3)) == "p20 p50 p40 p20"
    assert kept("p10 p40 p40 p10", range(1, 3)) == "p40 p40"  # 0.8 of it is enough


def test_main_blocks_takes_a_block_for_navigation_when_most_of_it_is_links():
    blocks = [Block("x" * 40, "p", density, 2, False) for density in (0.0, 0.5, 0.51, 0.9)]
    assert main_blocks(blocks, [range(4)]) == [True, True, False, False]


def test_main_blocks_takes_no_element_with_a_single_good_block():
    assert kept("a9 p90 p10", range(0, 2)) == "p90 p10"


def test_main_blocks_needs_less_text_around_the_only_title():
    assert kept("p40 h5 p40 p40", range(1, 3)) == "h5 p40"
    assert kept("p40 h5 p40 h40", range(1, 3)) == "p40 h5 p40 h40"
    assert kept("p40 h5 p9 p60", range(1, 3)) == "p40 h5 p9 p60"


def test_main_blocks_believes_names_unless_they_take_nearly_all_of_a_long_text():
    assert kept("n70 p30") == "p30"
    assert kept("n900 p30") == "n900 p30"
    assert kept("n300 p10") == "p10"


def test_main_blocks_gives_one_answer_a_block():
    blocks, elements = split_blocks(f"<nav>Home</nav><h1>Ships</h1><p>{LONG}".encode())
    assert main_blocks(blocks, elements) == [False, True, True]
    assert main_blocks([], []) == []


@pytest.fixture(scope="module")
def site():
    return render_town(town.pages(150, seed=3), seed=4)


def _extract(site, path):
    response = site.responses[path]
    return extract_text(response.body, content_type=response.headers["Content-Type"])


def test_extract_text_gives_back_every_story_of_the_town_exactly(site):
    labels = ("clean", "pii", "mirror", "near_copy", "foreign")
    paths = [path for path, label in site.labels.items() if label in labels]
    wrong = [path for path in paths if _extract(site, path) != site.texts[path]]
    assert len(paths) > 150
    assert wrong == []


def test_extract_text_scores_over_the_whole_town(site):
    paths = [path for path, text in site.texts.items() if text]
    scores = [token_f1(_extract(site, path), site.texts[path]) for path in paths]
    assert sum(scores) / len(scores) >= 0.97
    without = [
        token_f1(extract_text(site.responses[path].body, main_content=False), site.texts[path])
        for path in paths
    ]
    assert sum(without) < sum(scores)


def test_extract_documents_keeps_order_urls_and_gives_distinct_ids():
    urls = [f"http://town.example/{n}" for n in range(3)]
    pages = [WarcPage(url, 200, {}, f"<p>page {url}".encode()) for url in urls]
    documents = list(extract_documents(pages))
    assert [document.url for document in documents] == urls
    assert [document.text for document in documents] == [f"page {url}" for url in urls]
    assert len({document.id for document in documents}) == 3
    assert documents[0].id == hashlib.sha256(urls[0].encode()).hexdigest()[:16]
    assert documents[0].meta == {"status": 200}


@pytest.mark.parametrize(
    ("ours", "truth", "score"),
    [
        ("a b", "a b", 1.0),
        ("", "", 1.0),
        ("a", "", 0.0),
        ("a a b", "a c", 0.4),
        ("b a", "a b", 1.0),
    ],
)
def test_token_f1_counts_shared_words(ours, truth, score):
    assert token_f1(ours, truth) == pytest.approx(score)
