"""The vocabulary of the town, and the held-out part of it that is split off before anything is written.

A word is held out when the CRC-32 of its spelling falls into one class of six: the split depends on the
word alone, so that adding a word moves no other word across the border.
"""

import math
from functools import cache
from zlib import crc32

from ._grammar import Dice

_HELD_OUT_ONE_IN = 6

GIRLS = tuple(
    """
Ada Agnes Aisha Alba Alice Alma Amara Amelia Anita Anna Anya Asha Astrid Bella Bertha Bianca Carla Carmen Celia
Chloe Clara Cora Daisy Dalia Daria Delia Dora Edith Elena Eliza Ella Elsa Emma Erika Esme Esther Eva Fatima Fay
Fiona Flora Freya Gina Gloria Greta Hana Hanna Hazel Heidi Helena Ida Ines Ingrid Irene Iris Isla Ivy Jade Jana Jenny
Judith Julia June Karin Katya Kira Lara Laura Leila Lena Lily Lina Lola Lucia Lucy Luna Mabel Maja Mara Maria Marta Maya
Mei Mia Mila Mina Mira Molly Nadia Naomi Nela Nina Nora Olga Olive Paula Pearl Petra Pia Rania Rita Rosa Ruby Ruth Sadie
Sara Selma Sofia Sonia Stella Susan Sylvia Tamar Tanya Tara Tessa Thea Tilda Tina Uma Vera Viola Wanda Wilma Yara Yuki Zara
Zelda Zoe
""".split()
)

BOYS = tuple(
    """
Aaron Abel Adam Adrian Ahmed Albert Alec Amir Anders Andre Anton Arlo Arthur Axel Basil Ben Boris Bruno Caleb Carlo
Casper Cedric Conrad Cyrus Dan David Dennis Diego Dylan Edgar Edwin Eli Elias Emil Enzo Eric Ernest Ethan Evan Felix Finn
Frank Fred Gabriel George Gilbert Gus Hamid Hans Harry Hector Henry Hugo Ian Igor Isaac Ivan Jack Jakob James Jan Jasper
Joel John Jonas Jorge Josef Julian Karl Kasim Kenji Kurt Lars Leo Leon Levi Liam Louis Luca Luis Lukas Magnus Malik Marco Mark
Martin Mateo Max Milo Morris Nathan Nico Noah Olaf Oliver Omar Oscar Otto Pablo Paul Pavel Pedro Peter Rafael Ralph Ravi Remy
Robin Roman Rudi Rufus Samir Samuel Sasha Sergei Simon Stefan Sven Tariq Theo Thomas Tim Tobias Tom Toni Uri Victor Viktor
Walter Wim Yusuf Zack
""".split()
)

THINGS = tuple(
    """
anchor apron axe badge ball balloon banjo banner basin basket bat bead bell belt blanket boat bonnet book boot bottle bow
bowl box bracelet brick broom brush bucket bugle button cage cake camera candle cane canoe cap card cart chain chair chalk
chest chisel cloak clock coat coin comb compass cork crayon crown cup curtain cushion diary dish doll dress
drum easel fan feather fiddle flag flask flute fork frame funnel gem glass globe glove goblet guitar hammer hammock harp
hat helmet hook horn hose jacket jar jewel jug kettle key kite knife knot ladder ladle lamp lantern lens letter lock locket loom
magnet mallet map marble mask mat medal mirror mitten mop mug necklace needle net notebook oar paddle pail paintbrush
pan parasol pebble pen pencil pendant piano pillow pin pipe pitcher plate pot pouch puppet purse quilt radio rake
rattle ribbon ring robe rope rug ruler sack saddle sail satchel saw scale scarf scroll shawl shell
shield shoe shovel sled slipper soap sock spade spear spoon stamp statue stick stool stove string sundial sweater
table tambourine tape teapot telescope tent thimble thread ticket top torch towel toy tray trophy trumpet trunk tunic
umbrella vase veil vest violin wagon wallet wand watch wheel whistle wig windmill wreath yarn zither
""".split()
)

PLACES = tuple(
    """
abbey alley arcade arch archway attic bakery bandstand bank barn bay beach bench boathouse bridge brook cabin canal castle
cave cellar chapel church cinema cliff clinic cottage courtyard creek crossroads dairy dam dock dovecote farm fence ferry field forest
forge fort fountain garage garden gate glade greenhouse grove hall harbour hedge henhouse hill hospital hotel hut inn island jetty
kiln kitchen lagoon lake lane library lighthouse loft maze market marsh meadow mill mine monument moor museum nursery oak
observatory orchard park path pavilion pier pond port porch pottery quarry quay ravine reef river road ruin school shed shop shore
shrine smithy spring square stable stadium station stream swamp tavern temple terrace theatre tower tunnel valley
viaduct vineyard wall warehouse waterfall well wharf wood workshop yard zoo
""".split()
)

