"""Hugging Face's tokenizer.json: theirs read by us, ours read by them, and what is refused."""

import json
import sys
from pathlib import Path

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from common.tokenizer.encode import BPETokenizer
from common.tokenizer.huggingface import read_huggingface, write_huggingface
from common.tokenizer.patterns import GPT2_PATTERN, GPT4_PATTERN
from common.tokenizer.storage import visible
from tests.tokenizer.samples import PLAIN_SPECIALS, SPECIALS, TEXTS, random_texts, tokenizer

BOTH = pytest.mark.parametrize("pattern", [GPT2_PATTERN, GPT4_PATTERN], ids=["GPT-2", "GPT-4"])


@pytest.fixture
def path(tmp_path) -> Path:
    write_huggingface(tokenizer(GPT4_PATTERN, tuple(SPECIALS)).parts, tmp_path / "tokenizer.json")
    return tmp_path / "tokenizer.json"


def assert_same(ours: BPETokenizer, theirs: Tokenizer, specials: list[str]) -> None:
    for text in random_texts(1000, seed=5, specials=specials):
        ids = theirs.encode(text, add_special_tokens=False).ids
        assert ours.encode(text) == ids, repr(text)
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False) == text


def their_own(pre_tokenizer: pre_tokenizers.PreTokenizer) -> Tokenizer:
    """A byte-level BPE trained by their trainer, special tokens first, as their examples do."""
    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer, theirs.decoder = pre_tokenizer, decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=400,
        special_tokens=list(PLAIN_SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    theirs.train_from_iterator(TEXTS, trainer)
    return theirs


@BOTH
def test_to_huggingface_gives_the_same_ids_and_decoder(pattern):
    ours = tokenizer(pattern)
    theirs = ours.to_huggingface()
    assert theirs.get_vocab_size() == ours.vocab_size
    for name, index in ours.special_tokens.items():
        assert theirs.token_to_id(name) == index
        assert theirs.decode([72, index], skip_special_tokens=True) == "H"
    assert_same(ours, theirs, SPECIALS)


@BOTH
def test_read_huggingface_gives_back_what_was_written(tmp_path, pattern):
    parts = tokenizer(pattern).parts
    write_huggingface(parts, tmp_path / "tokenizer.json")
    assert read_huggingface(tmp_path / "tokenizer.json") == parts


def test_written_file_is_read_by_tokenizers_and_transformers(path):
    ours = tokenizer(GPT4_PATTERN)
    assert_same(ours, Tokenizer.from_file(str(path)), SPECIALS)
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(path))
    text = "I'd say 12345 <s> <|end|><|user|>\n\n  Größe"
    assert theirs.encode(text) == ours.encode(text)


def test_written_file_is_readable_by_people(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert '   "Ġ t",' in lines and '   "Ġ": 32,' in lines, "one merge and one token a line"


def test_file_is_read_and_written_without_their_package(monkeypatch, path):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    ours = BPETokenizer.from_huggingface(path)
    write_huggingface(ours.parts, path)
    assert BPETokenizer.from_huggingface(path).parts == ours.parts
    with pytest.raises(ImportError):
        ours.to_huggingface()


@pytest.mark.parametrize(
    ("pre_tokenizer", "pattern"),
    [
        (pre_tokenizers.ByteLevel(add_prefix_space=False), GPT2_PATTERN),
        (
            pre_tokenizers.Sequence(
                [
                    pre_tokenizers.Split(Regex(GPT4_PATTERN), behavior="isolated"),
                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
                ]
            ),
            GPT4_PATTERN,
        ),
    ],
)
def test_from_huggingface_reads_what_their_trainer_made(tmp_path, pre_tokenizer, pattern):
    theirs = their_own(pre_tokenizer)
    theirs.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 3)])
    theirs.save(str(tmp_path / "tokenizer.json"))
    ours = BPETokenizer.from_huggingface(tmp_path / "tokenizer.json")
    assert ours.pattern == pattern
    assert ours.special_tokens == {name: i for i, name in enumerate(PLAIN_SPECIALS)}
    assert ours.vocab_size == 400
    assert_same(ours, theirs, list(PLAIN_SPECIALS))


def converted_from_tiktoken(ours: BPETokenizer) -> Tokenizer:
    """As transformers converts rank files (Llama 3): every way to cut a token in two is a merge."""
    ranks = ours.parts.ranks
    cuts = [(token[:at], token[at:]) for token in ranks for at in range(1, len(token))]
    known = [(a, b) for a, b in cuts if a in ranks and b in ranks]
    known.sort(key=lambda pair: (ranks[pair[0] + pair[1]], ranks[pair[0]], ranks[pair[1]]))
    assert len(known) > len(ours.merges)
    merges = [(visible(left), visible(right)) for left, right in known]
    theirs = ours.to_huggingface()
    vocab = {visible(token): index for token, index in ranks.items()}
    theirs.model = models.BPE(vocab, merges, ignore_merges=True)
    theirs.add_special_tokens([AddedToken(n, normalized=False) for n in ours.special_tokens])
    return theirs


