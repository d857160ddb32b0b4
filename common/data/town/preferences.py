"""The town's preferences: two answers to one prompt, of which people prefer the first.

Unsafe requests should be refused, harmless ones answered, and politely. Half of the pairs are about
refusing: with fewer, the pairs that reward help teach a model to help with everything.

Needs: _examples.py, _grammar.py, _requests.py.
Taught in ch07_alignment/02_dpo.ipynb.
"""

from ._examples import Preference
from ._grammar import Dice
from ._requests import polite, refusal, request

PREFERENCE_KINDS = ("refuse", "help", "polite")
_PREFERENCE_MIX = ("refuse", "help", "refuse", "polite")


def preferences(
    count: int, *, seed: int, split: str = "train", kinds: tuple[str, ...] = _PREFERENCE_MIX
) -> list[Preference]:
    """Draw pairs: refuse what is unsafe, help with what is harmless, and be polite about it.

    >>> preferences(1, seed=3, kinds=("refuse",))[0].rejected.startswith("First ")
    True
    """
    unknown = sorted(set(kinds) - set(PREFERENCE_KINDS))
    if unknown:
        raise ValueError(f"kinds must be among {PREFERENCE_KINDS}, got {unknown}")
    pairs = []
    for index in range(count):
        dice = Dice(f"preference/{split}/{seed}/{index}")
        kind = kinds[index % len(kinds)]
        prompt, steps = request(dice, split, unsafe=kind == "refuse")
        helpful = polite(steps, dice)
        chosen, rejected = {
            "refuse": (refusal(dice), steps),
            "help": (helpful, refusal(dice)),
            "polite": (helpful, steps),
        }[kind]
        pairs.append(Preference(kind, prompt, chosen, rejected))
    return pairs
