"""The chain holds: every artefact can be built from those before it, and the same way twice."""

import json

import pytest

from common import chain
from common.artifacts import ArtifactError, ArtifactStore
from common.training.checkpoint import load_model


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> ArtifactStore:
    """The whole chain at the smoke budget."""
    store = ArtifactStore(tmp_path_factory.mktemp("chain"), "smoke")
    for build in chain.BUILDERS.values():
        build(store, chain.PLANS["smoke"])
    return store


def test_inputs_stand_before_what_is_made_from_them():
    made = set()
    for name, inputs in chain.INPUTS.items():
        assert set(inputs) <= made
        made.add(name)
    assert list(chain.INPUTS) == list(chain.BUILDERS)


def test_chain_leaves_sound_artefacts_of_every_kind(store):
    files = {name: {p.name for p in store.path(name).iterdir()} for name in chain.BUILDERS}
    assert {"town.warc.gz", "library.warc.gz", "labels.json"} <= files["crawl"]
    assert {"spam.safetensors", "toxicity.safetensors"} <= files["classifiers"]
    assert {"town.jsonl.gz", "town.html", "receipts.jsonl.gz", "funnel.json"} <= files["corpus"]
    assert {"train.bin", "valid.bin", "shard.json"} <= files["shards"]
    assert all("losses.json" in files[name] for name in ("base", "sft", "aligned"))


def test_chain_is_one_model_that_keeps_its_shape(store):
    configs = {load_model(store.path(name)).config for name in ("base", "sft", "aligned")}
    assert len(configs) == 1
    assert configs.pop().vocab_size == chain.load_tokenizer(store).vocab_size


def test_chain_records_every_step_of_training(store):
    plan = chain.PLANS["smoke"]
    steps = {"base": plan.pretrain_steps, "sft": plan.sft_steps, "aligned": plan.dpo_steps}
    for name, last in steps.items():
        records = json.loads((store.path(name) / "losses.json").read_text(encoding="utf-8"))
        assert records[-1]["step"] == last


def test_chain_is_a_function_of_its_seed(store, tmp_path):
    again = ArtifactStore(tmp_path, "smoke")
    for name in ("crawl", "classifiers", "corpus", "tokenizer"):
        chain.BUILDERS[name](again, chain.PLANS["smoke"])
    same, other = (s.path("tokenizer") / "tokenizer.json" for s in (store, again))
    assert same.read_bytes() == other.read_bytes()


def test_building_without_the_inputs_names_the_missing_one(tmp_path):
    with pytest.raises(ArtifactError, match="crawl"):
        chain.build_corpus(ArtifactStore(tmp_path, "smoke"), chain.PLANS["smoke"])


@pytest.mark.parametrize("budget", chain.PLANS)
def test_plan_fits_together(budget):
    plan = chain.PLANS[budget]
    assert plan.window_tokens <= plan.context_length
    assert plan.dpo_batch_pairs <= plan.dpo_pairs
    assert plan.sft_batch_tokens >= plan.context_length
    assert plan.model_config(plan.vocab_size).head_dim % 2 == 0
