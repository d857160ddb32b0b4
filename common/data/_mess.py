"""What people and machines leave on the web that no model should learn from: the texts of the mess.

Every function draws from the random generator it is given, and from nothing else. The insults are
invented, and the languages are a few hundred thousand sentences deep, no more.

Needs: nothing but the standard library.
"""

from collections.abc import Callable
from random import Random

_FOREIGN = {
    "de": (
        ["Am Morgen", "Jeden Abend", "Im Winter", "An diesem Tag", "Nach dem Regen", "Dann"],
        [
            "{v} die alte Bäckerin {o} {p}",
            "{v} der Müller {o} {p}",
            "{v} meine Großmutter {o} {p}",
            "{v} das Mädchen {o} {p}",
            "{v} der Gärtner {o} {p}, weil es so schön ist",
            "{v} niemand {o} {p}, und alle wundern sich",
        ],
        ["trägt", "sucht", "findet", "verkauft", "zeichnet", "versteckt", "zählt", "bewundert"],
        ["einen Korb", "die Äpfel", "den Schlüssel", "das Brötchen", "eine Tür", "viele Vögel"],
        ["auf dem Markt", "über der Brücke", "in der Küche", "hinter dem Haus", "am Fluss"],
    ),
    "fr": (
        ["Le matin,", "Chaque soir,", "En été,", "Ce jour-là,", "Après la pluie,", "Puis"],
        [
            "la boulangère {v} {o} {p}",
            "le vieux pêcheur {v} {o} {p}",
            "ma grand-mère {v} {o} {p}",
            "l'élève {v} {o} {p} parce qu'il fait beau",
            "personne ne {v} {o} {p}, et tout le monde s'étonne",
        ],
        ["porte", "cherche", "trouve", "vend", "dessine", "cache", "répare", "préfère"],
        ["un panier", "les pommes", "la clé", "une fenêtre", "le gâteau", "des oiseaux"],
        ["au marché", "près du pont", "dans la forêt", "derrière la maison", "à côté du café"],
    ),
    "es": (
        ["Por la mañana", "Cada noche", "En otoño", "Aquel día", "Después de la lluvia", "Luego"],
        [
            "la panadera {v} {o} {p}",
            "el niño {v} {o} {p}",
            "mi abuela {v} {o} {p}",
            "el señor Muñoz {v} {o} {p} porque hace sol",
            "nadie {v} {o} {p}, y todos están sorprendidos",
        ],
        ["lleva", "busca", "encuentra", "vende", "dibuja", "esconde", "cuenta", "enseña"],
        ["una cesta", "las manzanas", "la llave", "el pañuelo", "una canción", "los pájaros"],
        ["en el mercado", "junto al río", "en la montaña", "detrás de la casa", "en el jardín"],
    ),
}
_GOODS = "watches pills shoes loans handbags diplomas casino coins tickets phones".split()
_BAIT = [
    "Click here to buy cheap {a} and {b} now!!!",
    "Best {a} online, 100% free shipping, order today and win {n} dollars.",
    "My cousin makes {n} dollars a day at home with {a}, visit our shop to learn how!",
    "Hot deals on {a}: save {n} dollars, limited offer, do not wait!",
    "You are our lucky visitor number {n}, claim your free {b} before midnight.",
    "No credit card needed: {a}, {b} and more for only {n} cents. Buy now!",
]
_INSULTS = "snotwaffle grubface muckwit slimebrain turnipskull dribblepot blockhead".split()
_RANTS = [
    "Only a {a} like you could write this, you miserable {b}.",
    "Shut up, {a}, nobody wants to read your stupid pages.",
    "Everyone who lives by the river is a filthy {a} and a {b}.",
    "I hate this town and every {a} in it, go away and never come back!",
    "What a dumb idea, {a}. You are as ugly as a {b} and twice as useless.",
    "The mayor is a lying {a}, and whoever likes him is a rotten {b}.",
]
_SALAD = (
    "kettle monday invoice purple lantern gravel update ladder server onion ticket marble widget "
    "copper banner pixel garden module orbit velvet socket turnip vector pepper cache bottle "
    "download harbour sonnet battery cushion router almond keyword saddle export thunder"
).split()
_SOFT_ERRORS = [
    "Page not found\n\nSorry, the page that you asked for could not be found on this server.",
    "Error 404\n\nThis page has moved or no longer exists. Please check the address and try again.",
    "Database error\n\nCould not connect to the database. Please contact the administrator.",
    "Access denied\n\nYou must be logged in to view this page.",
]


