"""Several processes train one model: launching them, averaging gradients, sharding optimizers."""

from .data import DDP
from .groups import run_processes
from .shard import ShardedOptimizer

__all__ = ["DDP", "ShardedOptimizer", "run_processes"]
