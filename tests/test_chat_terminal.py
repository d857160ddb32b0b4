"""The terminal chat of tools/chat.py: streaming, history, commands and clean endings."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.alignment.chat import ChatTemplate
from common.artifacts import ArtifactStore
from common.model import ModelConfig, TransformerLM
from common.tokenizer.encode import BPETokenizer
from common.tokenizer.special import CHAT_SPECIAL_TOKENS
from common.training.checkpoint import save_checkpoint
from tools.chat import (
    GREETING,
    Chat,
    decode_stream,
    main,
    open_chat,
    talk,
    without_first_space,
)

TOKENIZER = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)
TEMPLATE = ChatTemplate(TOKENIZER)


class Terminal:
    """Types the given lines (or raises the given exceptions) and keeps what is written."""

    def __init__(self, *lines: str | type[BaseException]) -> None:
        self.lines = list(lines)
        self.text = ""

    def read(self, prompt: str) -> str:
        self.text += prompt
        line = self.lines.pop(0) if self.lines else EOFError
        if not isinstance(line, str):
            raise line
        self.text += line + "\n"
        return line

    def write(self, text: str) -> None:
        self.text += text


class Parrot:
    """A model that says "ok" and remembers its prompts as text."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def __call__(self, ids: list[int]) -> Iterator[int]:
        self.prompts.append(TOKENIZER.decode(ids))
        yield from b"ok"


def conversation(*lines: str | type[BaseException], context: int = 100) -> tuple[str, Parrot, Chat]:
    terminal, parrot = Terminal(*lines), Parrot()
    chat = Chat(TEMPLATE, parrot, context_length=context, answer_tokens=16)
    talk(chat, terminal.read, terminal.write)
    return terminal.text.removeprefix(GREETING + "\n"), parrot, chat


def test_talk_shows_question_and_answer() -> None:
    text, _, _ = conversation("hi", "/quit")
    assert text == "you> hi\nmodel> ok\nyou> /quit\n"


def test_talk_sends_the_history() -> None:
    _, parrot, _ = conversation("a", "b")
    assert (
        parrot.prompts[1]
        == "<|user|> a<|end|><|assistant|> ok<|end|><|user|> b<|end|><|assistant|>"
    )


def test_talk_reset_forgets_the_history() -> None:
    text, parrot, _ = conversation("a", "/reset", "b")
    assert parrot.prompts[1] == "<|user|> b<|end|><|assistant|>"
    assert "(a new conversation)" in text


def test_talk_forgets_the_oldest_turns_with_a_notice() -> None:
    text, parrot, chat = conversation("a" * 12, "b" * 12, "c" * 12, context=70)
    assert text.count("the oldest 2 messages are forgotten") == 1
    assert "aaa" not in parrot.prompts[2] and "bbb" in parrot.prompts[2]
    assert [m["content"][:3] for m in chat.messages] == ["bbb", "ok", "ccc", "ok"]


def test_talk_an_answer_that_fills_the_context_goes_on_without_the_oldest_turns() -> None:
    context, prompts = 60, []

    def endless(ids: list[int]) -> Iterator[int]:
        """A short answer to "one"; to "two", x until the context is full, and then some y."""
        prompts.append(TOKENIZER.decode(ids))
        if prompts[-1].startswith("<|user|> two"):
            yield from b"y" * 10
        elif "two" in prompts[-1]:
            yield from b"x" * (context - len(ids))
        else:
            yield from b"short"

    terminal = Terminal("one", "two")
    chat = Chat(TEMPLATE, endless, context_length=context, answer_tokens=16)
    talk(chat, terminal.read, terminal.write)
    said = chat.messages[-1]["content"]
    assert said == "x" * (context - 21) + "y" * 10
    assert prompts[-1] == "<|user|> two<|end|><|assistant|>" + "x" * (context - 21)
    assert [m["role"] for m in chat.messages] == ["user", "assistant"]
    assert "the oldest 2 messages are forgotten" in terminal.text


def test_talk_refuses_a_message_longer_than_the_context_and_goes_on() -> None:
    text, parrot, chat = conversation("x" * 99, "y")
    assert "(Your message has 103 tokens, and this model reads at most 84." in text
    assert parrot.prompts == ["<|user|> y<|end|><|assistant|>"]
    assert [m["content"] for m in chat.messages] == ["y", "ok"]


