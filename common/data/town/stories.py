"""Short stories about the town, with questions whose answers stand in the story.

Every story knows the entropy of the choices that made it (`Story.bits`), the floor for any model's
loss on it. Half of the stories are tall tales with invented names and nouns, which a model cannot
know by heart: to use one again it has to look back and copy it.
A story is held out when the pair (hero, thing) that its text shows falls into one class of twenty;
the site never shows such a story, and `heldout_stories` gives no other.

Needs: _grammar.py, _story.py.
Taught in ch05_pretraining/02_pretrain.ipynb.
"""

from ._grammar import Dice
from ._story import Story, write_story

__all__ = ["Story", "heldout_stories"]


def heldout_stories(count: int, *, seed: int, words: str = "train") -> list[Story]:
    """Stories that the town's site never shows.

    Args:
        count: how many; each is independent of the others.
        seed: the same seed gives the same stories.
        words: "train" for new stories made like those of the site (this is what `Story.bits` is
            the floor for), "heldout" for stories whose names, things, places, animals and foods
            never appear on the site.

    Returns:
        `count` stories.

    >>> a, b = heldout_stories(2, seed=7)
    >>> a.text != b.text and 20 < a.bits < 200
    True
    """
    if count < 0:
        raise ValueError(f"count must be at least 0, got {count}")
    return [
        write_story(Dice(f"heldout/{words}/{seed}/{i}"), words, held_out=True) for i in range(count)
    ]
