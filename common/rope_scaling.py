"""Context extension: slower rotations, so that a model reads further than it was trained to.

RoPE turns pair i by f_i = theta ** (-2i / D) radians a token. Beyond the trained length the slow
pairs reach angles that the model has never seen. Each method here turns them more slowly, so that
`factor` times as many tokens span the angles that are known, and differs in what it does to the
fast pairs, which tell neighbours apart:

    linear   f_i / factor for every pair        Chen et al. 2023, arXiv:2306.15595
    NTK      a larger theta: pair 0 keeps its   bloc97 2023, "NTK-aware scaled RoPE";
             speed, the last gets f / factor    Peng et al. 2023, arXiv:2309.00071, section 3.1
    Llama 3  by the turns a pair makes in the   Grattafiori et al. 2024, arXiv:2407.21783,
             old context: fast kept, slow f /   section 3.4.2, and Meta's reference code
             factor, between them a mixture
    YaRN     the same idea, mixed by pair; and  Peng et al. 2023, arXiv:2309.00071, section 3.2
             scores are made a little larger    and 3.4, and its reference code

Shapes: D head_dim; frequencies (D / 2,) float64, in radians a token, fastest first.
Taught in ch03_attention/04_positions.ipynb.
Needs: nothing but torch.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LinearScaling:
    """Every pair turns `factor` times more slowly, as if position p were p / factor.

    >>> rope_frequencies(4, 10000.0, LinearScaling(factor=2.0))[0]
    tensor([0.5000, 0.0050], dtype=torch.float64)
    """

    factor: float  # new context / old context, at least 1

    def __post_init__(self) -> None:
        _check_factor(self.factor)


@dataclass(frozen=True)
class NTKScaling:
    """theta grows to theta * factor ** (D / (D - 2)): the last pair slows by `factor`, pair 0 not.

    Needs head_dim of at least 4.

    >>> rope_frequencies(4, 10000.0, NTKScaling(factor=2.0))[0]
    tensor([1.0000, 0.0050], dtype=torch.float64)
    """

    factor: float  # how much slower the slowest pair turns, at least 1

    def __post_init__(self) -> None:
        _check_factor(self.factor)

    @classmethod
    def dynamic(
        cls, num_tokens: int, *, original_context: int, factor: float = 1.0
    ) -> "NTKScaling":
        """The "dynamic" variant at one moment: no scaling until the text outgrows the old context.

        The factor is factor * num_tokens / original_context - (factor - 1). It changes with the
        text's length, so keys that were rotated for a shorter text must be rotated anew: a cache
        would have to keep them unrotated.

        >>> [NTKScaling.dynamic(n, original_context=192).factor for n in (100, 192, 384)]
        [1.0, 1.0, 2.0]
        """
        _check_factor(factor)
        _check_context(original_context)
        return cls(factor * max(1.0, num_tokens / original_context) - (factor - 1.0))


@dataclass(frozen=True)
class Llama3Scaling:
    """Pairs with more than `high_freq_factor` turns kept, below `low_freq_factor` slowed.

    Between the two, a mixture that is linear in the turns. The defaults are Llama 3.1's.

    >>> rope_frequencies(4, 10000.0, Llama3Scaling(factor=2.0, original_context=100))[0]
    tensor([1.0000, 0.0050], dtype=torch.float64)
    """

    factor: float = 8.0  # how much slower the slow pairs turn, at least 1
    low_freq_factor: float = 1.0  # turns in the old context
    high_freq_factor: float = 4.0  # turns in the old context
    original_context: int = 8192  # tokens in training

    def __post_init__(self) -> None:
        _check_factor(self.factor)
        _check_context(self.original_context)
        if not 0 < self.low_freq_factor < self.high_freq_factor:
            raise ValueError(
                "low_freq_factor must be positive and below high_freq_factor, "
                f"got {self.low_freq_factor} and {self.high_freq_factor}"
            )


@dataclass(frozen=True)
class YarnScaling:
    """Pairs with more than `beta_fast` turns kept, with fewer than `beta_slow` slowed by `factor`.

    Between them, a mixture that is linear in the pair's number; `truncate` rounds its two ends
    outwards to whole pairs. Queries and keys are both multiplied by `attention_factor`, so scores
    grow by its square; None gives the paper's 0.1 ln(factor) + 1, or with `mscale` and
    `mscale_all_dim` both set (DeepSeek-V3) the ratio of 0.1 * mscale * ln(factor) + 1 for the two.

    >>> frequencies, scale = rope_frequencies(4, 10000.0, YarnScaling(2.0, original_context=100))
    >>> frequencies, round(scale, 4)
    (tensor([1.0000, 0.0050], dtype=torch.float64), 1.0693)
    """

    factor: float  # new context / old context, at least 1
    original_context: int  # tokens in training
    beta_fast: float = 32.0  # turns in the old context
    beta_slow: float = 1.0  # turns in the old context
    attention_factor: float | None = None
    mscale: float | None = None
    mscale_all_dim: float | None = None
    truncate: bool = True

    def __post_init__(self) -> None:
        _check_factor(self.factor)
        if not 0 < self.beta_slow < self.beta_fast:
            raise ValueError(
                "beta_slow must be positive and below beta_fast, "
                f"got {self.beta_slow} and {self.beta_fast}"
            )
        if self.original_context <= 2 * math.pi * self.beta_slow:
            raise ValueError(
                f"original_context {self.original_context} must exceed 2 pi beta_slow = "
                f"{2 * math.pi * self.beta_slow:.1f}, or no pair makes beta_slow turns in it"
            )
        if self.attention_factor is not None and self.attention_factor <= 0:
            raise ValueError(f"attention_factor must be positive, got {self.attention_factor}")


RopeScaling = LinearScaling | NTKScaling | Llama3Scaling | YarnScaling


def rope_frequencies(
    head_dim: int, theta: float, scaling: RopeScaling | None = None
) -> tuple[Tensor, float]:
    """Radians a token of each pair, (D / 2,) float64, and the factor for queries and keys.

    The factor is 1.0 for every method but YaRN. Costs D / 2 powers.

    Raises ValueError when head_dim is odd or not positive, when theta is not above 1, when
    NTK scaling meets a head_dim of 2, and TypeError for another kind of scaling.

    >>> rope_frequencies(4, 10000.0)
    (tensor([1.0000, 0.0100], dtype=torch.float64), 1.0)
    """
    if head_dim % 2 or head_dim <= 0:
        raise ValueError(f"head_dim must be even and positive to form pairs, got {head_dim}")
    if not 1.0 < theta < math.inf:
        raise ValueError(f"theta must be a finite number above 1, got {theta}")
    frequencies = _unscaled(head_dim, theta)
    match scaling:
        case None:
            return frequencies, 1.0
        case LinearScaling():
            return frequencies / scaling.factor, 1.0
        case NTKScaling():
            if head_dim == 2:
                raise ValueError("NTK scaling needs head_dim of at least 4, got 2")
            return _unscaled(head_dim, theta * scaling.factor ** (head_dim / (head_dim - 2))), 1.0
        case Llama3Scaling():
            return _slow_down(frequencies, _llama3_slowness(frequencies, scaling), scaling), 1.0
        case YarnScaling():
            slowness = _yarn_slowness(head_dim, theta, scaling)
            return _slow_down(frequencies, slowness, scaling), _yarn_attention_factor(scaling)
    raise TypeError(f"scaling must be one of {RopeScaling}, got {scaling!r}")


def _unscaled(head_dim: int, theta: float) -> Tensor:
    exponents = torch.arange(0, head_dim, 2, device="cpu").double() / head_dim
    return theta**-exponents


def _slow_down(
    frequencies: Tensor, slowness: Tensor, scaling: Llama3Scaling | YarnScaling
) -> Tensor:
    """Slowness 0 keeps a pair, 1 divides its frequency by the factor, between them a mixture."""
    return frequencies * (1 - slowness) + frequencies / scaling.factor * slowness


def _llama3_slowness(frequencies: Tensor, scaling: Llama3Scaling) -> Tensor:
    turns = scaling.original_context * frequencies / (2 * math.pi)  # (D / 2,)
    band = scaling.high_freq_factor - scaling.low_freq_factor
    return ((scaling.high_freq_factor - turns) / band).clamp(0, 1)


def _yarn_slowness(head_dim: int, theta: float, scaling: YarnScaling) -> Tensor:
    def pair_with(turns: float) -> float:  # solves original_context * f_i = 2 pi turns for i
        wavelengths = scaling.original_context / (2 * math.pi * turns)
        return head_dim * math.log(wavelengths) / (2 * math.log(theta))

    first, last = pair_with(scaling.beta_fast), pair_with(scaling.beta_slow)
    if scaling.truncate:
        first, last = math.floor(first), math.ceil(last)
    # The reference code bounds the ramp by D - 1, although the last pair is D / 2 - 1.
    first, last = max(first, 0), min(last, head_dim - 1)
    width = max(last - first, 0.001)
    return ((torch.arange(head_dim // 2, device="cpu").double() - first) / width).clamp(0, 1)


def _yarn_attention_factor(scaling: YarnScaling) -> float:
    if scaling.attention_factor is not None:
        return scaling.attention_factor
    grow = 0.1 * math.log(scaling.factor)
    if scaling.mscale and scaling.mscale_all_dim:
        return (grow * scaling.mscale + 1) / (grow * scaling.mscale_all_dim + 1)
    return grow + 1


def _check_factor(factor: float) -> None:
    if not 1.0 <= factor < math.inf:
        raise ValueError(f"factor must be a finite number of at least 1, got {factor}")


def _check_context(original_context: int) -> None:
    if original_context < 1:
        raise ValueError(f"original_context must be at least 1, got {original_context}")
