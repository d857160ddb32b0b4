"""Checkpoints come back bit for bit, survive a crash while writing, and name every defect."""

import json
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from common.data.batches import BatchSampler
from common.model import ModelConfig, TransformerLM
from common.training import checkpoint
from common.training.adamw import AdamW
from common.training.checkpoint import (
    CheckpointError,
    load_checkpoint,
    load_model,
    save_checkpoint,
)
from common.training.muon import Muon, split_parameters

CONFIG = ModelConfig(20, 8, d_model=8, num_layers=1, num_heads=2, tie_embeddings=True)


def build(seed: int) -> tuple[TransformerLM, list[torch.optim.Optimizer], BatchSampler]:
    torch.manual_seed(seed)
    model = TransformerLM(CONFIG)
    matrices, rest = split_parameters(model)
    tokens = torch.arange(500).numpy() % 20
    return model, [Muon(matrices), AdamW(rest)], BatchSampler(tokens, 2, 8)


def train_a_little(model, optimizers, sampler) -> None:
    inputs, targets = sampler.next_batch()
    for optimizer in optimizers:
        optimizer.zero_grad()
    nn.functional.cross_entropy(model(inputs).flatten(0, 1), targets.flatten()).backward()
    for optimizer in optimizers:
        optimizer.step()


def saved_run(folder: Path):
    model, optimizers, sampler = build(seed=0)
    train_a_little(model, optimizers, sampler)
    save_checkpoint(
        folder,
        model=model,
        optimizers=optimizers,
        sampler=sampler,
        step=1,
        extra={"note": [1, "two", 0.1]},
    )
    return model, optimizers, sampler


def assert_same_state(ours, theirs) -> None:
    for a, b in zip(ours[0].parameters(), theirs[0].parameters(), strict=True):
        assert torch.equal(a, b)
    for a, b in zip(ours[1], theirs[1], strict=True):
        for x, y in zip(a.state.values(), b.state.values(), strict=True):
            assert x.keys() == y.keys()
            assert all(torch.equal(torch.as_tensor(x[k]), torch.as_tensor(y[k])) for k in x)
    assert ours[2].state_dict() == theirs[2].state_dict()


def test_checkpoint_restores_every_bit(tmp_path):
    run = saved_run(tmp_path)
    fresh = build(seed=1)
    found = load_checkpoint(tmp_path, model=fresh[0], optimizers=fresh[1], sampler=fresh[2])
    assert (found.step, found.extra) == (1, {"note": [1, "two", 0.1]})
    assert_same_state(run, fresh)
    train_a_little(*run)
    train_a_little(*fresh)
    assert_same_state(run, fresh)


def test_checkpoint_restores_the_random_state_only_when_asked(tmp_path):
    saved_run(tmp_path)
    expected = torch.rand(3)
    load_checkpoint(tmp_path)
    assert not torch.equal(torch.rand(3), expected)
    load_checkpoint(tmp_path, restore_random=True)
    assert torch.equal(torch.rand(3), expected)


def test_load_model_rebuilds_the_model(tmp_path):
    model = saved_run(tmp_path)[0]
    before = torch.get_rng_state()
    loaded = load_model(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert loaded.config == CONFIG and not loaded.training
    assert loaded.lm_head.weight is loaded.token_embeddings.weight
    ids = torch.tensor([[1, 2, 3]])
    assert torch.equal(loaded(ids), model(ids))


def test_checkpoint_keeps_buffers(tmp_path):
    norm = nn.BatchNorm1d(3)
    norm(torch.randn(8, 3))
    save_checkpoint(tmp_path, model=norm)
    other = nn.BatchNorm1d(3)
    load_checkpoint(tmp_path, model=other)
    assert torch.equal(other.running_mean, norm.running_mean)
    assert other.num_batches_tracked == 1


def test_checkpoint_contains_no_pickle_and_no_old_files(tmp_path):
    run = saved_run(tmp_path)
    train_a_little(*run)
    save_checkpoint(tmp_path, model=run[0], optimizers=run[1], sampler=run[2], step=2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.split("-")[0] for name in names] == ["model", "state.json", "training"]
    assert load_checkpoint(tmp_path).step == 2


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_checkpoint_survives_a_crash_while_saving(tmp_path, monkeypatch, dies_at):
    run = saved_run(tmp_path)
    expected = [p.detach().clone() for p in run[0].parameters()]
    train_a_little(*run)
    replace, calls = os.replace, []

    def failing_replace(source, target):
        calls.append(target)
        if len(calls) == dies_at:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(checkpoint.os, "replace", failing_replace)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path, model=run[0], optimizers=run[1], sampler=run[2], step=2)
    fresh = build(seed=1)
    found = load_checkpoint(tmp_path, model=fresh[0], optimizers=fresh[1], sampler=fresh[2])
    assert found.step == 1
    assert all(torch.equal(a, b) for a, b in zip(fresh[0].parameters(), expected, strict=True))
    monkeypatch.undo()
    save_checkpoint(tmp_path, model=run[0], step=3)
    assert load_checkpoint(tmp_path).step == 3
    assert len(list(tmp_path.iterdir())) == 2  # what the crash left behind is gone


