"""ZeRO stage 1: the optimizer's state is spread over the ranks instead of copied to each.

AdamW keeps two numbers for every weight, so its state is twice as large as the model, and with data
parallelism every rank would hold the same copy of it. Here each parameter has an owner: only the
owner keeps its state and updates it, then sends the new values to the others. (Rajbhandari et al.
2019, "ZeRO", arXiv:1910.02054, section 5.1.)
Taught in ch06_scaling/01_data_parallel.ipynb.
Needs: nothing but torch.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


class ShardedOptimizer(torch.optim.Optimizer):
    """An optimizer of class `optimizer_cls` whose state is divided among the ranks.

    params: parameters, or dicts of them with their own settings, the same on every rank. Gradients
    must be equal on all ranks when `step` is called (see DDP). The result is what `optimizer_cls`
    gives in one process, to the last bit. Each parameter goes, whole, to the rank that owns least
    so far. Memory a rank: its share of the state. Traffic a step: every parameter once.

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
        self._local: torch.optim.Optimizer | None = None  # the optimizer of what this rank owns
        self._owners: dict[Tensor, int] = {}
        self._numbers = [0] * dist.get_world_size()  # owned by each rank
        super().__init__(params, kwargs)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters; each finds its owner, and the owner its state."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for p in group["params"]:
            owner = self._numbers.index(min(self._numbers))
            self._owners[p] = owner
            self._numbers[owner] += p.numel()
        mine = [p for p in group["params"] if self._owners[p] == dist.get_rank()]
        if not mine:
            return
        local_group = {**group, "params": mine}
        if self._local is None:
            self._local = self._optimizer_cls([local_group], **self._kwargs)
        else:
            self._local.add_param_group(local_group)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update what this rank owns, then exchange: afterwards all ranks hold equal parameters."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if self._local is not None:
            self._pass_on_settings()
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
        states = [] if self._local is None else self._local.state.values()
        tensors = (value for state in states for value in state.values())
        return sum(value.numel() for value in tensors if isinstance(value, Tensor))

    def _pass_on_settings(self) -> None:
        """A schedule writes the learning rate into our groups; the local optimizer must see it."""
        local_groups = iter(self._local.param_groups)
        for group in self.param_groups:
            if any(self._owners[p] == dist.get_rank() for p in group["params"]):
                settings = {key: value for key, value in group.items() if key != "params"}
                next(local_groups).update(settings)
