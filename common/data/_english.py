"""Cutting a piece of text between two spaces into words and marks, as linguists' tools do.

"(don't!)" is "(", "do", "n't", "!", ")". Marks come off at both ends, one at a time, then what is
left is cut at hyphens, slashes and the like between letters; addresses and abbreviations stay
whole. The conventions are those of spaCy's English tokenizer, with which the field's filters count
words. Every step looks a bounded number of characters back or ahead, so the cost grows with the
length of the piece and with nothing else.

Taught in ch01_data/03_quality_rules.ipynb.
Needs: _english_tables.py.
"""

import re

from ._english_tables import CURRENCIES, ICONS, MARKS, QUOTES, UNITS, WHOLES

_MAX_WHOLE = 6  # characters of a face or an abbreviation that marks may make
_MAX_CHARACTERS = 1_000  # a longer piece is no English: it is cut roughly, and fast

_PREFIXES = frozenset("§%=—–" + MARKS + QUOTES + CURRENCIES)
_SUFFIXES = frozenset("—–" + MARKS + QUOTES)
_DIGITS = frozenset("0123456789")
_UNIT_ENDS = frozenset("+%²³mangdtblzshkrBMTGKP" + CURRENCIES)
_ICON = re.compile(f"[{ICONS}]")

_CAPITAL = "A-ZÀ-ÖØ-ÞΑ-ΩА-ЯЁ"
_LETTER = r"[^\W\d_]"
_SMALL = rf"[^\W\d_{_CAPITAL}]"  # a letter that is no capital
_QUOTE = f"[{QUOTES}]"
_END_DOT = re.compile(
    rf"(?:[0-9%²+\-|{re.escape(MARKS + QUOTES)}]|{_SMALL}|[{_CAPITAL}]{{2}}|°[FCKfck])\.\Z"
)
_UNIT = re.compile(rf"(?<=[0-9])(?:{UNITS})\Z")
# One character that may cut, then a look at both of its sides.
_INFIX = re.compile(
    rf"[-.…,–—~:<>=/+*^{ICONS}](?:(?<=\.)\.+|(?<=[…{ICONS}])"
    rf"|(?<={_SMALL}\.)(?=[{_CAPITAL}{QUOTES}])|(?<={_QUOTE}\.)(?=[{_CAPITAL}{QUOTES}])"
    rf"|(?<=[0-9][-+*^])(?=[0-9-])|(?<={_LETTER},)(?={_LETTER})"
    rf"|(?<=[^\W_][-–—~:<>=/])(?={_LETTER})|(?<=[^\W_]-)-{{1,2}}(?={_LETTER})|(?<=[^\W_]—)—(?={_LETTER}))"
)
_LABEL = r"[A-Za-z0-9¡-\uffff](?:[A-Za-z0-9¡-\uffff_-]{0,62}[A-Za-z0-9¡-\uffff])?\."
_BYTE = r"(?:1?\d{1,2}|2[0-4]\d|25[0-5])"
_ADDRESS = re.compile(
    r"(?:[\w+.-]{2,}://)?(?:\S+@)?"
    rf"(?:(?!10\.|127\.)[1-9]\d{{0,2}}(?:\.{_BYTE}){{2}}\.[1-9]\d{{0,2}}|(?:{_LABEL})+{_SMALL}{{2,63}})"
    r"(?::\d{2,5})?(?:[/?#]\S*)?\Z"
)
_ROUGH = re.compile(r"\w+|\W")


def cut(piece: str) -> tuple[str, ...]:
    """The words and marks of a piece without white space, in order; together they are the piece."""
    whole = WHOLES.get(piece)
    if whole or piece.isalpha():
        return whole or (piece,)
    if piece[:-1].isalpha():  # a word and a mark, by far the most frequent
        end = _suffix(piece)
        return (*(WHOLES.get(piece[:-1]) or (piece[:-1],)), piece[-1]) if end else (piece,)
    if len(piece) > _MAX_CHARACTERS:
        return (piece,) if _ADDRESS.match(piece) else tuple(_ROUGH.findall(piece))
    before: list[str] = []
    after: list[str] = []
    while not whole:
        start = _prefix(piece)
        rest = piece[start:]
        if start and (whole := WHOLES.get(rest)):
            before.append(piece[:start])
            break
        end = _suffix(rest) if rest else 0
        if end and (whole := WHOLES.get(piece[:-end])):
            after.append(piece[-end:])
            break
        if start:
            before.append(piece[:start])
        if end:
            after.append(piece[-end:])
            rest = rest[:-end]
        elif not start:
            break
        piece = rest
        if not piece:
            break
        whole = WHOLES.get(piece)
    inside = whole or (_cut_inside(piece) if piece else ())
    pieces = (*before, *inside, *after[::-1])
    lone = len(before) < 2 and len(after) < 2 and len(inside) == 1
    if lone and len(inside[0]) >= _MAX_WHOLE:
        return pieces  # no two short ones are neighbours
    return _join_wholes([*pieces])


def _prefix(piece: str) -> int:
    """How many characters the mark has that the piece begins with."""
    first = piece[0]
    if first in _PREFIXES:
        return 1
    if first.isalnum():
        marked = first in "UCA" and piece.startswith(("US$", "C$", "A$"))
        return piece.index("$") + 1 if marked else 0
    if first == "+":
        return int(piece[1:2] not in _DIGITS)
    if first == ".":
        dots = len(piece) - len(piece.lstrip("."))
        return dots if dots > 1 else 0
    return 1 if first > "\x7f" and _ICON.match(first) else 0


def _suffix(piece: str) -> int:
    """How many characters the mark, unit or "'s" has that the piece ends with."""
    last = piece[-1]
    if last in _SUFFIXES:
        return 1
    if last == ".":
        dots = len(piece) - len(piece.rstrip("."))
        return dots if dots > 1 else int(_END_DOT.search(piece[-3:]) is not None)
    if last in "sS" and piece[-2:-1] in ("'", "’"):
        return 2
    if last in _UNIT_ENDS and not piece.isalpha():
        if last == "+" or last in CURRENCIES:
            return int(piece[-2:-1] in _DIGITS)
        unit = _UNIT.search(piece[-5:])
        return len(unit[0]) if unit else 0
    return 1 if last > "\x7f" and _ICON.match(last) else 0


def _cut_inside(piece: str) -> tuple[str, ...]:
    """Cut at hyphens, slashes, commas and ellipses inside; addresses stay whole."""
    if piece.isalnum() or piece.isidentifier():
        return (piece,)
    cuts = [match.span() for match in _INFIX.finditer(piece, 1)]
    if not cuts or ("." in piece and _ADDRESS.match(piece)):
        return (piece,)
    edges = [0, *(edge for span in cuts for edge in span), len(piece)]
    return tuple(piece[a:b] for a, b in zip(edges, edges[1:], strict=False) if a < b)


def _join_wholes(pieces: list[str]) -> tuple[str, ...]:
    """Join neighbours that make a face or an abbreviation, the longest first.

    All pieces together are none, or they would not have been cut.
    """
    for size in range(min(4, len(pieces) - 1), 1, -1):
        for start in range(len(pieces) - size, -1, -1):
            joined = "".join(pieces[start : start + size])
            if len(joined) <= _MAX_WHOLE and joined in WHOLES:
                pieces[start : start + size] = WHOLES[joined]
    return tuple(pieces)