def damage_state(folder: Path, **changes) -> None:
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | changes))


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "state.json").unlink(), "no checkpoint in .*: state.json is missing"),
        (lambda f: (f / "state.json").write_text('{"format": 1,'), "state.json is damaged"),
        (lambda f: damage_state(f, step=9), "state.json was changed after it was written"),
        (lambda f: damage_state(f, format=2), "has checkpoint format 2, this code reads 1"),
        (lambda f: next(f.glob("model-*")).unlink(), r"lacks its file model-\w+.safetensors"),
        (lambda f: flip_a_bit(next(f.glob("model-*"))), "model-.* was changed after it was"),
        (lambda f: os.truncate(next(f.glob("model-*")), 100), r"model-.* has 100 bytes instead of"),
        (lambda f: flip_a_bit(next(f.glob("training-*"))), "training-.* was changed after it was"),
    ],
)
def test_load_checkpoint_names_the_damage_and_changes_nothing(tmp_path, damage, message):
    saved_run(tmp_path)
    damage(tmp_path)
    fresh, untouched = build(seed=1), build(seed=1)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(tmp_path, model=fresh[0], optimizers=fresh[1], sampler=fresh[2])
    assert_same_state(fresh, untouched)


def test_load_checkpoint_lists_every_tensor_that_does_not_fit(tmp_path):
    saved_run(tmp_path)
    other = TransformerLM(ModelConfig(30, 8, d_model=8, num_layers=2, num_heads=2, qk_norm=True))
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path, model=other)
    lines = str(error.value).splitlines()
    assert "does not fit the model" in lines[0]
    assert "missing from the checkpoint: " in lines[1]
    assert "layers.1.ffn.w1.weight" in lines[1] and "lm_head.weight" in lines[1]
    assert lines[2] == (
        "  token_embeddings.weight is (20, 8) float32 in the checkpoint, "
        "(30, 8) float32 in the model"
    )


def test_load_checkpoint_names_extra_tensors_and_dtypes(tmp_path):
    save_checkpoint(tmp_path, model=nn.Linear(2, 3))
    with pytest.raises(CheckpointError, match="extra in the checkpoint: bias"):
        load_checkpoint(tmp_path, model=nn.Linear(2, 3, bias=False))
    with pytest.raises(CheckpointError, match=r"bias is \(3,\) float32 in the .* \(3,\) float64"):
        load_checkpoint(tmp_path, model=nn.Linear(2, 3).double())


def test_load_checkpoint_refuses_other_optimizers(tmp_path):
    model, optimizers, _ = saved_run(tmp_path)
    with pytest.raises(CheckpointError, match=r"\('Muon', \[7\]\), \('AdamW', \[4\]\)\], got"):
        load_checkpoint(tmp_path, model=model, optimizers=optimizers[::-1])
    shuffled = AdamW(reversed(optimizers[1].param_groups[0]["params"]))
    with pytest.raises(CheckpointError, match=r"exp_avg of parameter 0 of AdamW is \(20, 8\)"):
        load_checkpoint(tmp_path, model=model, optimizers=[optimizers[0], shuffled])


def test_load_checkpoint_refuses_to_resume_from_a_model_alone(tmp_path):
    model, optimizers, sampler = build(seed=0)
    save_checkpoint(tmp_path, model=model)
    with pytest.raises(CheckpointError, match="holds a model without optimizers"):
        load_checkpoint(tmp_path, model=model, optimizers=optimizers)
    with pytest.raises(CheckpointError, match="saved without a sampler"):
        load_checkpoint(tmp_path, sampler=sampler)
    save_checkpoint(tmp_path, model=nn.Linear(2, 2))
    with pytest.raises(CheckpointError, match="saved without a ModelConfig"):
        load_model(tmp_path)


def test_load_checkpoint_refuses_the_sampler_of_another_run(tmp_path):
    run = saved_run(tmp_path)
    other = BatchSampler(run[2].tokens, 2, 4)
    with pytest.raises(CheckpointError, match=r"has context_length 8 \(here 4\)"):
        load_checkpoint(tmp_path, sampler=other)
