"""See how much memory a function takes on its way, by watching the tensors that it makes.

This is scaffolding of the book, not a subject of it: the checks of the exercises stand on it.
Needs: nothing but torch.
"""

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LargestMade(TorchDispatchMode):
    """Notes how many numbers the largest tensor has that got memory of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        known = {x.untyped_storage().data_ptr() for x in given}
        for x in tree_leaves(result):
            if isinstance(x, Tensor) and x.untyped_storage().data_ptr() not in known:
                self.numel = max(self.numel, x.untyped_storage().nbytes() // x.itemsize)
        return result
