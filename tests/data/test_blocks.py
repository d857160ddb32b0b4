import pytest

from common.data._html import parse_html
from common.data.blocks import split_blocks
from tests.data.mutants import HANG_S, Watch
from tests.data.page_mutants import HOSTILE, page_mutants


def texts(html: str) -> list[str]:
    return [block.text for block in split_blocks(html.encode())[0]]


def hinted(html: str) -> list[str]:
    return [block.text for block in split_blocks(html.encode())[0] if block.hinted]


def test_split_blocks_measures_link_density():
    blocks, _ = split_blocks(b"<p>1234<a href=x>5678</a></p><p>90</p>")
    assert [(block.text, block.link_density) for block in blocks] == [("12345678", 0.5), ("90", 0)]


def test_split_blocks_gives_the_range_of_each_element_with_two_blocks_inner_ones_first():
    _, elements = split_blocks(b"<h1>0</h1><div><p>1<p>2<ul><li>3<li>4</ul></div><div>5</div>")
    assert [range(3, 5), range(1, 5)] == elements[:2]
    assert set(elements[2:]) == {range(0, 6)}  # <body> and <html>


def test_split_blocks_says_which_lines_and_which_paragraphs_begin():
    blocks, _ = split_blocks(b"<p>a<ul><li>b<li>c</ul>d")
    assert [(block.text, block.gap) for block in blocks] == [("a", 2), ("b", 2), ("c", 1), ("d", 2)]


@pytest.mark.parametrize(
    ("html", "boilerplate"),
    [
        ("<nav>x</nav>y", ["x"]),
        *((f"<{tag}>x</{tag}>y", ["x"]) for tag in ("aside", "footer", "button", "dialog", "menu")),
        ("<div id=comments>x</div>y", ["x"]),
        ("<article>a</article><header>x</header>y", ["x"]),
        ("<main>a</main><header>x</header>y", ["x"]),
        ("<div class='a-SideBar'>x</div>y", []),  # side, bar: two words
        ("<div class='a sidebar__b'>x<p>z</div>y", ["x", "z"]),
        ("<div class='siteHeader'>x</div>y", ["x"]),
        ("<div class='post-header'><h1>x</h1></div>y", []),
        ("<div class='post sidebar'>x</div>y", ["x"]),
        ("<div class='threadbare'>x</div>y", []),
        ("<div role=navigation>x</div>y", ["x"]),
        ("<div hidden>x</div>y", ["x"]),
        ("<body class='with-sidebar'>x", []),
        ("<article><header>x</header>y<footer>z</footer></article>", ["z"]),
        ("<header>x</header><main>y<header>z</header></main>", ["x"]),
    ],
)
def test_split_blocks_reads_the_names_of_elements(html, boilerplate):
    assert hinted(html) == boilerplate


@pytest.mark.parametrize("tag", ["div", "b", "font", "table", "ul", "blockquote"])
@pytest.mark.parametrize("depth", [255, 300, 3000, 10_000])
def test_split_blocks_loses_nothing_to_nesting(tag, depth):
    page = f"<p>above</p>{f'<{tag} class=c>' * depth}deep{f'</{tag}>' * depth}<p>below</p>"
    assert texts(page) == ["above", "deep", "below"]


def test_split_blocks_keeps_names_where_only_formatting_nests_deep():
    page = "<p>word <font>" * 500 + "<nav>menu</nav>"
    assert texts(page) == ["word"] * 500 + ["menu"]
    assert hinted(page) == ["menu"]


def test_split_blocks_of_a_page_that_nests_deep_knows_tags_in_capitals_and_links():
    page = "<P>word <FONT>" * 500 + "<NAV>menu</NAV>"
    assert texts(page) == ["word"] * 500 + ["menu"]
    assert hinted(page) == ["menu"]
    blocks, _ = split_blocks(b"<div>" * 3000 + b"<p><a href=x>home</a><p>See <a href=x>her")
    assert [(block.text, block.link_density) for block in blocks] == [
        ("home", 1.0),
        ("See her", 3 / 7),
    ]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>a<textarea>b</textarea><select><option>c</select>d", ["ad"]),
        ("<p>a<svg><text>b</text></svg><iframe>c</iframe><template>d</template>", ["a"]),
        ("<table><caption>a</caption><tr><td>b", ["a", "b"]),
        ("<figure>a<figcaption>b</figcaption></figure>", ["a", "b"]),
        ("<details><summary>a</summary>b</details>", ["a", "b"]),
        ("<datalist><option>a</option><option>b</option></datalist>", ["a", "b"]),
        ("<h5>a</h5><h6>b</h6>c", ["a", "b", "c"]),
    ],
)
def test_split_blocks_begins_a_block_where_a_browser_begins_a_line(html, expected):
    assert texts(html) == expected


def test_split_blocks_reads_no_script_of_a_page_that_nests_deep():
    page = "<div>" * 300 + "<script>if (a<b) '</p>'</script>text<style>p {}</style><p>end"
    assert texts(page) == ["text", "end"]


@pytest.mark.parametrize("value", ["", "=1", "='1'", '="1"', "=b'", "='<>'"])
def test_split_blocks_loses_nothing_to_many_attributes(value):
    attributes = " ".join(f"a{n}{value}" for n in range(20_000))
    assert texts(f"<p>above<p {attributes}>here<p>below") == ["above", "here", "below"]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a\r\n b\fc\td", "a b c d"),
        ("<pre>a\r\n b\r\n</pre>", "a\n b"),
        ("<pre>a\rb</pre>", "a\nb"),
        ("<p>a<br>b<BR>c<br/>d<br />e", "a\nb\nc\nd\ne"),
        ("<p> <br> a <br><br> b <br> ", "a\n\nb"),
        ("<pre>a<br>b</pre>", "a\nb"),
        ("<pre>  <b>a</b>\n\n  <i>b</i> </pre>", "  a\n\n  b"),
        ("<p>&nbsp; a&nbsp;<br>&nbsp;b", "  a\n b"),
        ("<p>a\0b&#0;c", "ab\ufffdc"),
        ("<pre><br> a</pre>", " a"),
        ("<p>\u3000a", "\u3000a"),
    ],
)
def test_split_blocks_folds_white_space(html, text):
    assert texts(html) == [text]


def test_split_blocks_keeps_preformatted_blocks_in_their_places():
    page = "<p> a <br> b <pre>  c\n   d</pre><p>&nbsp;<pre>\n<br></pre><p>e<pre> f <b>g</b></pre>"
    page += "<BR><pre>&nbsp;</pre><BR><p>h"
    assert texts(page) == ["a\nb", "  c\n   d", "e", " f g", "h"]


def test_split_blocks_survives_mutated_pages():
    watch = Watch()
    for body, content_type in page_mutants(500, seed=1):
        with watch:
            blocks, elements = split_blocks(body, content_type=content_type)
        assert all(block.text and 0 <= block.link_density <= 1 for block in blocks)
        assert all(0 <= e.start < e.stop - 1 < len(blocks) for e in elements)
    assert watch.slowest < HANG_S


@pytest.mark.parametrize("name", HOSTILE)
def test_split_blocks_does_not_hang_on_a_hostile_page(name):
    watch = Watch()
    with watch:
        split_blocks(HOSTILE[name])
    assert watch.slowest < HANG_S


@pytest.mark.parametrize("page", [b"", b" \n", b"<!-- a -->", b"\xef\xbb\xbf", b"\0"])
def test_parse_html_gives_none_for_a_page_of_nothing(page):
    assert parse_html(page, content_type=None) is None
