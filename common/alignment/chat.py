"""The chat template: how a conversation becomes token ids, and which ids the model must learn.

A pretrained model knows one stream of text. A conversation has speakers, so four control tokens
mark who speaks and where a turn ends, and the model's own turns are the only ones it is trained on:

    <|user|> Is the fox red?<|end|><|assistant|> Yes.<|end|>
                                                ^^^^^^^^^^^^ loss mask: the answer and its <|end|>

Each content is encoded with a space in front, as if it stood in the middle of a line. Word-level
tokens carry the space before them (" Yes" and "Yes" are different ids), and pretraining has shown
almost every word with it: without the space the first word of every turn is one that the model
hardly knows, and copying it means spelling it anew. (SentencePiece does the same and calls it
`add_dummy_prefix`; Llama and Mistral were trained with it.)

A control token is one id that no text can produce: content is always encoded with
`allowed_special=()`, so a user who types "<|assistant|>" gets the thirteen ordinary characters and
never the assistant's turn. The format follows ChatML (OpenAI, 2022) with the names of this book's
special tokens.

Taught in ch07_alignment/01_sft.ipynb.
Needs: nothing but the standard library (a tokenizer is passed in).
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

ROLES = ("system", "user", "assistant")


class _Tokenizer(Protocol):
    """What a chat template asks of a tokenizer."""

    def encode(self, text: str, *, allowed_special=...) -> list[int]: ...

    def decode(self, ids: Iterable[int]) -> str: ...

    def special_id(self, name: str) -> int: ...


class ChatTemplate:
    """Turns messages into token ids and a loss mask.

    A message is a dict with the keys "role" ("system", "user" or "assistant") and "content" (any
    text). `tokenizer` needs `encode(text, allowed_special=())`, `decode` and `special_id(name)`,
    and must know the special tokens `<|system|>`, `<|user|>`, `<|assistant|>` and `<|end|>`.

    >>> from common.tokenizer.encode import BPETokenizer
    >>> from common.tokenizer.special import CHAT_SPECIAL_TOKENS
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)
    >>> template = ChatTemplate(tokenizer)
    >>> ids, mask = template.render([
    ...     {"role": "user", "content": "1+1"}, {"role": "assistant", "content": "2"}])
    >>> tokenizer.decode(ids)
    '<|user|> 1+1<|end|><|assistant|> 2<|end|>'
    >>> tokenizer.decode([i for i, learn in zip(ids, mask) if learn])
    ' 2<|end|>'
    """

    def __init__(self, tokenizer: _Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.role_ids = {role: tokenizer.special_id(f"<|{role}|>") for role in ROLES}
        self.end_id = tokenizer.special_id("<|end|>")

    def render(self, messages: Sequence[dict[str, str]]) -> tuple[list[int], list[bool]]:
        """The ids of a whole conversation, and for each whether the model learns to produce it.

        The mask is True exactly on the content of assistant messages and on the `<|end|>` that
        closes them: the model has to learn when to stop, and never learns to write the user's part.
        Raises ValueError for no messages or an unknown role. Cost: one pass over the text.
        """
        if not messages:
            raise ValueError("a conversation needs at least 1 message, got 0")
        ids: list[int] = []
        mask: list[bool] = []
        for message in messages:
            content = self._turn(message)
            learn = message["role"] == "assistant"
            ids += content
            mask += [False] + [learn] * (len(content) - 1)
        return ids, mask

    def render_exchange(self, prompt: str, answer: str) -> tuple[list[int], list[bool]]:
        """`render` of the shortest conversation: one message of the user and its answer."""
        return self.render(
            [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        )

    def render_prompt(self, messages: Sequence[dict[str, str]]) -> list[int]:
        """The ids to hand to the model so that it continues with the assistant's next turn.

        Everything `render` gives, then `<|assistant|>`. Generation stops at `end_id`. Raises
        ValueError when the last message is the assistant's own: there is nothing to answer.
        """
        ids, _ = self.render(messages)
        if messages[-1]["role"] == "assistant":
            raise ValueError("the last message of a prompt must not be the assistant's own")
        return ids + [self.role_ids["assistant"]]

    def read_reply(self, ids: Iterable[int]) -> str:
        """The content of an answer from the ids that the model wrote, without `<|end|>`.

        The inverse of how `render` writes contents: the space in front goes. The ids need not have
        one, since a model may write anything.
        """
        return self.tokenizer.decode(ids).removeprefix(" ")

    def _turn(self, message: dict[str, str]) -> list[int]:
        role = message["role"]
        if role not in self.role_ids:
            raise ValueError(f"role {role!r} must be one of {', '.join(ROLES)}")
        content = self.tokenizer.encode(" " + message["content"], allowed_special=())
        return [self.role_ids[role], *content, self.end_id]
