"""The two layers that hold most of a model's numbers: linear maps and tables of rows.

Each class is its formula and its parameters, under the names and in the shapes that published
checkpoints use. A Linear mixes the entries of a vector; an Embedding looks a vector up.

Shapes: leading dimensions are free; the last one is d_in, d_out or d_model.
Taught in ch04_model/02_feed_forward.ipynb.
Needs: nothing but torch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Linear(nn.Module):
    """y = x W^T + b with W of shape (d_out, d_in), the layout that every checkpoint uses.

    The weight starts normal with standard deviation 1 / sqrt(d_in), so inputs of variance 1 give
    outputs of variance 1 at any width; the bias starts at 0. ValueError for a size below 1.
    Cost: 2 * d_in * d_out FLOPs a vector.

    >>> layer = Linear(3, 2)
    >>> layer.weight.shape, layer.bias
    (torch.Size([2, 3]), None)
    >>> layer(torch.zeros(5, 3)).shape
    torch.Size([5, 2])
    """

    def __init__(self, d_in: int, d_out: int, bias: bool = False) -> None:
        super().__init__()
        for name, size in (("d_in", d_in), ("d_out", d_out)):
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        self.d_in, self.d_out = d_in, d_out
        self.weight = nn.Parameter(torch.empty(d_out, d_in).normal_(std=d_in**-0.5))
        self.bias = nn.Parameter(torch.zeros(d_out)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)  # (..., d_in) -> (..., d_out)

    def extra_repr(self) -> str:
        return f"{self.d_in}, {self.d_out}, bias={self.bias is not None}"


class Embedding(nn.Module):
    """A table with one row of d_model numbers for each id: ids (...) int64 -> (..., d_model).

    Rows start normal with standard deviation 0.02 (GPT-2), small because a tied output layer takes
    its dot products with these same rows. An id outside the table raises IndexError. Cost: a copy.

    >>> Embedding(10, 4)(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 4])
    """

    def __init__(self, num_embeddings: int, d_model: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_embeddings, d_model).normal_(std=0.02))

    def forward(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.weight)

    def extra_repr(self) -> str:
        return "{}, {}".format(*self.weight.shape)