@BOTH
def test_from_huggingface_reads_files_converted_from_tiktoken(tmp_path, pattern):
    ours = tokenizer(pattern)
    theirs = converted_from_tiktoken(ours)
    theirs.save(str(tmp_path / "tokenizer.json"))
    again = BPETokenizer.from_huggingface(tmp_path / "tokenizer.json")
    assert again.parts == ours.parts
    assert_same(again, theirs, SPECIALS)


def test_read_huggingface_reads_merges_as_pairs_and_as_strings(path):
    content = json.loads(path.read_bytes())
    before = read_huggingface(path)
    content["model"]["merges"] = [merge.split(" ") for merge in content["model"]["merges"]]
    path.write_text(json.dumps(content))
    assert read_huggingface(path) == before


def test_read_huggingface_refuses_a_file_cut_off_anywhere(path):
    whole = path.read_bytes()
    for size in range(0, len(whole) - 1, 211):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="tokenizer.json is damaged or cut off"):
            read_huggingface(path)


def change(*keys: str | int, to: object):
    def apply(content: dict) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = to

    return apply


SPLIT = ("pre_tokenizer", "pretokenizers", 0)
AS_BYTES = ("pre_tokenizer", "pretokenizers", 1)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (change("version", to="2.0"), "version must be '1.0', not '2.0'"),
        (lambda c: c.pop("version"), "version must be '1.0', not None"),
        (lambda c: c.pop("model"), "is no tokenizer.json: KeyError.'model'"),
        (change("model", to=[1]), "is no tokenizer.json: TypeError"),
        (change("added_tokens", to=[{"id": 1}]), "is no tokenizer.json: KeyError.'content'"),
        (
            change("model", "type", to="Unigram"),
            "must be BPE with a ByteLevel decoder, not Unigram",
        ),
        (change("decoder", to=None), "must be BPE with a ByteLevel decoder, not BPE with None"),
        (change("normalizer", to={"type": "NFC"}), "normalizer must be off, but is .'type': 'NFC'"),
        (change("truncation", to={"max_length": 8}), "truncation must be off"),
        (change("model", "dropout", to=0.1), "dropout must be off, but is 0.1"),
        (change("model", "end_of_word_suffix", to="</w>"), "end_of_word_suffix must be off"),
        (change("added_tokens", 0, "lstrip", to=True), "lstrip must be off, but is True"),
        (change("added_tokens", 0, "id", to=7), "'<|endoftext|>' has two ids"),
        (
            lambda c: c["added_tokens"].append(c["added_tokens"][0]),
            "a special token is there twice",
        ),
        (change(*AS_BYTES, "add_prefix_space", to=True), "pre_tokenizer must be ByteLevel, or a"),
        (change(*AS_BYTES, "use_regex", to=True), "pre_tokenizer must be ByteLevel, or a Split"),
        (change(*SPLIT, "behavior", to="Removed"), "pre_tokenizer must be ByteLevel, or a Split"),
        (change(*SPLIT, "invert", to=True), "pre_tokenizer must be ByteLevel, or a Split"),
        (change(*SPLIT, "pattern", to={"String": " "}), "is no tokenizer.json: KeyError.'Regex'"),
        (change("model", "merges", 3, to="Ġ"), "a merge must be two tokens, not .'Ġ'."),
        (lambda c: c["model"]["merges"].pop(), "1 tokens, .* are made by no merge"),
        (
            lambda c: c["model"]["merges"].insert(0, "Q Q"),
            "merge b'Q' . b'Q' makes b'QQ', which has",
        ),
        (lambda c: c["model"]["merges"].append("Ġ t"), "twice, and not in the order of the ids"),
        (change("model", "vocab", "Ġ", to=33), "id 33 stands for two tokens, b' ' and b'!'"),
        (change("model", "vocab", "Ġ", to="32"), "the id of 'Ġ' must be a whole number"),
        (lambda c: c["model"]["vocab"].pop("Ġ"), "all 256 single bytes must be there, b' ' is not"),
    ],
)
def test_read_huggingface_refuses(path, edit, message):
    content = json.loads(path.read_bytes())
    edit(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message.replace("|", r"\|")) as error:
        read_huggingface(path)
    assert "tokenizer.json" in str(error.value)


def test_write_huggingface_refuses_what_would_decode_differently(tmp_path):
    plain = tokenizer(GPT2_PATTERN, ()).parts
    for name, message in [("<é>", "would be decoded as bytes"), ("Ġt", "written like another")]:
        with pytest.raises(ValueError, match=f"special token '{name}' .*{message}"):
            write_huggingface(plain._replace(special_tokens={name: 1000}), tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
