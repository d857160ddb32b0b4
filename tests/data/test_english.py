"""Cutting tokens into words and marks, beside spaCy's tokenizer of English."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data._english import cut
from tests.benchmarks.documents import real_documents


@pytest.mark.parametrize(
    ("token", "pieces"),
    [
        ("word", "word"),
        ("word,", "word ,"),
        ("(don't!)", "( do n't ! )"),
        ("DON'T", "DON'T"),  # contractions are known in small letters and with one capital
        ("Mill's", "Mill 's"),
        ("cannot", "can not"),
        ("they’ll", "they ’ll"),
        ("e.g.,", "e.g. ,"),
        ("Mr.", "Mr."),
        ("end.", "end ."),
        ("U.S.", "U.S."),
        ("NATO.", "NATO ."),
        ("wait...", "wait ..."),
        ("...and", "... and"),
        ("so…on", "so … on"),
        ("well-known", "well - known"),
        ("1990-2000", "1990 - 2000"),
        ("covid-19", "covid-19"),
        ("and/or", "and/or"),
        ("his/her", "his / her"),
        ("end.Next", "end . Next"),
        ("os.path", "os.path"),
        ("https://a.example.org/x?y=1#z", "https://a.example.org/x?y=1#z"),
        ("me@example.org,", "me@example.org ,"),
        ("127.0.0.1", "127.0.0.1"),
        ("$10", "$ 10"),
        ("10km", "10 km"),
        ("9am", "9 am"),
        ("50%", "50 %"),
        ("a,b", "a , b"),
        ("1,000", "1,000"),
        ('"Yes,"', '" Yes , "'),
        ("f(x):", "f(x ):"),  # a face by accident, and spaCy's way too
        ("→", "→"),
        ("x™", "x ™"),
        ("©2020", "© 2020"),
        ("★★well", "★ ★ well"),
        ("dont,", "do nt ,"),
        ("x+", "x+"),
        ("b$", "b$"),
        ("5+", "5 +"),
        ("+10", "+10"),
        ("US$10", "US$ 10"),
        (".net", ".net"),
        ("15mbar", "15 mbar"),
        ("90km/h", "90 km/h"),
        ("(e.g.", "( e.g."),
        ("(U.S.", "( U.S."),
        ("$Messrs.", "$ Messrs."),
        ('end.)"', 'end . ) "'),
        ("x-and/or", "x - and/or"),
        ("NATO'S", "NATO 'S"),
        ("owl’s", "owl ’s"),
        ("end:o)", "end :o)"),
        (":)-", ":) -"),
        ("#>", "# >"),
        ("'cause.*", "'cause . *"),
        (":-(((;", ":-((( ;"),
        ("well-known.example.org", "well-known.example.org"),
        ("8.8.4.4/a-b", "8.8.4.4/a-b"),
        ("127.0.0.1/a-b", "127.0.0.1 / a - b"),
        ("http://a.org?a-b=c-d", "http://a.org?a-b=c-d"),
        ("http://a.example/" + "a-" * 1000, "http://a.example/" + "a-" * 1000),
    ],
)
def test_cut_by_hand(token, pieces):
    assert cut(token) == tuple(pieces.split())


@given(st.text(min_size=1, max_size=40).filter(lambda text: not any(map(str.isspace, text))))
def test_cut_loses_nothing(token):
    assert "".join(cut(token)) == token
    assert all(cut(token))


@given(st.text(alphabet="ab9.'’-(:)…,@/$%A😀", min_size=1, max_size=12))
def test_cut_loses_nothing_of_marks(token):
    assert "".join(cut(token)) == token


@pytest.fixture(scope="session")
def spacy_words():
    tokenizer = pytest.importorskip("spacy").blank("en").tokenizer
    return lambda text: [token.text for token in tokenizer(text)]


def test_cut_equals_spacy_on_real_tokens(spacy_words):
    tokens = " ".join(real_documents(120)).split()
    different = {token for token in set(tokens) if list(cut(token)) != spacy_words(token)}
    share = sum(token in different for token in tokens) / len(tokens)
    assert len(tokens) > 20_000
    assert share < 0.002, sorted(different)[:20]


def test_cut_equals_spacy_on_random_marks(spacy_words):
    dice = random.Random(0)
    tokens = [
        "".join(dice.choices("ab9.'-(:)…,@/$%A&_", k=dice.randint(1, 8))) for _ in range(4000)
    ]
    different = [token for token in tokens if list(cut(token)) != spacy_words(token)]
    assert len(different) < 0.03 * len(tokens), different[:20]


@pytest.mark.parametrize(
    "token",
    [
        "http://x.example/" + "a" * 10**6,
        "http://" + "a." * 10**6,
        "a@" * 10**6,
        "a" * 10**6 + ".",
        "." * 10**6 + "x",
        "(" * 10**6,
        "'" * 10**6,
        "-" * 10**6 + "a",
        "a-" * 10**6,
        "1.1." * 10**6,
        "é" * 10**6,
        "漢。" * 10**6,
        "\u0301" * 10**6,
        "😀" * 10**6,
        ":)" * 10**6,
    ],
)
def test_cut_ends_on_hostile_tokens(token):
    assert sum(map(len, cut(token))) == len(token)
    for size in (999, 1_000, 1_001):  # just below and above the limit for care
        assert sum(map(len, cut(token[:size]))) == size
