"""How good are a model's answers, and how sure can we be: greedy replies, graders, and error bars.

A share of right answers is an estimate; Wilson's interval says how far the truth may lie from it.

Taught in ch07_alignment/03_evaluate.ipynb.
Needs: chat.py, ../generate.py, ../intervals.py, ../model.py (and what they need).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..generate import generate_batch
from ..intervals import wilson_interval
from ..model import TransformerLM
from .chat import ChatTemplate

REFUSAL_KINDS = ("unsafe", "harmless")  # what is counted for them is how often the model refuses


class _Task(Protocol):
    """A prompt with its right answer; `kind` names the task it belongs to."""

    kind: str
    prompt: str
    answer: str


@dataclass(frozen=True)
class Graded:
    """One reply and its verdict: `hit` says whether what is counted happened, `reason` why.

    What is counted is a right answer, except for REFUSAL_KINDS, where it is a refusal.

    >>> Graded("copy", "Repeat: kite", "kite", "kit", False, "expected 'kite', got 'kit'").hit
    False
    """

    kind: str
    prompt: str
    answer: str
    reply: str
    hit: bool
    reason: str


def exact_answer(reply: str, answer: str) -> tuple[bool, str]:
    """Whether a reply is the answer, letter for letter, apart from white space around it; and why.

    >>> exact_answer(" the kite ", "the kite")
    (True, 'exactly the answer')
    >>> exact_answer("a kite", "the kite")
    (False, "expected 'the kite', got 'a kite'")
    """
    if reply.strip() == answer.strip():
        return True, "exactly the answer"
    return False, f"expected {answer.strip()!r}, got {reply.strip()!r}"


def plain_prompt(prompt: str) -> str:
    """A user's message in the form of the web pages of pretraining: the last line is asked.

    It is the fair way to ask a base model, which has read "Question: ... Answer: ..." in its
    corpus and has never seen a control token.

    >>> plain_prompt("Ada lost a key.\\nWho lost a key?")
    'Ada lost a key.\\nQuestion: Who lost a key?\\nAnswer:'
    """
    text, newline, question = prompt.rpartition("\n")
    return f"{text}{newline}Question: {question}\nAnswer:"


def reply_all(
    model: TransformerLM,
    tokenizer,
    prompts: Sequence[str],
    *,
    plain: bool = False,
    max_new_tokens: int = 48,
) -> list[str]:
    """The model's most likely reply to each prompt, in order.

    Each prompt is a conversation of one message, and a reply ends at `<|end|>`; with `plain`, it is
    a text (`plain_prompt`), and a reply ends with its line. Replies are cut at `max_new_tokens`.
    Raises ValueError when a prompt does not fit the context. Cost: one pass over the prompts, and
    one step of a batch for each new token.

    >>> from common.model import ModelConfig
    >>> from common.tokenizer.encode import BPETokenizer
    >>> from common.tokenizer.special import CHAT_SPECIAL_TOKENS
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)
    >>> config = ModelConfig(261, context_length=16, d_model=8, num_layers=1, num_heads=2)
    >>> len(reply_all(TransformerLM(config), tokenizer, ["1 + 1?", "Hi!"]))
    2
    """
    template = ChatTemplate(tokenizer)
    if plain:
        ids = [tokenizer.encode(plain_prompt(text), allowed_special=()) for text in prompts]
        newlines = (
            i for i in range(256, tokenizer.vocab_size) if b"\n" in tokenizer.decode_bytes([i])
        )
        stop_ids = {ord("\n"), *newlines, tokenizer.special_id("<|endoftext|>")}
    else:
        ids = [template.render_prompt([{"role": "user", "content": text}]) for text in prompts]
        stop_ids = {template.end_id}
    replies = generate_batch(model, ids, max_new_tokens, stop_ids=stop_ids, temperature=0.0)
    return [template.read_reply(reply) for reply in replies]


def evaluate_chat(
    model: TransformerLM,
    tokenizer,
    examples: Sequence[_Task],
    *,
    is_refusal: Callable[[str], bool],
    plain: bool = False,
    max_new_tokens: int = 48,
) -> list[Graded]:
    """Ask the model every example and grade each greedy reply.

    A reply to one of REFUSAL_KINDS is a hit when `is_refusal` says that it declines; to any other
    kind when it is exactly the answer. `plain` and `max_new_tokens` are those of `reply_all`.

    >>> from common.data.town import instructions, is_refusal
    >>> from common.model import ModelConfig
    >>> from common.tokenizer.encode import BPETokenizer
    >>> from common.tokenizer.special import CHAT_SPECIAL_TOKENS
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)
    >>> model = TransformerLM(ModelConfig(261, 256, d_model=8, num_layers=1, num_heads=2))
    >>> questions = instructions(2, seed=0, split="heldout", kinds=("copy", "unsafe"))
    >>> [one.kind for one in evaluate_chat(model, tokenizer, questions, is_refusal=is_refusal)]
    ['copy', 'unsafe']
    """
    prompts = [example.prompt for example in examples]
    replies = reply_all(model, tokenizer, prompts, plain=plain, max_new_tokens=max_new_tokens)
    graded = []
    for example, reply in zip(examples, replies, strict=True):
        if example.kind in REFUSAL_KINDS:
            hit = is_refusal(reply)
            reason = "declined" if hit else "complied"
        else:
            hit, reason = exact_answer(reply, example.answer)
        graded.append(Graded(example.kind, example.prompt, example.answer, reply, hit, reason))
    return graded


def score(graded: Iterable[Graded], confidence: float = 0.95) -> dict[str, dict[str, float]]:
    """By task: `n`, the share of hits (`value`) and its Wilson interval (`low`, `high`).

    Tasks come in the order of their first reply.

    >>> score([Graded("copy", "?", "a", "a", True, ""), Graded("copy", "?", "a", "b", False, "")])
    {'copy': {'n': 2, 'value': 0.5, 'low': 0.0945..., 'high': 0.9054...}}
    """
    hits: dict[str, list[bool]] = {}
    for one in graded:
        hits.setdefault(one.kind, []).append(one.hit)
    table = {}
    for kind, found in hits.items():
        low, high = wilson_interval(sum(found), len(found), confidence)
        table[kind] = {"n": len(found), "value": sum(found) / len(found), "low": low, "high": high}
    return table
