"""Special tokens: ids for what stands outside the text, such as its end or whose turn it is.

They are found before anything else is done to a text, never take part in merges, and no piece
reaches over one. Where two could begin at the same place, the longest wins.

Taught in ch02_tokenizer/03_encode_exactly.ipynb.
Needs: patterns.py.
"""

import re
from collections.abc import Iterable, Iterator

from .patterns import Splitter

CHAT_SPECIAL_TOKENS = ("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")


class SpecialTokens:
    """A set of special tokens that finds its members in text.

    >>> SpecialTokens(["<|end|>"]).split("one<|end|>two")
    ['one', '<|end|>', 'two']
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        if isinstance(tokens, str):
            raise ValueError(f"special tokens must be a collection of strings, not {tokens!r}")
        self.tokens = tuple(tokens)
        for index, token in enumerate(self.tokens):
            if not isinstance(token, str) or not token:
                raise ValueError(f"a special token must be a non-empty string, not {token!r}")
            if token in self.tokens[:index]:
                raise ValueError(f"special token {token!r} is given twice")
        longest_first = sorted(self.tokens, key=len, reverse=True)
        self._regex = re.compile("|".join(map(re.escape, longest_first)))
        self._beginnings = {t[:size] for t in self.tokens for size in range(1, len(t))}
        self._max_chars = max(map(len, self.tokens), default=0)

    def find(self, text: str, start: int = 0) -> re.Match[str] | None:
        """The first special token in `text` from character `start` on, or None."""
        return self._regex.search(text, start) if self.tokens else None

    def split(self, text: str) -> list[str]:
        """Ordinary text (maybe empty) and special tokens by turns: entries 0, 2, ... are text."""
        if not self.tokens:
            return [text]
        parts, start = [], 0
        for match in self._regex.finditer(text):
            parts += text[start : match.start()], match.group()
            start = match.end()
        return [*parts, text[start:]]

    def unfinished(self, text: str) -> int:
        """Where at the end of `text` a special token may have begun that the next chunk finishes.

        >>> SpecialTokens(["<|end|>"]).unfinished("the <|en")
        4
        """
        for begin in range(max(0, len(text) - self._max_chars + 1), len(text)):
            if text[begin:] in self._beginnings:
                return begin
        return len(text)


def stream_segments(
    chunks: Iterable[str], splitter: Splitter, specials: SpecialTokens
) -> Iterator[tuple[str, bool]]:
    """Cut a stream of chunks into (text, is_special) segments that can be encoded one by one.

    chunks: text cut anywhere, inside words and special tokens too.
    The segments joined are the chunks joined, special tokens found, and each ordinary segment
    splits into the same pieces alone as inside the whole. Holds one chunk and the unfinished end of
    the one before, so memory is bounded by the longest chunk or piece.

    >>> from common.tokenizer.patterns import GPT2_PATTERN
    >>> chunks = ["Good ni", "ght.<|e", "nd|>Sle", "ep well"]
    >>> list(stream_segments(chunks, Splitter(GPT2_PATTERN), SpecialTokens(["<|end|>"])))
    [('Good', False), (' night.', False), ('<|end|>', True), ('Sleep', False), (' well', False)]
    """
    buffer, wait_chars = "", 0
    for chunk in chunks:
        buffer += chunk
        if len(buffer) < wait_chars:
            continue
        start, end = 0, specials.unfinished(buffer)
        while (match := specials.find(buffer, start)) and match.start() < end:
            if match.start() > start:
                yield buffer[start : match.start()], False
            yield match.group(), True
            start = match.end()
        stable = start + splitter.stable_end(buffer[start:end])
        if stable > start:
            yield buffer[start:stable], False
        buffer = buffer[stable:]
        wait_chars = 2 * len(buffer)  # looking again at each small chunk would cost the square
    for index, part in enumerate(specials.split(buffer)):
        if part:
            yield part, index % 2 == 1