def foreign_text(dice: Random) -> str:
    """Four to eight paragraphs of German, French or Spanish."""
    openings, frames, verbs, objects, places = _FOREIGN[dice.choice(sorted(_FOREIGN))]

    def sentence() -> str:
        frame = dice.choice(frames)
        words = {"v": verbs, "o": objects, "p": places}
        middle = frame.format(**{key: dice.choice(values) for key, values in words.items()})
        return f"{dice.choice(openings)} {middle}."

    return _paragraphs(dice, sentence)


def spam_comment(dice: Random) -> str:
    """One sentence of advertising."""
    a, b = dice.sample(_GOODS, 2)
    return dice.choice(_BAIT).format(a=a, b=b, n=dice.randrange(5, 9000, 5))


def toxic_comment(dice: Random) -> str:
    """One sentence of mild, invented insults."""
    a, b = dice.sample(_INSULTS, 2)
    return dice.choice(_RANTS).format(a=a, b=b)


def spam_text(dice: Random) -> str:
    """A page of advertising."""
    return _paragraphs(dice, lambda: spam_comment(dice))


def toxic_text(dice: Random) -> str:
    """A page of insults."""
    return _paragraphs(dice, lambda: toxic_comment(dice))


def gibberish_text(dice: Random) -> str:
    """Random letters, a word salad without grammar, or one phrase over and over."""

    def letters() -> str:
        return "".join(dice.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=dice.randint(3, 18)))

    def salad() -> str:
        return dice.choice(_SALAD)

    kind = dice.choice(["letters", "salad", "loop"])
    if kind == "loop":
        phrase = " ".join(dice.sample(_SALAD, dice.randint(2, 4)))
        return _paragraphs(dice, lambda: f"the {phrase} and")
    word = letters if kind == "letters" else salad
    return _paragraphs(dice, lambda: " ".join(word() for _ in range(dice.randint(6, 16))))


def soft_error_text(dice: Random) -> str:
    """An error message, which its server sends with status 200."""
    return dice.choice(_SOFT_ERRORS)


def personal_line(dice: Random) -> str:
    """A line with an e-mail address, a telephone number or an IP address of nobody.

    The domains and numbers are those reserved for examples (RFC 2606, RFC 5737, 555-01xx).
    """
    name = f"{dice.choice(['anna', 'tom', 'office', 'j.miller', 'info'])}{dice.randrange(100)}"
    return dice.choice(
        [
            f"Write to {name}@example.{dice.choice(['com', 'org', 'net'])} if you know more.",
            f"Call me at ({dice.randrange(201, 990)}) 555-01{dice.randrange(100):02d} after five.",
            f"Phone +1-{dice.randrange(201, 990)}-555-01{dice.randrange(100):02d} for the keys.",
            f"The last visitor came from 203.0.113.{dice.randrange(256)} at noon.",
        ]
    )


def near_copy(dice: Random, paragraphs: tuple[str, ...]) -> tuple[str, ...]:
    """The same paragraphs with three to twelve words replaced by others of the page."""
    words = [paragraph.split(" ") for paragraph in paragraphs]
    plain = sorted({word for row in words for word in row if word.isalpha()})
    for _ in range(dice.randint(3, 12)):
        row = dice.choice(words)
        i = dice.randrange(len(row))
        if row[i].isalpha():
            row[i] = dice.choice(plain)
    return tuple(" ".join(row) for row in words)


def mojibake(dice: Random, paragraphs: tuple[str, ...]) -> tuple[str, ...]:
    """The paragraphs with curly quotes and accents, saved as UTF-8 and read as Windows-1252."""
    accents = str.maketrans({'"': "“", "'": "’", dice.choice("aeo"): dice.choice("áéñöü")})
    return tuple(
        paragraph.translate(accents).encode("utf-8").decode("cp1252", errors="replace")
        for paragraph in paragraphs
    )


def _paragraphs(dice: Random, sentence: Callable[[], str]) -> str:
    return "\n\n".join(
        " ".join(sentence() for _ in range(dice.randint(3, 8))) for _ in range(dice.randint(4, 8))
    )
