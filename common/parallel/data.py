"""Data parallelism: every process holds the whole model and sees its own part of the batch.

Each rank computes gradients on its share; an all-reduce replaces them by their mean over the ranks,
so that every rank takes the same step and the copies stay equal. The mean of the gradients of equal
parts is the gradient of the whole batch: two processes do what one does with twice the batch.

A gradient is ready long before the backward pass ends, the last layer's first. So its all-reduce
starts at once and runs beside the rest of the computation; and many small gradients share one
message, a bucket, because every message costs a fixed latency. (Li et al. 2020, "PyTorch
Distributed", arXiv:2006.15704, section 3.2.)
Taught in ch06_scaling/01_data_parallel.ipynb.
Needs: nothing but torch.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


class DDP(nn.Module):
    """Wraps a module so that its gradients become the mean over all ranks.

    Broadcasts rank 0's parameters and buffers at the start. After each `backward`, call
    `finish_gradient_synchronization` once, before clipping and the optimizer's step; gradients that
    are not cleared in between accumulate. Tied parameters are sent once and frozen ones never; a
    parameter that some ranks did not use counts as zero there, and one that nobody used keeps no
    gradient.

    bucket_size_mb: gradients are sent in buckets of at most this many megabytes (10^6 bytes; a
    parameter that is larger is a bucket of its own), in the order in which the backward pass should
    finish them; None sends each one by itself. Memory: one extra copy of the gradients. Traffic a
    step and rank: about twice the gradients' bytes. ValueError for a bucket size that is not
    positive; RuntimeError without a process group, or in a second backward before the gradients of
    the first were finished.

    >>> import tempfile
    >>> rendezvous = f"file://{tempfile.mkdtemp()}/store"
    >>> dist.init_process_group("gloo", init_method=rendezvous, rank=0, world_size=1)
    >>> model = DDP(nn.Linear(2, 1), bucket_size_mb=1.0)
    >>> model(torch.ones(3, 2)).sum().backward()
    >>> model.finish_gradient_synchronization()
    >>> model.module.weight.grad
    tensor([[3., 3.]])
    >>> dist.destroy_process_group()
    """

    def __init__(self, module: nn.Module, *, bucket_size_mb: float | None = None) -> None:
        super().__init__()
        if bucket_size_mb is not None and not bucket_size_mb > 0:
            raise ValueError(f"bucket_size_mb must be greater than 0, got {bucket_size_mb}")
        if not dist.is_initialized():
            raise RuntimeError("DDP needs a process group: call dist.init_process_group first")
        self.module = module
        for tensor in [*module.parameters(), *module.buffers()]:
            dist.broadcast(tensor.detach(), src=0)
        self._buckets = _fill_buckets(module, bucket_size_mb)
        for bucket in self._buckets:
            for p in bucket:
                p.register_post_accumulate_grad_hook(self._ready)
        self._start()

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        """What the module gives for this rank's part of the batch."""
        return self.module(*inputs, **keywords)

    def finish_gradient_synchronization(self) -> None:
        """Wait until every gradient is the mean over the ranks. Call once after each backward."""
        while len(self._sent) < len(self._buckets):
            self._send()
        for bucket, (work, flat) in zip(self._buckets, self._sent, strict=True):
            work.wait()
            *means, users = flat.split([*(p.numel() for p in bucket), len(bucket)])
            for p, mean, used in zip(bucket, means, users.tolist(), strict=True):
                p.grad = mean.view_as(p) if used else None
        self._start()

    def _start(self) -> None:
        self._arrived: set[Tensor] = set()
        self._sent: list[tuple[dist.Work, Tensor]] = []

    def _ready(self, p: Tensor) -> None:
        """Called by autograd when the gradient of `p` is complete."""
        if p in self._arrived:
            raise RuntimeError("call finish_gradient_synchronization once after each backward")
        self._arrived.add(p)
        # Buckets leave in their order and not in that of completion, or ranks would mix them up.
        while len(self._sent) < len(self._buckets) and self._arrived.issuperset(
            self._buckets[len(self._sent)]
        ):
            self._send()

    def _send(self) -> None:
        bucket = self._buckets[len(self._sent)]
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in bucket]
        used = bucket[0].new_tensor([p.grad is not None for p in bucket])  # one number a parameter
        flat = torch.cat([*(grad.flatten() for grad in grads), used]).div_(dist.get_world_size())
        self._sent.append((dist.all_reduce(flat, async_op=True), flat))


def _fill_buckets(module: nn.Module, bucket_size_mb: float | None) -> list[list[Tensor]]:
    """Trainable parameters, the last ones first, in lists of one dtype and a limited size."""
    buckets: list[list[Tensor]] = []
    room = 0.0
    for p in reversed([p for p in module.parameters() if p.requires_grad]):
        size = p.numel() * p.element_size()
        if not buckets or size > room or p.dtype != buckets[-1][-1].dtype:
            buckets.append([])
            room = 0.0 if bucket_size_mb is None else bucket_size_mb * 1e6
        buckets[-1].append(p)
        room -= size
    return buckets
