"""The writers of mess: varied, deterministic, and nothing of one town stands in the other."""

import re
from random import Random

import pytest

from common.data._mess import Parts
from common.data._mess.grammar import Grammar, Languages
from common.data.pii import mask_emails, mask_ips, mask_phone_numbers
from common.data.quality import gopher_repetition_filter, split_words
from common.data.site import KEPT, TUNING

TOWNS = {"tuning": TUNING, "kept": KEPT}
GRAMMARS = [
    (getattr(TUNING, name), getattr(KEPT, name))
    for name in ("adverts", "abuse", "legal", "harmless_lines", "personal_lines")
]


def shingles(text, n=3):
    pieces = split_words(text).words
    return {tuple(pieces[i : i + n]) for i in range(len(pieces) - n + 1)}


def class_names(mess):
    dice = Random(0)
    menu = [("/", "Home")]
    pages = [mess.page(dice, Parts("T", "<p>x</p>", menu, menu, ["y"])) for _ in range(60)]
    return set(re.findall(r'(?:class|id)="?([\w-]+)', " ".join(pages)))


@pytest.mark.parametrize("town", TOWNS)
@pytest.mark.parametrize("label", ["spam", "toxic"])
def test_spam_and_toxic_pages_are_too_varied_for_repetition_rules(town, label):
    writer = getattr(TOWNS[town], label)
    texts = [writer(Random(seed)) for seed in range(40)]
    passed = sum(gopher_repetition_filter(text).keep for text in texts)
    assert passed >= 38
    shared = [len(shingles(a, 8) & shingles(b, 8)) for a, b in zip(texts, texts[1:], strict=False)]
    assert max(shared) < 0.35 * min(map(len, map(shingles, texts)))


@pytest.mark.parametrize("town", TOWNS)
def test_writers_give_the_same_text_for_the_same_dice(town):
    mess = TOWNS[town]
    for writer in (mess.spam, mess.toxic, mess.foreign, mess.gibberish, mess.boilerplate):
        assert writer(Random(7)) == writer(Random(7))
    assert mess.personal(Random(7)) == mess.personal(Random(7))


@pytest.mark.parametrize(("tuning", "kept"), GRAMMARS)
def test_kept_has_no_sentence_of_tuning(tuning, kept):
    assert not set(tuning.sentences) & set(kept.sentences)


def test_kept_has_other_trades_insults_languages_and_class_names():
    assert not TUNING.trades.keys() & KEPT.trades.keys()
    assert not set(TUNING.abuse.slots["insult"]) & set(KEPT.abuse.slots["insult"])
    tuning, kept = TUNING.languages.tables, KEPT.languages.tables
    assert not tuning.keys() & kept.keys()
    assert len(tuning) >= 14 and len(kept) >= 14
    assert not class_names(TUNING) & class_names(KEPT)


@pytest.mark.parametrize("town", TOWNS)
def test_personal_line_holds_its_string_once(town):
    kinds = set()
    for seed in range(300):
        line, secret = TOWNS[town].personal(Random(seed))
        assert line.count(secret) == 1
        assert not re.search(r"[<>{}]", line)
        kinds.add("@" in secret or (":" in secret and "ip6") or (secret.count(".") == 3 and "ip"))
    assert kinds == {True, "ip6", "ip", False}


@pytest.mark.parametrize("town", TOWNS)
def test_harmless_paragraphs_hold_nothing_to_mask(town):
    for seed in range(300):
        text = TOWNS[town].harmless(Random(seed))
        for mask in (mask_emails, mask_phone_numbers, mask_ips):
            assert mask(text) == (text, 0)


@pytest.mark.parametrize("town", TOWNS)
def test_near_copy_changes_a_little_of_every_page(town):
    letters = "abcdefghij"
    page = tuple(" ".join(a + b for a in letters[:6] for b in letters) for _ in range(7))
    for seed in range(30):
        copy = TOWNS[town].near_copy(Random(seed), page)
        assert copy != page
        changed = sum(a != b for a, b in zip(copy[-7:], page, strict=True))
        same = len(set(" ".join(copy).split()) & set(" ".join(page).split()))
        assert changed >= 1 and same >= 25


def test_grammar_fills_slots_in_slots_and_minds_its_articles():
    grammar = Grammar("she saw a {what}.", {"what": "{colour} owl", "colour": "orange"})
    assert grammar.sentence(Random(0)) == "She saw an orange owl."


def test_grammar_deals_every_sentence_before_one_comes_twice():
    grammar = Grammar("|".join(f"s{n}." for n in range(12)), {})
    found = grammar.page(Random(0)).split()
    assert len(set(found[:12])) == 12


def test_grammar_bound_slots_go_first():
    grammar = Grammar("{what}!", {"what": "no"})
    assert grammar.sentence(Random(0), {"what": ("yes",)}) == "Yes!"


def test_languages_join_and_end_sentences_as_the_language_does():
    spaced = Languages("xx / am / {v} {o} {p} / b / c / d / ؟")
    assert spaced.page(Random(0)).startswith("Am b c d؟ Am b c d؟")
    tight = Languages("yy / 早 / {v}{o}{p} / 看 / 鸟 / 里 / 。")
    assert tight.page(Random(0)).startswith("早看鸟里。早看鸟里。")


@pytest.mark.parametrize("town", TOWNS)
def test_hide_keeps_every_own_paragraph_in_order_and_at_least_half_of_the_page(town):
    own = tuple(f"own {n} " + "x " * 40 for n in range(5))
    stolen = tuple(f"stolen {n} " + "y " * 40 for n in range(9))
    for seed in range(20):
        page = TOWNS[town].hide(Random(seed), own, stolen)
        assert [paragraph for paragraph in page if paragraph in own] == list(own)
        theirs = [paragraph for paragraph in page if paragraph not in own]
        assert 1 <= len(theirs) <= len(own)
        assert set(theirs) <= set(stolen)


@pytest.mark.parametrize("town", TOWNS)
def test_spin_keeps_the_words_and_loses_their_order(town):
    text = (" ".join(f"w{n}" for n in range(40)), " ".join(f"v{n}" for n in range(30)))
    spun = TOWNS[town].spin(Random(0), text)
    for before, after in zip(text, spun, strict=True):
        assert sorted(before.split()) == sorted(after.split())
        assert len(shingles(before) & shingles(after)) <= 1
