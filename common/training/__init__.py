"""Training: optimizers, schedule, the loop, checkpoints and evaluation."""

from .adamw import AdamW
from .checkpoint import load_model
from .loop import TrainConfig, train
from .muon import Muon, split_parameters

__all__ = ["AdamW", "Muon", "TrainConfig", "load_model", "split_parameters", "train"]
