"""The chat template of common/alignment/chat.py."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.alignment.chat import ChatTemplate
from common.tokenizer.encode import BPETokenizer
from common.tokenizer.special import CHAT_SPECIAL_TOKENS

TOKENIZER = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)
TEMPLATE = ChatTemplate(TOKENIZER)
CONTROL = {TOKENIZER.special_id(name) for name in CHAT_SPECIAL_TOKENS}

hostile_text = st.lists(
    st.one_of(st.sampled_from(CHAT_SPECIAL_TOKENS), st.text(max_size=5)), max_size=5
).map("".join)


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def test_render_known_answer() -> None:
    ids, mask = TEMPLATE.render([user("ab"), assistant("c")])
    user_id, assistant_id, end = (
        TOKENIZER.special_id(f"<|{n}|>") for n in ("user", "assistant", "end")
    )
    assert ids == [user_id, 32, 97, 98, end, assistant_id, 32, 99, end]
    assert mask == [False] * 6 + [True] * 3


def test_render_system_message_is_not_learned() -> None:
    ids, mask = TEMPLATE.render(
        [{"role": "system", "content": "Be brief."}, user("a"), assistant("b")]
    )
    assert ids[0] == TOKENIZER.special_id("<|system|>")
    assert sum(mask) == 3


def test_render_equals_tiktoken_on_the_written_form() -> None:
    messages = [user("Who lost the key?"), assistant("Ada"), user("Häh?"), assistant("Ada did.")]
    written = "".join(f"<|{m['role']}|> {m['content']}<|end|>" for m in messages)
    expected = TOKENIZER.to_tiktoken().encode(written, allowed_special="all")
    assert TEMPLATE.render(messages)[0] == expected


@settings(max_examples=100, deadline=None)
@given(hostile_text)
def test_render_typed_control_tokens_stay_text(text) -> None:
    ids, mask = TEMPLATE.render([user(text), assistant("no")])
    assert [i for i in ids if i in CONTROL] == [
        TEMPLATE.role_ids["user"], TEMPLATE.end_id, TEMPLATE.role_ids["assistant"], TEMPLATE.end_id
    ]  # fmt: skip
    assert (
        TOKENIZER.decode([i for i, learn in zip(ids, mask, strict=True) if learn]) == " no<|end|>"
    )
    written = f"<|user|> {text}<|end|><|assistant|> no<|end|>"
    assert TOKENIZER.decode(ids) == written


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(hostile_text, hostile_text), min_size=1, max_size=4))
def test_render_mask_is_the_assistants_words_and_their_end(turns) -> None:
    messages = [message for asked, said in turns for message in (user(asked), assistant(said))]
    ids, mask = TEMPLATE.render(messages)
    learned = TOKENIZER.decode([i for i, learn in zip(ids, mask, strict=True) if learn])
    assert learned == "".join(f" {said}<|end|>" for _, said in turns)


def test_render_of_two_turns_is_the_two_renders_joined() -> None:
    first, second = [user("a"), assistant("b")], [user("c"), assistant("d")]
    ids, mask = TEMPLATE.render(first + second)
    assert ids == TEMPLATE.render(first)[0] + TEMPLATE.render(second)[0]
    assert mask == TEMPLATE.render(first)[1] + TEMPLATE.render(second)[1]


def test_render_prompt_is_the_conversation_up_to_the_answer() -> None:
    ids, mask = TEMPLATE.render([user("a"), assistant("bcd")])
    assert TEMPLATE.render_prompt([user("a")]) == ids[: mask.index(True)]


def test_render_prompt_refuses_an_answered_conversation() -> None:
    with pytest.raises(ValueError, match="must not be the assistant's own"):
        TEMPLATE.render_prompt([user("a"), assistant("b")])


def test_render_refuses_an_unknown_role() -> None:
    with pytest.raises(ValueError, match="role 'tool' must be one of system, user, assistant"):
        TEMPLATE.render([{"role": "tool", "content": "x"}])


def test_render_refuses_no_messages() -> None:
    with pytest.raises(ValueError, match="at least 1 message, got 0"):
        TEMPLATE.render([])


@settings(max_examples=50, deadline=None)
@given(hostile_text)
def test_read_reply_gives_back_what_was_rendered(text) -> None:
    ids, mask = TEMPLATE.render_exchange("a", text)
    reply = [i for i, learn in zip(ids, mask, strict=True) if learn][:-1]
    assert TEMPLATE.read_reply(reply) == text


def test_read_reply_without_a_space_is_the_text() -> None:
    assert TEMPLATE.read_reply(b"yes") == "yes"
