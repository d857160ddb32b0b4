"""The book's model: tokens a second in training and in generation, with and without a batch."""

from functools import partial

import numpy as np
import torch

from common.chain import PLANS
from common.data.batches import BatchSampler
from common.generate import generate_batch
from common.model import TransformerLM
from common.training.loop import TrainConfig, train
from tests.benchmarks.measure import report, seconds

plan = PLANS["book"]
torch.manual_seed(0)
model = TransformerLM(plan.model_config(plan.vocab_size))
tokens = np.random.default_rng(0).integers(0, plan.vocab_size, 100_000)
steps = 10


def training() -> None:
    sampler = BatchSampler(tokens, batch_size=plan.batch_size, context_length=plan.window_tokens)
    config = TrainConfig(total_steps=steps, warmup_steps=1, report_every=steps)
    train(model, sampler, config, optimizers=plan.optimizers(model), report=lambda record: None)


spent = seconds(training)
report("training step", tokens_per_s=steps * plan.batch_size * plan.window_tokens / spent)
prompts = [[1, 2, 3]] * 64
for batch in (1, 64):
    spent = seconds(partial(generate_batch, model.eval(), prompts[:batch], 100))
    report(f"generation, batch {batch}", tokens_per_s=batch * 100 / spent)