ANIMALS = tuple(
    """
badger bear beaver bee bird calf camel cat chick cow crab crow deer dog donkey dove duck eagle eel falcon ferret fox
frog goat goose hamster hare hawk hedgehog hen heron horse kitten lamb lark lizard magpie mole moth mouse newt otter
owl ox parrot pig pigeon pony puppy rabbit rat raven robin rooster seal sheep snail sparrow spider squirrel
swan tiger toad tortoise turkey turtle weasel wolf wren
""".split()
)

FOODS = tuple(
    """
almonds apples apricots bagels bananas beans berries biscuits bread broth buns butter cabbage candy carrots cheese
cherries chestnuts chutney cookies corn crackers cream crumpets custard dates dumplings figs fudge grapes gravy ham
honey jam jelly leeks lemons lentils lettuce melons milk mint muffins mushrooms noodles nuts oats olives onions
oranges pancakes pasta peaches pears peas pickles pies plums popcorn porridge potatoes pretzels pudding pumpkins
quinces radishes raisins rice rolls salad scones soup spinach stew tarts toast toffee tomatoes turnips waffles
walnuts yogurt
""".split()
)

COLOURS = tuple(
    """
red blue green yellow white black brown pink purple golden silver orange grey
""".split()
)

JOBS = tuple(
    """
baker butcher carpenter clockmaker cook dancer doctor farmer fisher gardener glassblower guard judge juggler knitter
librarian mason miller miner musician nurse painter pilot plumber poet postman potter printer sailor shepherd singer
smith tailor teacher weaver
""".split()
)

_ONSETS = (
    "",
    *"b bl br c ch cl cr d dr f fl fr g gl gr h j k l m n p pl pr r s sc sh sk sl sm sn sp st sw".split(),
    *"t th tr v w wh y z".split(),
)
_VOWELS = tuple("a e i o u ai ea ee oa oo ou".split())
_CODAS = tuple(
    "b d ft g k l ld ll lt m mp n nd ng nk nt p r rd rk rn rt s sh sk ss st t th v".split()
)
_UNWANTED = tuple(
    """
anus arse ass boob cok coon crap cum cunt damn dik dum fag fart fat fuk hell homo hor jap kil nig nip
paki penis pis poo poot prik rap sex shit slut spas spik stab suk sui tit turd twat wank whor
""".split()
)


# Knowing the side of the split, a reader needs fewer bits for a word: log2 of that side's share.
_BITS_OF_SPLIT = {
    "heldout": math.log2(1 / _HELD_OUT_ONE_IN),
    "train": math.log2(1 - 1 / _HELD_OUT_ONE_IN),
}


def is_held_out(word: str) -> bool:
    """True for the one word in six that never appears on the town's site."""
    return crc32(word.lower().encode()) % _HELD_OUT_ONE_IN == 0


@cache
def split_words(words: tuple[str, ...], split: str | None) -> tuple[str, ...]:
    """The words on one side of the split ("train" or "heldout"), or all of them for None."""
    if split is None:
        return words
    if split not in ("train", "heldout"):
        raise ValueError(f'split must be "train" or "heldout", got {split!r}')
    return tuple(word for word in words if is_held_out(word) == (split == "heldout"))


NAMES = GIRLS + BOYS
_GIRL_SET = frozenset(GIRLS)


def is_girl(name: str) -> bool:
    return name in _GIRL_SET


def invented_word(dice: Dice, split: str) -> str:
    """A made-up word of the given side of the split: "plisk" from syllables, "baste" from two words.

    Words of the other side and the few rude ones are drawn again; what they cost is not counted.
    """
    while True:
        before = dice.bits
        word = _blend(dice) if dice.chance(0.5) else _syllables(dice)
        if (
            len(word) > 2
            and is_held_out(word) == (split == "heldout")
            and not any(bad in word for bad in _UNWANTED)
        ):
            dice.bits += _BITS_OF_SPLIT[split]
            return word
        dice.bits = before


def _syllables(dice: Dice) -> str:
    count = 1 if dice.chance(0.8) else 2
    return "".join(
        dice.pick(_ONSETS) + dice.pick(_VOWELS) + dice.pick(_CODAS) for _ in range(count)
    )


def _blend(dice: Dice) -> str:
    """The first three letters of one word and the last two or three of another: basket + kite."""
    return dice.pick(_edges(0, 3)) + dice.pick(_edges(-3 if dice.chance(0.5) else -2, None))


@cache
def _edges(start: int, stop: int | None) -> tuple[str, ...]:
    """That slice of every word that the site uses, each once, so that a pick is counted rightly."""
    words = split_words(NAMES + THINGS + PLACES + ANIMALS + FOODS, "train")
    return tuple(sorted({word.lower()[start:stop] for word in words if len(word) > 3}))
