"""From conversations to padded batches: ids, labels that skip the prompt, and little waste.

A label is the next token where the model is to learn it and -100 where not; the loss skips -100
(the convention of PyTorch's cross-entropy). Conversations have very different lengths: rows of
similar length share a batch, and short ones are joined into longer conversations.

Shapes: B rows, T positions; ids and labels are int64, masks bool.
Taught in ch07_alignment/01_sft.ipynb.
Needs: nothing but torch.
"""

import random
from collections.abc import Sequence

import torch
from torch import Tensor

IGNORE_INDEX = -100
Rendered = tuple[list[int], list[bool]]  # ids and loss mask of one conversation


def tokenize_prompt_and_output(
    prompts: Sequence[str], outputs: Sequence[str], tokenizer, *, pad_id: int
) -> dict[str, Tensor]:
    """Token ids of prompt + output, shifted by one, and a mask over the output's positions.

    Returns `input_ids`, `labels` (both (B, T) int64) and `response_mask` (B, T) bool, where T is
    the longest prompt + output, less one. `labels[:, t]` is the token that follows `input_ids[:,
    t]`, and `response_mask` is True where that token belongs to the output. Short rows end in
    `pad_id`. Text is encoded with `allowed_special=()`, prompt and output apart. Raises ValueError
    when the lists differ in length.

    >>> class Letters:
    ...     def encode(self, text, *, allowed_special):
    ...         return [ord(letter) - 96 for letter in text]
    >>> batch = tokenize_prompt_and_output(["ab", "a"], ["cd", "z"], Letters(), pad_id=0)
    >>> batch["input_ids"].tolist(), batch["labels"].tolist()
    ([[1, 2, 3], [1, 26, 0]], [[2, 3, 4], [26, 0, 0]])
    >>> batch["response_mask"].tolist()
    [[False, True, True], [True, False, False]]
    """
    if len(prompts) != len(outputs):
        raise ValueError(
            f"every prompt needs one output, got {len(prompts)} prompts and {len(outputs)} outputs"
        )
    rows = []
    for prompt, output in zip(prompts, outputs, strict=True):
        prompt_ids = tokenizer.encode(prompt, allowed_special=())
        output_ids = tokenizer.encode(output, allowed_special=())
        mask = [False] * len(prompt_ids) + [True] * len(output_ids)
        rows.append((prompt_ids + output_ids, mask))
    ids, mask = _pad(rows, pad_id)
    return {"input_ids": ids[:, :-1], "labels": ids[:, 1:], "response_mask": mask[:, 1:]}


def collate(conversations: Sequence[Rendered], *, pad_id: int) -> tuple[Tensor, Tensor]:
    """(input_ids, labels), both (B, T) int64, of rendered conversations, padded on the right.

    `labels[:, t]` is the token after `input_ids[:, t]` where the loss mask is True, and -100
    elsewhere. Attention is causal, so that padding on the right changes nothing before it.

    >>> collate([([1, 2, 3], [False, True, True]), ([4, 5], [False, True])], pad_id=0)
    (tensor([[1, 2],
            [4, 5]]), tensor([[   2,    3],
            [   5, -100]]))
    """
    ids, mask = _pad(conversations, pad_id)
    return ids[:, :-1], ids.masked_fill(~mask, IGNORE_INDEX)[:, 1:]


