"""See how much memory a function takes on its way, by looking at what it keeps for the gradient.

This is scaffolding of the book, not a subject of it: the checks of the exercises stand on it.
Needs: nothing but torch.
"""

from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks


class LargestKept(saved_tensors_hooks):
    """Notes how many numbers the largest memory block holds that a gradient would need.

    A product keeps both of its factors for its gradient, so a factor that was copied is seen, and a
    view counts as what it is a view of. Only products with inputs that require gradients are seen.
    """

    def __init__(self) -> None:
        super().__init__(self._note, lambda kept: kept)
        self.numel = 0

    def __enter__(self) -> "LargestKept":
        super().__enter__()
        return self

    def _note(self, x: Tensor) -> Tensor:
        self.numel = max(self.numel, x.untyped_storage().nbytes() // x.itemsize)
        return x
