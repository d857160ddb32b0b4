"""Training: optimizers, schedule, the loop, checkpoints and evaluation.

Needs: adamw.py, checkpoint.py, loop.py, muon.py.
"""

from .adamw import AdamW
from .checkpoint import load_model
from .loop import TrainConfig, train
from .muon import Muon, split_parameters

__all__ = ["AdamW", "Muon", "TrainConfig", "load_model", "split_parameters", "train"]
