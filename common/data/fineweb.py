"""FineWeb's rules: against pages that are lists, menus and repeated lines rather than text.

Source: Penedo et al. 2024, "The FineWeb Datasets: Decanting the Web for the Finest Text Data at
Scale", arXiv:2406.17557, section 3.6: of some fifty statistics those that told a good crawl from a
bad one best. The limit on new lines is in their code and not in the paper.

Taught in ch01_data/03_quality_rules.ipynb.
Needs: verdict.py, _english_tables.py.
"""

from collections.abc import Iterator

from ._english_tables import SENTENCE_ENDS
from .verdict import Verdict, Words, split_words


def fineweb_quality_filter(
    text: str | Words,
    *,
    min_punctuated_lines: float = 0.12,
    max_short_lines: float = 0.67,
    short_line_characters: int = 30,
    max_duplicate_line_characters: float = 0.1,
    max_newlines_per_word: float = 0.3,
) -> Verdict:
    """Keep a page whose lines are long, end like sentences and do not repeat: FineWeb's checks.

    Lines are those with something on them. Shares of the lines that end in a full stop, question or
    exclamation mark of any script, and that have at most `short_line_characters`; the share of
    characters in lines that stood earlier on the page (datatrove's default for it is 0.01, a tenth
    of the paper's); line breaks for each word or mark. There are at least as many of these as
    pieces between spaces, so a page whose ratio passes with the latter, and with no marks counted,
    has this higher ratio as its value and is not cut up. A page without a line is dropped. Cost:
    50 microseconds for 500 words.

    >>> fineweb_quality_filter("Home\\nShop\\nYour basket\\nAsk us.").rule
    'fineweb_quality.max_short_lines'
    """
    page = split_words(text)

    def checks() -> Iterator[Verdict]:
        lines = [line for line in page.text.split("\n") if line and not line.isspace()]
        count = max(1, len(lines))
        ends = sum([line[-1] in SENTENCE_ENDS for line in lines]) / count
        yield Verdict.at_least("fineweb_quality.min_punctuated_lines", ends, min_punctuated_lines)
        lengths = list(map(len, lines))
        short = sum([length <= short_line_characters for length in lengths]) / count
        yield Verdict.at_most("fineweb_quality.max_short_lines", short, max_short_lines)
        repeated = sum(lengths) - sum(map(len, set(lines)))
        newlines = page.text.count("\n")
        share = repeated / max(1, len(page.text) - newlines)
        rule = "fineweb_quality.max_duplicate_line_characters"
        yield Verdict.at_most(rule, share, max_duplicate_line_characters)
        breaks = newlines / max(1, len(page.tokens))
        if breaks > max_newlines_per_word:
            breaks = newlines / max(1, len(page.pieces))
        yield Verdict.at_most(
            "fineweb_quality.max_newlines_per_word", breaks, max_newlines_per_word
        )

    return Verdict.first_failure(checks())
