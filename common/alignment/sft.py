"""Supervised fine-tuning: show the model conversations, and score it on the answers alone.

Pretraining averages the loss over every token. Here the question is given, not to be learned: the
loss is the mean over the assistant's tokens only, -sum(mask * log p) / sum(mask). Everything else
carries the label -100, which the cross-entropy skips. (Instruction tuning: Wei et al. 2021,
arXiv:2109.01652; Ouyang et al. 2022, arXiv:2203.02155, section 3.5. The names
`response_log_probs` and `masked_...` are those of the field's course work, Stanford CS336.)

Shapes: B sequences, T positions, V vocabulary; ids are int64, masks bool.
Taught in ch07_alignment/01_sft.ipynb.
Needs: batches.py, chat.py, ../model.py, ../numerics.py, ../training/ (adamw.py, loop.py, muon.py).
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from ..model import TransformerLM
from ..numerics import cross_entropy
from ..training.adamw import AdamW
from ..training.loop import TrainConfig, TrainRecord, train
from ..training.muon import Muon, split_parameters
from .batches import IGNORE_INDEX, ChatBatches, join_turns
from .chat import ChatTemplate

# What the base model has read in the place of each control token, to start from.
_MEANINGS = {"<|user|>": "Question:", "<|assistant|>": "Answer:", "<|end|>": "\n"}


class _Instruction(Protocol):
    """What a user types and what the assistant should say."""

    prompt: str
    answer: str


def response_log_probs(model: Callable, input_ids: Tensor, labels: Tensor) -> Tensor:
    """log p(labels[b, t] | input_ids[b, :t + 1]), in nats, shape (B, T), float32 or wider.

    `model` is anything callable that gives logits (B, T, V) or an object with `.logits`. A label of
    -100 gives 0, so that a sum over T is the log-probability of the labelled tokens. Gradients
    flow. Cost: one forward pass and O(B T V).

    >>> uniform = lambda ids: torch.zeros(*ids.shape, 4)
    >>> response_log_probs(uniform, torch.tensor([[1, 2]]), torch.tensor([[3, -100]]))
    tensor([[-1.3863,  0.0000]])
    """
    output = model(input_ids)
    logits = output if isinstance(output, Tensor) else output.logits
    logits = logits.float() if logits.dtype.itemsize < 4 else logits
    skipped = labels == IGNORE_INDEX
    chosen = logits.log_softmax(-1).gather(-1, labels.masked_fill(skipped, 0).unsqueeze(-1))
    return chosen.squeeze(-1).masked_fill(skipped, 0.0)


def masked_mean(x: Tensor, mask: Tensor, dim: int | None = None) -> Tensor:
    """Mean of `x` where `mask` is True, over `dim` (over everything when None).

    `mask` has the shape of `x`. An empty selection gives NaN: a mean of nothing is not 0.

    >>> masked_mean(torch.tensor([1.0, 2.0, 6.0]), torch.tensor([True, False, True]))
    tensor(3.5000)
    """
    return masked_normalize(x, mask, 1.0, dim) / mask.sum(dim)


def masked_normalize(x: Tensor, mask: Tensor, constant: float, dim: int | None = None) -> Tensor:
    """Sum of `x` where `mask` is True, over `dim` (everything when None), divided by `constant`.

    Unlike a mean it does not shrink what a long answer counts for; with constant 1 it is the masked
    sum. Entries outside the mask never matter, not even when they are infinite or NaN.

    >>> masked_normalize(torch.tensor([1.0, 2.0, 6.0]), torch.tensor([True, False, True]), 2.0)
    tensor(3.5000)
    """
    return x.masked_fill(~mask.bool(), 0.0).sum(dim) / constant


def sft_loss(model: TransformerLM, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean negative log-likelihood, in nats, of the labels that are not -100: the answer tokens.

    `batch` is (input_ids, labels), both (B, T). The mean is over all answer tokens of the batch, so
    that each counts the same, whichever conversation it stands in; no answer token at all gives
    NaN. Logits are computed at the answer's positions only: the prompt's would be thrown away.

    >>> from common.model import ModelConfig
    >>> config = ModelConfig(9, context_length=4, d_model=8, num_layers=1, num_heads=2)
    >>> sft_loss(TransformerLM(config), (torch.tensor([[1, 2]]), torch.tensor([[-100, 3]]))).shape
    torch.Size([])
    """
    input_ids, labels = batch
    learned = labels != IGNORE_INDEX
    states = model.hidden(input_ids)[learned]  # (answer tokens, d_model)
    return cross_entropy(model.lm_head(states), labels[learned])


