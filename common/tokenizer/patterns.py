r"""Cut text into pieces before BPE, with the patterns of GPT-2 and GPT-4.

BPE never merges across a piece, so " dog", "dog" and "dog." share what they have in common, and a
word is learned once however often it occurs. The patterns are OpenAI's: GPT-2's from Radford et al.
(2019), "Language Models are Unsupervised Multitask Learners", GPT-4's from tiktoken (cl100k_base).
Newer tiktoken adds `\s++$` to the latter: "\n " at the very end of a text, and only there, is one
piece instead of two. Hugging Face's files for GPT-4 and Llama 3 do not; nor does this one.

Taught in ch02_tokenizer/03_encode_exactly.ipynb.
Needs: nothing but the regex package.
"""

import regex

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
GPT4_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
)

# In these two, white space begins a piece but never ends one that has something visible in it (line
# breaks aside), so a text may be cut before any space that follows something visible.
_SPACE_BEGINS_A_PIECE = {GPT2_PATTERN, GPT4_PATTERN}

# How far past the end of a piece a pattern may look before it decides where the piece ends: 2 for
# the contractions of GPT-2 and GPT-4 ("'" or "'ll"?).
_LOOKAHEAD_CHARS = 4


class Splitter:
    """Cuts text into the pieces inside which BPE merges.

    >>> Splitter(GPT2_PATTERN).pieces("I'll pay 1000 euros")
    ['I', "'ll", ' pay', ' 1000', ' euros']
    >>> Splitter(GPT4_PATTERN).pieces("I'll pay 1000 euros")
    ['I', "'ll", ' pay', ' ', '100', '0', ' euros']
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._findall = regex.compile(pattern).findall

    def pieces(self, text: str) -> list[str]:
        """Every piece of `text` in order; joined they give `text` back.

        Raises ValueError when the pattern leaves characters out (tiktoken would drop them).
        Cost: about 13 MB of English a second on one core.
        """
        pieces = self._findall(text)
        if sum(map(len, pieces)) != len(text):
            kept = sum(map(len, pieces))
            raise ValueError(
                f"the pattern must match every character, but it covers {kept} of {len(text)}: "
                f"{self.pattern!r}"
            )
        return pieces

    def stable_end(self, text: str) -> int:
        """Where to cut `text` so that both sides split alone as they do together, whatever follows.

        The cut lies behind something visible, since white space splits by what comes after it; 0
        when there is no such place yet.

        >>> splitter = Splitter(GPT2_PATTERN)
        >>> splitter.stable_end("the wind r")  # "r" may become "rose"; "wind" is finished
        8
        """
        if self.pattern in _SPACE_BEGINS_A_PIECE:
            cut = text.rfind(" ")
            while cut > 0 and text[cut - 1].isspace():
                cut = text.rfind(" ", 0, cut)
            if cut > 0:
                return cut
        end, limit = len(text), len(text) - _LOOKAHEAD_CHARS
        for piece in reversed(self.pieces(text)):
            if end <= limit and not text[end - 1].isspace():
                break
            end -= len(piece)
        return end