def join_turns(
    conversations: Sequence[Rendered], *, context_length: int, max_turns: int, seed: int
) -> list[Rendered]:
    """Join short conversations into longer ones of 1 to `max_turns` parts that fit the context.

    A single question teaches the first turn only, and a model that never saw a second one is lost
    in it. Each conversation of the result is up to k of the given ones, in shuffled order, k
    uniform in 1 .. max_turns; every given one is used exactly once. `max_turns=1` only shuffles.
    Raises ValueError when one of them is longer than the context. Cost: one pass.

    >>> short = ([7, 8], [False, True])
    >>> joined = join_turns([short] * 4, context_length=4, max_turns=2, seed=0)
    >>> sorted(len(ids) for ids, _ in joined) in ([2, 2, 4], [4, 4], [2, 2, 2, 2])
    True
    """
    longest = max((len(ids) for ids, _ in conversations), default=0)
    if longest > context_length:
        raise ValueError(
            f"a conversation of {longest} tokens does not fit context_length {context_length}"
        )
    generator = random.Random(seed)
    order = list(conversations)
    generator.shuffle(order)
    joined: list[Rendered] = []
    room, turns = 0, 0
    for ids, mask in order:
        if turns == 0 or len(ids) > room:
            joined.append(([], []))
            room, turns = context_length, generator.randint(1, max_turns)
        joined[-1] = (joined[-1][0] + ids, joined[-1][1] + mask)
        room, turns = room - len(ids), turns - 1
    return joined


class ChatBatches:
    """An endless, resumable stream of padded batches of rendered conversations.

    A batch is (input_ids, labels), both (B, T) int64: labels are the next tokens, -100 where the
    loss must not look. Rows of similar length share a batch (sorted inside windows of `WINDOW`
    shuffled rows), and B times T is at most `max_tokens`, so that little is spent on padding and
    every step costs the same. The order of an epoch follows from (seed, epoch) alone: `state_dict`
    holds two counters.

    >>> batches = ChatBatches([([1, 2, 3], [False, True, True])], max_tokens=8, pad_id=0, seed=0)
    >>> batches.next_batch()
    (tensor([[1, 2]]), tensor([[2, 3]]))
    """

    WINDOW = 256

    def __init__(
        self, conversations: Sequence[Rendered], *, max_tokens: int, pad_id: int, seed: int
    ) -> None:
        longest = max((len(ids) - 1 for ids, _ in conversations), default=0)
        if not 1 <= longest <= max_tokens:
            raise ValueError(
                f"max_tokens {max_tokens} must hold the longest conversation of {longest} tokens"
            )
        self.conversations = list(conversations)
        self.max_tokens, self.pad_id, self.seed = max_tokens, pad_id, seed
        self.epoch, self.position = 0, 0
        self._batches = self._cut(0)

    def next_batch(self) -> tuple[Tensor, Tensor]:
        """The next (input_ids, labels); a new epoch in a new order begins by itself."""
        if self.position == len(self._batches):
            self.epoch, self.position = self.epoch + 1, 0
            self._batches = self._cut(self.epoch)
        rows = self._batches[self.position]
        self.position += 1
        return collate([self.conversations[row] for row in rows], pad_id=self.pad_id)

    def state_dict(self) -> dict[str, int]:
        """Where the stream stands: epoch and position in it."""
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue where `state` was taken: the same batches follow, bit for bit."""
        self.epoch, self.position = state["epoch"], state["position"]
        self._batches = self._cut(self.epoch)

    def _cut(self, epoch: int) -> list[list[int]]:
        """The rows of every batch of an epoch."""
        generator = random.Random(f"{self.seed}/{epoch}")
        order = list(range(len(self.conversations)))
        generator.shuffle(order)
        batches: list[list[int]] = []
        for start in range(0, len(order), self.WINDOW):
            window = sorted(order[start : start + self.WINDOW], key=self._width)
            batches.append([])
            for row in window:
                if (len(batches[-1]) + 1) * self._width(row) > self.max_tokens:
                    batches.append([])
                batches[-1].append(row)
        generator.shuffle(batches)
        return batches

    def _width(self, row: int) -> int:
        return len(self.conversations[row][0]) - 1


def _pad(rows: Sequence[Rendered], pad_id: int) -> tuple[Tensor, Tensor]:
    width = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), width), pad_id)
    mask = torch.zeros(len(rows), width, dtype=torch.bool)
    for row, (row_ids, row_mask) in enumerate(rows):
        ids[row, : len(row_ids)] = torch.tensor(row_ids)
        mask[row, : len(row_mask)] = torch.tensor(row_mask)
    return ids, mask
