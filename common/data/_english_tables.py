"""Marks, units, contractions and abbreviations of written English, for _english.py.

Taught in ch01_data/03_quality_rules.ipynb.
Needs: nothing but the standard library.
"""

from collections.abc import Iterator
from itertools import product

QUOTES = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉⟦⟧"
MARKS = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪"
SENTENCE_ENDS = frozenset(  # Unicode's property Sentence_Terminal, as far as 16 bits go
    ".!?։؝؞؟۔܀܁܂߹࠷࠹࠽࠾।॥၊။።፧፨᙮᜵᜶᠃᠉᥄᥅᪨᪩᪪᪫᭚᭛᭞᭟᭽᭾᰻᰼᱾᱿‼‽⁇⁈⁉⸮⸼⹓⹔꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫﹒﹖﹗！．？｡。"
)
CURRENCIES = "$£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₵₶₷₸₹₺₻₼₾₿"
ICONS = (  # ranges for a regular expression: arrows, boxes, stars, pictures
    "¦©®°№℗℞-℣™℥℧℩℮↕-↙↜-↟↡↢↤↥↧-↭↯-⇍⇐⇑⇓⇕-⇳⌀-⌇⌌-⌟⌢-⌨⌫-⍻⍽-⎚⎴-⏛⏢-⑊⒜-ⓩ─-▶▸-◀◂-◷☀-♮♰-❧➔-➿⠀-⣿⬀-⬯⭍-⯿"
    "㈀-㈞㈪-㉇㌀-㏿\ufffc\ufffd\U0001f000-\U0001faff"
)
UNITS = (  # a regular expression, after a digit
    "[kdcm]?m[²³]?|ha|µm|nm|yd|in|ft|[km]?g|µg|t|lb|oz|m/s|km/h|kmh|mph|[hk]?Pa|mbar|[mMkKgGtT][bB]"
    "|[TGMK%]"
)
_ABBREVIATIONS = """
    e.g. E.g. E.G. i.e. I.e. I.E. vs. v.s. a.m. p.m. Mr. Mrs. Ms. Dr. Prof. St. Mt. Jr. Inc. Ltd.
    co. Co. Corp. Bros. Gen. Gov. Rep. Rev. Sen. Adm. Messrs. Md. Mo. Mont. Ph.D. D.C. Jan. Feb.
    Mar. Apr. Jun. Jul. Aug. Sep. Sept. Oct. Nov. Dec. Va. Pa. La. Id. Ill. Ind. Ga. Ia. Del. Mass.
    Miss. Mich. Minn. Conn. Fla. Ky. Ore. Tenn. Wash. Wis. N.Y. N.J. N.C. and/or w/o o'clock
    ma'am 's 'S 're 'd 'll 'em 'cause ' '' C++ \\t \\n \\") <space> doin' goin' nothin' somethin'
    ol' havin' lovin' ä. ö. ü.
"""
# Words that look like a contraction without its apostrophe.
_NO_CONTRACTIONS = frozenset("ill its hell shell shed were well lets".split())


def _contractions() -> Iterator[tuple[str, ...]]:
    """Every contraction of English in its parts, with and without its apostrophe."""
    who = "i you he she it we they".split()
    ask = "who what when where why how there that these those".split()
    endings = {
        "m": ["i"],
        "s": ["he", "she", "it", "let", "this", *ask[:-2]],
        "re": ["you", "we", "they", *ask],
        "ve": [
            *("i", "you", "we", "they", *ask),
            *("could", "might", "must", "should", "would", "not"),
        ],
        "ll": [*who, "this", *ask],
        "d": [*who, "this", *ask],
    }
    for ending, words in endings.items():
        for word in words:
            yield word, f"'{ending}"
            if word + ending not in _NO_CONTRACTIONS:
                yield word, ending
    verbs = "ca could do does did had may might must need ought sha should wo would ai are is was"
    for verb in [*verbs.split(), "were", "have", "has", "dare"]:
        yield verb, "n't"
        yield verb, "nt"
    yield from (("can", "not"), ("gon", "na"), ("got", "ta"), ("y'", "all"), ("c'm", "on"))
    yield from product(map(str, range(1, 13)), ("am", "pm", "a.m.", "p.m."))


def _faces() -> Iterator[str]:
    """Smileys, which arise by accident too: "(x):" ends in one."""
    for nose in ("", "-"):
        yield from (
            f":{nose}{mouth}" for mouth in [*") )) ))) ( (( (((".split(), *"]}/|PpOo03*>XxD"]
        )
        yield from (f":'{nose}{mouth}" for mouth in "()")
        yield from (f"{eyes}{nose}{mouth}" for eyes, mouth in ("8)", "8D", ";)", ";D"))
        yield from (f"{mouth}{nose}{eyes}" for mouth, eyes in ("(:", "[:", "):", "(;"))
    yield from "=) (= =] [= ]= =[ =( =/ =| =3 =D".split()
    yield from ":1 :o) :() (o: >:( >:o (-8 <3 </3 0.0 -_- ^_^".split()


def _wholes() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for parts in _contractions():
        table["".join(parts)] = parts
        table["".join(parts).capitalize()] = (parts[0].capitalize(), *parts[1:])
    singles = [f"{letter}." for letter in "abcdefghijklmnopqrstuvwxyz"]
    for word in (*_ABBREVIATIONS.split(), *singles, *_faces()):
        table[word] = (word,)
    curly = {w.replace("'", "’"): tuple(p.replace("'", "’") for p in t) for w, t in table.items()}
    return table | curly


# Pieces that are looked up before any rule: contractions in parts, abbreviations and faces in one.
WHOLES = _wholes()
