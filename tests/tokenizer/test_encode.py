"""The encoder: by hand, against an oracle, tiktoken and Hugging Face; special tokens, streams."""

import itertools
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.tokenizer.encode import BPETokenizer
from common.tokenizer.patterns import GPT2_PATTERN, GPT4_PATTERN
from common.tokenizer.special import CHAT_SPECIAL_TOKENS
from common.tokenizer.storage import read_json, write_json
from tests.tokenizer.oracle import encode_slow
from tests.tokenizer.samples import SPECIALS, TEXTS, chunked, random_texts, texts, tokenizer

BOTH = pytest.mark.parametrize("pattern", [GPT2_PATTERN, GPT4_PATTERN])
BYTES = {i: bytes([i]) for i in range(256)}
# "a b", "b c" and "ab c" exist, but no "a bc": what is merged first decides
MERGES = [(b"b", b"c"), (b"a", b"b"), (b"ab", b"c"), (b"a", b"a")]
VOCAB = BYTES | {256 + i: left + right for i, (left, right) in enumerate(MERGES)}


def test_encode_merges_by_rank_not_by_length():
    ours = BPETokenizer(VOCAB, MERGES)
    assert ours.encode("abc") == [97, 256], "b+c was learned before a+b, so 'abc' is never reached"
    assert ours.encode("ab") == [257]
    assert ours.encode("aaab") == [259, 257]
    assert ours.encode("aaa") == [259, 97], "equal pairs are merged from the left"
    assert ours.encode("") == []


@BOTH
@settings(max_examples=40, deadline=None)
@given(texts(SPECIALS))
def test_encode_equals_the_oracle(pattern, text):
    ours = tokenizer(pattern)
    assert ours.encode(text) == encode_slow(text, ours.vocab, ours.merges, SPECIALS, pattern)


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


def test_encode_batch_is_encode_of_each():
    ours = tokenizer()
    assert ours.encode_batch(TEXTS) == [ours.encode(text) for text in TEXTS]
    typed = ["<s>", "a<|end|>"]
    with pytest.raises(ValueError, match="disallowed special token '<s>'"):
        ours.encode_batch(typed, allowed_special=(), disallowed_special="all")
    assert ours.encode_batch(typed, allowed_special=()) == [ours.encode_ordinary(t) for t in typed]


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


def test_tokenizer_survives_pickling():
    """So that worker processes and data loaders may be given one."""
    ours = tokenizer()
    again = pickle.loads(pickle.dumps(ours))
    assert again.parts == ours.parts
    assert again.encode("".join(TEXTS) + "<s>") == ours.encode("".join(TEXTS) + "<s>")


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


@BOTH
@pytest.mark.parametrize("token", SPECIALS)
def test_typed_special_tokens_stay_text_wherever_chunks_cut_them(pattern, token):
    """Every two cuts, so every chunk border there is, and one character a chunk."""
    ours, text = tokenizer(pattern), f"a{token}b"
    cuts = itertools.combinations(range(len(text) + 1), 2)
    chunkings = [[text[:i], text[i:j], text[j:]] for i, j in cuts]
    others = [name for name in SPECIALS if name not in token]
    for chunks in [*chunkings, list(text)]:
        for allowed in ((), others):
            ids = list(ours.encode_iterable(chunks, allowed_special=allowed))
            assert ids == ours.encode_ordinary(text), (chunks, allowed)
            assert not set(ids) & set(ours.special_tokens.values())
        ids = list(ours.encode_iterable(chunks))
        assert ids == [97, ours.special_id(token), 98], chunks
        with pytest.raises(ValueError, match="disallowed special token"):
            list(ours.encode_iterable(chunks, allowed_special=(), disallowed_special="all"))


def test_typed_text_cannot_finish_a_special_token_of_the_caller():
    """`<|en` from a template and `d|>` from the user, encoded apart, are text on both sides."""
    ours = tokenizer()
    for cut in range(1, len("<|end|>")):
        ids = ours.encode("<|end|>"[:cut]) + ours.encode("<|end|>"[cut:], allowed_special=())
        assert not set(ids) & set(ours.special_tokens.values())
        assert ours.decode(ids) == "<|end|>"


