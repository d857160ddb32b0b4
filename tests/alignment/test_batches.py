"""Labels, joined turns and resumable batches of common/alignment/batches.py."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.alignment.batches import (
    IGNORE_INDEX,
    ChatBatches,
    collate,
    join_turns,
    tokenize_prompt_and_output,
)


class Letters:
    """a = 1, b = 2, ...: a tokenizer that can be checked by eye."""

    def encode(self, text: str, *, allowed_special: tuple[str, ...]) -> list[int]:
        assert allowed_special == ()
        return [ord(letter) - 96 for letter in text]


conversations_strategy = st.lists(
    st.lists(st.booleans(), min_size=2, max_size=9).map(
        lambda mask: (list(range(len(mask))), mask)
    ),
    min_size=1,
    max_size=40,
)


def test_tokenize_prompt_and_output_known_answer() -> None:
    batch = tokenize_prompt_and_output(["abc", "a"], ["d", "yz"], Letters(), pad_id=0)
    assert batch["input_ids"].tolist() == [[1, 2, 3], [1, 25, 26]]
    assert batch["labels"].tolist() == [[2, 3, 4], [25, 26, 0]]
    assert batch["response_mask"].tolist() == [[False, False, True], [True, True, False]]


def test_tokenize_prompt_and_output_unequal_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="got 2 prompts and 1 outputs"):
        tokenize_prompt_and_output(["a", "b"], ["c"], Letters(), pad_id=0)


def test_collate_known_answer() -> None:
    rows = [([1, 2, 3, 4], [False, False, True, True]), ([5, 6], [False, True])]
    ids, labels = collate(rows, pad_id=9)
    assert ids.tolist() == [[1, 2, 3], [5, 6, 9]]
    assert labels.tolist() == [[IGNORE_INDEX, 3, 4], [6, IGNORE_INDEX, IGNORE_INDEX]]


@settings(max_examples=50, deadline=None)
@given(conversations_strategy, st.integers(1, 4), st.integers(0, 9))
def test_join_turns_keeps_every_conversation_once_and_fits(conversations, max_turns, seed) -> None:
    joined = join_turns(conversations, context_length=12, max_turns=max_turns, seed=seed)
    assert all(len(ids) == len(mask) <= 12 for ids, mask in joined)
    starts = [
        sum(1 for i in ids if i == 0) for ids, _ in joined
    ]  # every strategy row begins with id 0
    assert sum(starts) == len(conversations) and max(starts) <= max_turns
    assert sum(len(ids) for ids, _ in joined) == sum(len(ids) for ids, _ in conversations)
    assert sum(map(sum, (mask for _, mask in joined))) == sum(
        map(sum, (mask for _, mask in conversations))
    )


def test_join_turns_max_turns_changes_how_many_are_joined() -> None:
    conversations = [([0, 1], [False, True])] * 60
    single = join_turns(conversations, context_length=20, max_turns=1, seed=0)
    several = join_turns(conversations, context_length=20, max_turns=5, seed=0)
    assert len(single) == 60 and len(several) < 40


def test_join_turns_refuses_what_the_context_cannot_hold() -> None:
    with pytest.raises(ValueError, match="conversation of 3 tokens does not fit context_length 2"):
        join_turns([([1, 2, 3], [False] * 3)], context_length=2, max_turns=1, seed=0)


@settings(max_examples=50, deadline=None)
@given(conversations_strategy, st.integers(8, 40))
def test_chat_batches_epoch_shows_every_conversation_once(conversations, max_tokens) -> None:
    batches = ChatBatches(conversations, max_tokens=max_tokens, pad_id=-1, seed=3)
    learned, rows = 0, 0
    while batches.epoch == 0 and rows < len(conversations):
        ids, labels = batches.next_batch()
        assert ids.numel() <= max_tokens and ids.shape == labels.shape
        assert ((labels == IGNORE_INDEX) | (ids >= 0)).all()  # padding is never a label
        rows, learned = rows + len(ids), learned + int((labels != IGNORE_INDEX).sum())
    assert rows == len(conversations)
    assert learned == sum(sum(mask[1:]) for _, mask in conversations)


def test_chat_batches_of_similar_length_waste_little() -> None:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(4, 190, (600,), generator=generator).tolist()
    batches = ChatBatches(
        [([1] * n, [True] * n) for n in lengths], max_tokens=1152, pad_id=0, seed=0
    )
    shown, useful = 0, 0
    while batches.epoch == 0:
        ids, labels = batches.next_batch()
        shown, useful = shown + ids.numel(), useful + int((labels != IGNORE_INDEX).sum())
    assert 0.9 < useful / shown <= 1


def test_chat_batches_resume_with_the_same_bits() -> None:
    conversations = [
        ([i, i + 1, i + 2][: 2 + i % 2], [False, True, True][: 2 + i % 2]) for i in range(20)
    ]
    stream = ChatBatches(conversations, max_tokens=6, pad_id=0, seed=5)
    for _ in range(13):
        stream.next_batch()
    state = stream.state_dict()
    expected = [stream.next_batch() for _ in range(15)]  # runs into the next epoch
    resumed = ChatBatches(conversations, max_tokens=6, pad_id=0, seed=5)
    resumed.load_state_dict(state)
    for ids, labels in expected:
        got_ids, got_labels = resumed.next_batch()
        assert torch.equal(ids, got_ids) and torch.equal(labels, got_labels)
    assert stream.epoch > state["epoch"]


def test_chat_batches_seed_changes_the_order() -> None:
    conversations = [([i, i + 1], [False, True]) for i in range(30)]
    first, second = (
        [
            ChatBatches(conversations, max_tokens=4, pad_id=0, seed=s).next_batch()[0].tolist()
            for s in (s,)
        ]
        for s in (0, 1)
    )
    assert first != second


def test_chat_batches_refuse_a_conversation_longer_than_a_batch() -> None:
    with pytest.raises(
        ValueError, match="max_tokens 2 must hold the longest conversation of 3 tokens"
    ):
        ChatBatches([([1, 2, 3, 4], [True] * 4)], max_tokens=2, pad_id=0, seed=0)
