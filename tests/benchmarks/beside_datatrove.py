"""datatrove's quality filters and ours with the same settings, and why two verdicts differ."""

from collections.abc import Callable
from functools import partial

from datatrove.data import Document
from datatrove.pipeline import filters
from datatrove.utils.text import split_into_parts, split_into_words

from common.data.quality import (
    Verdict,
    Words,
    c4_quality_filter,
    fineweb_quality_filter,
    gopher_quality_filter,
    gopher_repetition_filter,
)

# datatrove's defaults are the paper's but here: C4's are those of the paper's first version, and
# FineWeb's limit on repeated lines is a tenth of the paper's.
OURS: dict[str, Callable[[str | Words], Verdict]] = {
    "gopher_quality": gopher_quality_filter,
    "gopher_repetition": gopher_repetition_filter,
    "c4_quality": partial(c4_quality_filter, min_sentences=5, min_words_per_line=3),
    "fineweb_quality": partial(fineweb_quality_filter, max_duplicate_line_characters=0.01),
}
_THEIRS = {
    "gopher_quality": filters.GopherQualityFilter,
    "gopher_repetition": filters.GopherRepetitionFilter,
    "c4_quality": filters.C4QualityFilter,
    "fineweb_quality": filters.FineWebQualityFilter,
}
# Our parameter for each of their reasons, where the names are not alike.
_REASONS = {
    "gopher_short_doc": "min_words",
    "gopher_long_doc": "max_words",
    "gopher_below_avg_threshold": "min_mean_word_length",
    "gopher_above_avg_threshold": "max_mean_word_length",
    "gopher_too_many_hashes": "max_symbols_per_word",
    "gopher_too_many_ellipsis": "max_symbols_per_word",
    "gopher_too_many_bullets": "max_bullet_lines",
    "gopher_too_many_end_ellipsis": "max_ellipsis_lines",
    "gopher_below_alpha_threshold": "min_alphabetic_words",
    "gopher_enough_stop_words": "min_stop_words",
    "dup_para_frac": "max_duplicate_paragraphs",
    "dup_para_char_frac": "max_duplicate_paragraph_characters",
    "dup_line_frac": "max_duplicate_lines",
    "dup_line_char_frac": "max_duplicate_line_characters",
    "too_few_sentences": "min_sentences",
    "curly_bracket": "max_curly_brackets",
    "lorem_ipsum": "max_lorem_ipsum",
    "line_punct_ratio": "min_punctuated_lines",
    "short_line_ratio": "max_short_lines",
    "char_dup_ratio": "max_duplicate_line_characters",
    "list_ratio": "max_newlines_per_word",
} | {f"top_{n}_gram": f"max_top_ngram[{n}]" for n in (2, 3, 4)}
_REASONS |= {f"duplicated_{n}_n_grams": f"max_duplicate_ngrams[{n}]" for n in range(5, 11)}


class Theirs:
    """One of datatrove's filters: for a text, whether it is kept, our name of why not, its text."""

    def __init__(self, name: str) -> None:
        self.filter = _THEIRS[name]()
        split_into_words("warm up", "eng")

    def __call__(self, text: str) -> tuple[bool, str, str]:
        document = Document(text=text, id="")
        answer = self.filter.filter(document)
        keep, reason = answer if isinstance(answer, tuple) else (answer, "")
        return keep, _REASONS.get(reason, reason), document.text


def forget_pages() -> None:
    """datatrove remembers the words of the last five texts; now it does not."""
    split_into_parts.cache_clear()


def why_they_differ(name: str, text: str, theirs: tuple[bool, str, str]) -> str:
    """The cause, found by judging the page again with the cause taken away."""
    page = Words(text)
    page.__dict__["pieces"] = split_into_words(text, "eng")
    if OURS[name](page).keep == theirs[0]:
        return "a word cut otherwise"
    if theirs[1] == "min_stop_words":
        words = set(page.pieces) & {"the", "be", "to", "of", "and", "that", "have", "with"}
        if len(words) < 2 <= OURS[name](page).value:
            return "stop words in capitals"
    return "unexplained"