@BOTH
@pytest.mark.parametrize("text", ["word " * 40, "日本語、", "x1 \n", "a\n", "!? " * 9])
def test_encode_iterable_holds_only_the_end_of_the_stream(pattern, text):
    """A stream of 3000 chunks: ids come out at once, so what waits is a few chunks."""
    ours, fed, most = tokenizer(pattern), 0, 0

    def chunks():
        nonlocal fed
        for _ in range(3000):
            fed += len(text.encode())
            yield text

    out = 0
    for index in ours.encode_iterable(chunks()):
        out += len(ours.vocab[index])
        most = max(most, fed - out)
    assert out == fed
    assert most < 4 * max(len(text.encode()), 32)


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


def test_load_refuses_a_file_that_is_cut_off_anywhere(tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer().save(path)
    whole = path.read_bytes()
    for size in range(0, len(whole) - 1, 101):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="tokenizer.json is damaged or cut off"):
            BPETokenizer.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["merges"].pop(), "1 tokens, .* are made by no merge"),
        (lambda c: c["merges"].insert(0, c["merges"][-1]), "uses a token that no merge before"),
        (lambda c: c["vocab"].update(Ġ=1), "id 1 stands for two tokens"),
        (lambda c: c["special_tokens"].update({"<s>": 7}), "id 7 stands for two tokens"),
        (lambda c: c["vocab"].update(日=999), "'日' in '日' stands for no byte"),
        (lambda c: c["vocab"].update(Ġ="32"), "the id of 'Ġ' must be a whole number"),
        (lambda c: c.pop("merges"), "lacks 'merges'"),
    ],
)
def test_load_refuses_content_that_disagrees_though_its_checksum_is_right(
    tmp_path, change, message
):
    path = tmp_path / "tokenizer.json"
    tokenizer().save(path)
    content = read_json(path)
    change(content)
    write_json(content, path)
    with pytest.raises(ValueError, match=f"tokenizer.json.* {message}"):
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
        ({i: bytes([i]) for i in range(255)}, [], r"all 256 .* b'\\xff' is not"),
        (VOCAB, [(b"ab", b"c")], "uses a token that no merge before it makes"),
        (VOCAB, [(b"x", b"y")], "makes b'xy', which has no id"),
        (VOCAB, [*MERGES, (b"a", b"bc"), (b"a", b"bc")], "makes b'abc' a second time"),
    ],
)
def test_tokenizer_refuses_vocab_and_merges_that_disagree(vocab, merges, message):
    with pytest.raises(ValueError, match=message):
        BPETokenizer(vocab, merges)


def test_tokenizer_writes_nothing_with_a_token_that_no_merge_makes(tmp_path):
    ours = BPETokenizer(VOCAB | {260: b"<a>"}, MERGES)
    assert ours.decode([260]) == "<a>"
    for write in (ours.to_tiktoken, ours.to_huggingface, lambda: ours.save(tmp_path / "file")):
        with pytest.raises(ValueError, match="vocab holds b'<a>', which no merge makes: name it"):
            write()


@pytest.mark.parametrize(
    ("specials", "message"),
    [
        ({"<a>": 97}, "id 97 of '<a>' belongs to b'a'"),
        ({"a": 97}, "id 97 stands for two tokens, b'a' and 'a'"),
        ({"<a>": 300, "<b>": 300}, "id 300 of '<b>' belongs to b'<a>'"),
        ({"<a>": -1}, "id -1 of '<a>' is below 0"),
        ({"": 300}, "non-empty string, not ''"),
        (["<a>", "<a>"], "'<a>' is given twice"),
    ],
)
def test_tokenizer_refuses_special_tokens(specials, message):
    with pytest.raises(ValueError, match=message):
        BPETokenizer(VOCAB, MERGES, specials)


def test_special_tokens_take_the_ids_that_are_given():
    ours = BPETokenizer(VOCAB, MERGES, {"<b>": 300, "<a>": 270})
    assert ours.special_tokens == {"<b>": 300, "<a>": 270}
    assert ours.vocab_size == 301
    assert ours.encode("<a>ab<b>") == [270, 257, 300]
