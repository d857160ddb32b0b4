"""The encoder: by hand, against an oracle, tiktoken and Hugging Face; special tokens, streams."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from common.tokenizer.encode import BPETokenizer
from common.tokenizer.patterns import GPT2_PATTERN, GPT4_PATTERN
from common.tokenizer.special import CHAT_SPECIAL_TOKENS
from common.tokenizer.storage import visible
from tests.tokenizer.oracle import encode_slow
from tests.tokenizer.samples import SPECIALS, TEXTS, chunked, random_texts, texts, tokenizer

BOTH = pytest.mark.parametrize("pattern", [GPT2_PATTERN, GPT4_PATTERN])
BYTES = {i: bytes([i]) for i in range(256)}
# "a b", "b c" and "ab c" exist, but no "a bc": what is merged first decides
MERGES = [(b"b", b"c"), (b"a", b"b"), (b"ab", b"c"), (b"a", b"a")]
VOCAB = BYTES | {256 + i: left + right for i, (left, right) in enumerate(MERGES)}


def huggingface(ours: BPETokenizer) -> Tokenizer:
    vocab = {visible(token): i for i, token in ours.vocab.items() if i < 256 + len(ours.merges)}
    merges = [(visible(left), visible(right)) for left, right in ours.merges]
    theirs = Tokenizer(models.BPE(vocab, merges))
    split = pre_tokenizers.Split(Regex(ours.pattern), behavior="isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    theirs.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    return theirs


def test_encode_merges_by_rank_not_by_length():
    ours = BPETokenizer(VOCAB, MERGES)
    assert ours.encode("abc") == [97, 256], "b+c was learned before a+b, so 'abc' is never reached"
    assert ours.encode("ab") == [257]
    assert ours.encode("aaab") == [259, 257]
    assert ours.encode("aaa") == [259, 97], "equal pairs are merged from the left"
    assert ours.encode("") == []


def test_encode_forgets_a_pair_whose_second_half_was_merged_away():
    merges = [(b"b", b"c"), (b"a", b"b"), (b"a", b"bc")]
    ours = BPETokenizer(BYTES | {256: b"bc", 257: b"ab", 258: b"abc"}, merges)
    assert ours.encode("abc") == [258]


@BOTH
@settings(max_examples=40, deadline=None)
@given(texts(SPECIALS))
def test_encode_equals_the_oracle(pattern, text):
    ours = tokenizer(pattern)
    assert ours.encode(text) == encode_slow(text, ours.vocab, ours.merges, SPECIALS, pattern)


@BOTH
def test_encode_ordinary_equals_tiktoken_and_hugging_face(pattern):
    ours = tokenizer(pattern)
    theirs, also_theirs = ours.to_tiktoken(), huggingface(ours)
    for text in random_texts(5000, seed=1, specials=SPECIALS):
        ids = ours.encode_ordinary(text)
        assert ids == theirs.encode_ordinary(text), repr(text)
        assert ids == also_theirs.encode(text, add_special_tokens=False).ids, repr(text)


def test_to_tiktoken_gives_the_same_ids_with_special_tokens():
    trained = tokenizer()
    vocab = {i: t for i, t in trained.vocab.items() if i < 256 + len(trained.merges)}
    ours = BPETokenizer(vocab, trained.merges, CHAT_SPECIAL_TOKENS)
    theirs = ours.to_tiktoken("ours")
    some = {"<|end|>", "<|user|>"}
    for text in random_texts(2000, seed=2, specials=CHAT_SPECIAL_TOKENS):
        assert ours.encode(text) == theirs.encode(text, allowed_special="all"), repr(text)
        expected = theirs.encode(text, allowed_special=some, disallowed_special=())
        assert ours.encode(text, allowed_special=some) == expected, repr(text)
    assert theirs.n_vocab == ours.vocab_size


@BOTH
@settings(max_examples=50, deadline=None)
@given(texts(SPECIALS))
def test_decode_undoes_encode(pattern, text):
    assert tokenizer(pattern).decode(tokenizer(pattern).encode(text)) == text


@settings(max_examples=40)
@given(st.lists(st.integers(0, 419), max_size=20))
def test_decode_of_any_ids_is_text(ids):
    ours = tokenizer()
    assert ours.decode(ids) == ours.decode_bytes(ids).decode("utf-8", errors="replace")


def test_decode_marks_malformed_bytes():
    assert tokenizer().decode([0xE2, 0x82]) == "\ufffd"
    assert tokenizer().decode_bytes([0xE2, 0x82]) == b"\xe2\x82"


def test_encode_of_a_long_piece_equals_tiktoken():
    ours = tokenizer()
    text = "".join("etaoinabab"[i * i % 97 % 10] for i in range(30_000))
    assert ours.encode(text) == ours.to_tiktoken().encode_ordinary(text)


def test_encode_batch_is_encode_of_each():
    ours = tokenizer()
    assert ours.encode_batch(TEXTS) == [ours.encode(text) for text in TEXTS]
    typed = ["<s>", "a<|end|>"]
    assert ours.encode_batch(typed, allowed_special=()) == [ours.encode_ordinary(t) for t in typed]


def test_encode_remembers_only_a_bounded_number_of_pieces(monkeypatch):
    monkeypatch.setattr("common.tokenizer.encode._MAX_REMEMBERED", 2)
    ours = BPETokenizer(VOCAB, MERGES)
    ids = [ours.encode("ab abc aab aaab bab") for _ in range(2)]
    assert len(ours._piece_ids) == 2
    assert ids[0] == ids[1] == encode_slow("ab abc aab aaab bab", VOCAB, MERGES, [], GPT2_PATTERN)


def test_vocab_may_number_the_bytes_in_another_order():
    swapped = {i ^ 0x55: bytes([i]) for i in range(256)} | {256: b"bc", 257: b"abc"}
    ours = BPETokenizer(swapped, [(b"b", b"c"), (b"a", b"bc")])
    assert ours.encode("abca!") == [257, 97 ^ 0x55, 33 ^ 0x55]
    assert ours.to_tiktoken().encode_ordinary("abca!") == ours.encode("abca!")
    assert ours.decode(ours.encode("abca!")) == "abca!"


# Special tokens


def test_special_tokens_take_their_ids_from_vocab_or_come_last():
    ours = BPETokenizer(VOCAB | {260: b"<a>"}, MERGES, ["<b>", "<a>"])
    assert ours.special_tokens == {"<b>": 261, "<a>": 260}
    assert ours.vocab_size == 262
    assert ours.special_id("<b>") == 261
    assert ours.encode("ab<a><b>") == [257, 260, 261]


def test_special_token_spelled_like_a_merged_token_gets_its_own_id():
    ours = BPETokenizer(VOCAB, MERGES, ["ab"])
    assert ours.special_tokens == {"ab": 260}
    assert ours.encode("ab") == [260]
    assert ours.encode("ab", allowed_special=()) == [257]
    again = BPETokenizer(ours.vocab, MERGES, ["ab"])
    assert again.special_tokens == {"ab": 260}
    assert again.encode("aab", allowed_special=()) == ours.encode("aab", allowed_special=())


def test_encode_takes_the_longest_of_overlapping_special_tokens():
    ours = tokenizer()
    assert ours.encode("<|end|><|user|>") == [ours.special_id("<|end|><|user|>")]
    assert ours.encode("<|end|> <|user|>") == [
        ours.special_id("<|end|>"), 32, ours.special_id("<|user|>")
    ]  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(texts(SPECIALS))
def test_typed_text_never_becomes_a_control_token(text):
    ours = tokenizer()
    ids = ours.encode(text, allowed_special=())
    assert not set(ids) & set(ours.special_tokens.values())
    assert ids == ours.encode_ordinary(text)
    assert ours.decode(ids) == text


def test_encode_allows_only_what_is_named():
    ours = tokenizer()
    ids = ours.encode("<s><|end|>", allowed_special={"<s>"})
    assert ids == [ours.special_id("<s>"), *ours.encode_ordinary("<|end|>")]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a<|end|>", {"allowed_special": (), "disallowed_special": "all"}, "'<|end|>'"),
        ("a<s>", {"disallowed_special": ["<s>"]}, "'<s>'"),
        ("<s>", {"allowed_special": {"<|end|>"}, "disallowed_special": "all"}, "'<s>'"),
    ],
)
def test_encode_refuses_disallowed_special_tokens(text, options, message):
    expected = f"disallowed special token {message}".replace("|", r"\|")
    with pytest.raises(ValueError, match=expected):
        tokenizer().encode(text, **options)
    with pytest.raises(ValueError, match=expected):
        list(tokenizer().encode_iterable(text, **options))


@pytest.mark.parametrize("options", [{"allowed_special": "<s>"}, {"disallowed_special": "<s>"}])
def test_encode_refuses_one_string_of_special_tokens(options):
    with pytest.raises(ValueError, match='give "all" or a collection of special tokens, not'):
        tokenizer().encode("text", **options)


def test_special_id_refuses_an_unknown_name():
    with pytest.raises(ValueError, match="'<x>' is no special token; there are"):
        tokenizer().encode("text", allowed_special=["<x>"])


# Streams


@BOTH
@settings(max_examples=50, deadline=None)
@given(chunked(SPECIALS), st.sampled_from(["all", (), ("<s>",)]))
def test_encode_iterable_equals_encode_of_the_whole(pattern, chunks, allowed):
    ours = tokenizer(pattern)
    streamed = list(ours.encode_iterable(chunks, allowed_special=allowed))
    assert streamed == ours.encode("".join(chunks), allowed_special=allowed)


@pytest.mark.parametrize("token", SPECIALS)
def test_encode_iterable_keeps_typed_special_tokens_text_wherever_they_are_cut(token):
    ours = tokenizer()
    for cut in range(1, len(token)):
        ids = list(ours.encode_iterable([token[:cut], token[cut:]], allowed_special=()))
        assert ids == ours.encode_ordinary(token)
        assert list(ours.encode_iterable([token[:cut], token[cut:]])) == [ours.special_id(token)]


def test_encode_iterable_is_lazy():
    taken = []
    endless = (taken.append(i) or f"line {i}\n" for i in itertools.count())
    ids = tokenizer().encode_iterable(endless)
    assert taken == []
    assert len(list(itertools.islice(ids, 50))) == 50
    assert len(taken) < 30


# Files


@BOTH
def test_load_gives_back_what_save_wrote(tmp_path, pattern):
    ours = tokenizer(pattern)
    ours.save(tmp_path / "tokenizer.json")
    loaded = BPETokenizer.load(tmp_path / "tokenizer.json")
    assert loaded.vocab == ours.vocab
    assert loaded.merges == ours.merges
    assert loaded.special_tokens == ours.special_tokens
    assert loaded.pattern == pattern
    assert loaded.encode("".join(TEXTS) + "<s>") == ours.encode("".join(TEXTS) + "<s>")


def test_load_refuses_half_a_file(tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer().save(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="tokenizer.json is damaged or cut off"):
        BPETokenizer.load(path)


# Bad input


@pytest.mark.parametrize("bad_id", [420, -1, 10**9])
def test_decode_refuses_unknown_ids(bad_id):
    with pytest.raises(ValueError, match=f"id {bad_id} is unknown: .* ids 0 to 419"):
        tokenizer().decode([65, bad_id])


def test_encode_refuses_a_lone_surrogate():
    with pytest.raises(ValueError, match=r"character 2 is the lone surrogate '\\ud800'"):
        tokenizer().encode("ab\ud800")


@pytest.mark.parametrize(
    ("vocab", "merges", "message"),
    [
        ({i: bytes([i]) for i in range(255)}, [], r"b'\\xff' is missing"),
        (VOCAB, [(b"ab", b"c")], "uses a token that no merge before it makes"),
        (VOCAB, [(b"x", b"y")], "makes b'xy', which vocab does not hold"),
        (VOCAB, [*MERGES, (b"a", b"bc"), (b"a", b"bc")], "makes b'abc' a second time"),
    ],
)
def test_tokenizer_refuses_vocab_and_merges_that_disagree(vocab, merges, message):
    with pytest.raises(ValueError, match=message):
        BPETokenizer(vocab, merges)


def test_to_tiktoken_refuses_merges_that_it_would_read_differently():
    swapped = VOCAB | {256: VOCAB[257], 257: VOCAB[256]}
    with pytest.raises(ValueError, match="tiktoken merges by id"):
        BPETokenizer(swapped, MERGES).to_tiktoken()
    with pytest.raises(ValueError, match="tiktoken makes b'abc' one token, but these merges never"):
        BPETokenizer(VOCAB, MERGES).to_tiktoken()
