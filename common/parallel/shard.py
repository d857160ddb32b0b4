"""ZeRO stage 1: the optimizer's state is spread over the ranks instead of copied to each.

AdamW keeps two numbers for every weight, so its state is twice as large as the model, and with data
parallelism every rank would hold the same copy of it. Here each parameter has an owner: only the
owner keeps its state and updates it, then sends the new values to the others. (Rajbhandari et al.
2019, "ZeRO", arXiv:1910.02054, section 5.1.)
Taught in ch06_scaling/01_data_parallel.ipynb.
Needs: nothing but torch.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


class ShardedOptimizer(torch.optim.Optimizer):
    """An optimizer of class `optimizer_cls` whose state is divided among the ranks.

    params: parameters, or dicts of them with their own settings, the same on every rank; kwargs go
    to `optimizer_cls`. Gradients must be equal on all ranks when `step` is called (see DDP). The
    result is what `optimizer_cls` gives in one process, to the last bit. Each parameter goes,
    whole, to the rank that owns least so far. `state_dict` holds this rank's part, under the
    indices that one process would use; `load_state_dict` takes the part, or everything, and keeps
    the part. Memory a rank: its share of the state. Traffic a step: every parameter once.
    RuntimeError without a process group.

    >>> import tempfile
    >>> rendezvous = f"file://{tempfile.mkdtemp()}/store"
    >>> dist.init_process_group("gloo", init_method=rendezvous, rank=0, world_size=1)
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> optimizer = ShardedOptimizer([w], torch.optim.SGD, lr=0.5)
    >>> w.grad = torch.ones(2)
    >>> optimizer.step()
    >>> w.data
    tensor([0.5000, 0.5000])
    >>> dist.destroy_process_group()
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        optimizer_cls: type[torch.optim.Optimizer],
        **kwargs: Any,
    ) -> None:
        if not dist.is_initialized():
            raise RuntimeError(
                "ShardedOptimizer needs a process group: call dist.init_process_group first"
            )
        self._optimizer_cls, self._kwargs = optimizer_cls, kwargs
        self._local: torch.optim.Optimizer | None = None  # holds every group, but only our params
        self._owners: dict[Tensor, int] = {}
        self._numbers = [0] * dist.get_world_size()  # owned by each rank
        super().__init__(params, kwargs)
        self.state = self._local.state

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters; each finds its owner, and the owner its state."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for p in group["params"]:
            owner = self._numbers.index(min(self._numbers))
            self._owners[p] = owner
            self._numbers[owner] += p.numel()
        mine = group | {"params": [p for p in group["params"] if self._is_mine(p)]}
        if self._local is None:
            self._local = self._optimizer_cls([mine], **self._kwargs)
        else:
            self._local.add_param_group(mine)
        group.update(_settings(self._local.param_groups[-1]))  # defaults that nobody spelled out

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update what this rank owns, then exchange: afterwards all ranks hold equal parameters."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group, local_group in zip(self.param_groups, self._local.param_groups, strict=True):
            local_group.update(_settings(group))  # a schedule writes the learning rate into ours
        self._local.step()
        works = [
            dist.broadcast(p.detach(), src=owner, async_op=True)
            for p, owner in self._owners.items()
        ]
        for work in works:
            work.wait()
        return loss

    def state_numbers(self) -> int:
        """How many numbers of optimizer state this rank keeps."""
        tensors = (value for state in self.state.values() for value in state.values())
        return sum(value.numel() for value in tensors if isinstance(value, Tensor))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Called by `load_state_dict`: keep what this rank owns."""
        super().__setstate__(state)
        ours = {p: values for p, values in self.state.items() if self._is_mine(p)}
        self.state = self._local.state = defaultdict(dict, ours)

    def _is_mine(self, p: Tensor) -> bool:
        return self._owners[p] == dist.get_rank()


def _settings(group: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}