@torch.no_grad()
def start_control_tokens(model: TransformerLM, tokenizer) -> None:
    """Give the control tokens of a base model, in place, the embeddings of words like them.

    Pretraining never shows a control token, and its softmax pushes the rows of all of them the same
    way, towards "never": for a base model they are one and the same. Each gets the mean row of what
    stood in its place on the web pages: "Question:", "Answer:" and the end of a line. The output
    rows change likewise, where they are not the same matrix. (Means of known words for new ones:
    Hewitt 2021, "Initializing new word embeddings for pretrained language models".)

    >>> from common.model import ModelConfig
    >>> from common.tokenizer.encode import BPETokenizer
    >>> from common.tokenizer.special import CHAT_SPECIAL_TOKENS
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)
    >>> model = TransformerLM(ModelConfig(261, 128, d_model=8, num_layers=1, num_heads=2))
    >>> start_control_tokens(model, tokenizer)
    >>> rows = model.token_embeddings.weight
    >>> torch.equal(rows[tokenizer.special_id("<|end|>")], rows[ord("\\n")])
    True
    """
    for rows in (model.token_embeddings.weight, model.lm_head.weight):
        for name, text in _MEANINGS.items():
            words = tokenizer.encode(text, allowed_special=())
            rows[tokenizer.special_id(name)] = rows[words].mean(dim=0)


def sft(
    model: TransformerLM,
    tokenizer,
    examples: Sequence[_Instruction],
    *,
    steps: int,
    lr: float,
    batch_tokens: int,
    max_turns: int = 3,
    seed: int = 0,
    evaluate: Callable[[TransformerLM], float] | None = None,
    report: Callable[[TrainRecord], None] = print,
) -> list[TrainRecord]:
    """Fine-tune a base `model` in place on instructions; about ten records of the run.

    First `start_control_tokens`. Examples become conversations of up to `max_turns` questions, in
    batches of at most `batch_tokens` tokens, padding included. The optimizers are those of
    pretraining, Muon for the matrices at `lr` and AdamW for the rest at `lr / 4`, with a short
    warm-up and a cosine. `evaluate` and `report` are those of `train`. Raises ValueError when an
    example does not fit the context. Cost of a step: that of pretraining on `batch_tokens` tokens.

    >>> from common.data.town import instructions
    >>> from common.model import ModelConfig
    >>> from common.tokenizer.encode import BPETokenizer
    >>> from common.tokenizer.special import CHAT_SPECIAL_TOKENS
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)
    >>> model = TransformerLM(ModelConfig(261, 128, d_model=8, num_layers=1, num_heads=2))
    >>> examples = instructions(20, seed=0, kinds=("copy", "chat"))
    >>> records = sft(model, tokenizer, examples, steps=2, lr=0.01, batch_tokens=512)
    step    1/2  loss ...
    step    2/2  loss ...
    """
    start_control_tokens(model, tokenizer)
    template = ChatTemplate(tokenizer)
    rendered = [template.render_exchange(example.prompt, example.answer) for example in examples]
    joined = join_turns(
        rendered, context_length=model.config.context_length, max_turns=max_turns, seed=seed
    )
    batches = ChatBatches(joined, max_tokens=batch_tokens, pad_id=template.end_id, seed=seed)
    matrices, rest = split_parameters(model)
    return train(
        model,
        batches,
        TrainConfig(total_steps=steps, warmup_steps=steps // 20, report_every=max(1, steps // 10)),
        optimizers=[Muon(matrices, lr=lr), AdamW(rest, lr=lr / 4, weight_decay=0.0)],
        loss_fn=sft_loss,
        evaluate=evaluate,
        report=report,
    )