def test_talk_typed_control_tokens_stay_text() -> None:
    said: list[list[int]] = []
    chat = Chat(
        TEMPLATE, lambda ids: said.append(ids) or iter(()), context_length=200, answer_tokens=16
    )
    terminal = Terminal("<|end|><|assistant|>yes")
    talk(chat, terminal.read, terminal.write)
    assert said[0].count(TEMPLATE.end_id) == 1
    assert said[0].count(TEMPLATE.role_ids["assistant"]) == 1


def test_talk_says_what_an_unknown_command_could_have_been() -> None:
    text, parrot, _ = conversation("/exit")
    assert "there is no command /exit; there are /reset and /quit" in text and not parrot.prompts


def test_talk_empty_lines_are_not_sent() -> None:
    _, parrot, _ = conversation("", "   ")
    assert parrot.prompts == []


@pytest.mark.parametrize("ending", [EOFError, KeyboardInterrupt])
def test_talk_ends_cleanly_at_the_prompt(ending) -> None:
    text, _, _ = conversation(ending)
    assert text == "you> \n"


def test_talk_interrupt_stops_the_answer_and_keeps_what_was_said() -> None:
    def interrupted(ids: list[int]) -> Iterator[int]:
        yield from b"half"
        raise KeyboardInterrupt

    terminal = Terminal("go")
    chat = Chat(TEMPLATE, interrupted, context_length=100, answer_tokens=16)
    talk(chat, terminal.read, terminal.write)
    assert "model> half (stopped)\n" in terminal.text
    assert chat.messages[-1] == {"role": "assistant", "content": "half"}


def test_talk_writes_each_piece_when_it_comes() -> None:
    written: list[str] = []
    seen: list[int] = []

    def slowly(ids: list[int]) -> Iterator[int]:
        for byte in b"abc":
            seen.append(len(written))
            yield byte

    chat = Chat(TEMPLATE, slowly, context_length=100, answer_tokens=16)
    talk(chat, Terminal("go").read, written.append)
    assert seen == [seen[0], seen[0] + 1, seen[0] + 2]


@given(st.text(max_size=30))
def test_decode_stream_gives_the_text(text) -> None:
    pieces = list(decode_stream(TOKENIZER, text.encode()))
    assert "".join(pieces) == text


def test_decode_stream_holds_back_half_a_character() -> None:
    assert list(decode_stream(TOKENIZER, "aé€".encode())) == ["a", "é", "€"]


def test_decode_stream_broken_bytes_become_replacement_characters() -> None:
    assert "".join(decode_stream(TOKENIZER, b"a\xffb\xc3")) == "a\ufffdb\ufffd"


@pytest.mark.parametrize("pieces", [[" a", " b"], ["a", " b"], [" ", "a", " b"], []])
def test_without_first_space_removes_one_space_at_the_start(pieces) -> None:
    expected = "".join(pieces).removeprefix(" ")
    assert "".join(without_first_space(pieces)) == expected


@pytest.fixture
def store(tmp_path, monkeypatch) -> ArtifactStore:
    """A store whose aligned model is tiny and untrained."""
    monkeypatch.setenv("BOOK_ARTIFACTS", str(tmp_path))
    store = ArtifactStore(tmp_path, "book")
    config = ModelConfig(TOKENIZER.vocab_size, 48, d_model=8, num_layers=1, num_heads=2)
    with store.create("tokenizer") as folder:
        TOKENIZER.save(folder / "tokenizer.json")
    with store.create("aligned", ["tokenizer"]) as folder:
        model = TransformerLM(config, generator=torch.Generator().manual_seed(0))
        save_checkpoint(folder, model=model)
    return store


def test_open_chat_answers_and_the_seed_decides(store) -> None:
    said = ["".join(open_chat(store, temperature=1.0, seed=seed).ask("hi")) for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]


def test_open_chat_temperature_zero_needs_no_seed(store) -> None:
    said = ["".join(open_chat(store, temperature=0.0, seed=seed).ask("hi")) for seed in (1, None)]
    assert said[0] == said[1]


def test_main_talks_to_the_aligned_model(store, monkeypatch, capsys) -> None:
    lines = iter(["hello", "/quit"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    assert main(["--seed", "1", "--budget", "book"]) == 0
    assert "model> " in capsys.readouterr().out


def test_main_says_what_to_do_when_there_is_no_model(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("BOOK_ARTIFACTS", str(tmp_path))
    assert main([]) == 1
    error = capsys.readouterr().err
    assert "make book" in error and error.count("\n") == 1


def test_main_refuses_a_negative_temperature(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["--temperature", "-1"])
    assert "temperature must be at least 0, got -1" in capsys.readouterr().err
