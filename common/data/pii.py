"""Mask personal data: e-mail addresses, phone numbers and IP addresses become placeholders.

A model repeats what it has read (Carlini et al. 2021, "Extracting Training Data from Large Language
Models", arXiv 2012.07805), so what must not be repeated must not be read. Patterns find what has a
shape; a name or a street has none, and stays. Where a number could be either (ten digits in a row),
it is masked: a lost number costs less than a leaked one. Masking twice changes nothing. The
placeholders are those of Stanford's CS336 (2025), assignment 4.

Taught in ch01_data/06_corpus.ipynb.
Needs: nothing but the standard library.
"""

import ipaddress
import re

# Every pattern starts at a boundary and matches in one way only: ten thousand letters without an
# "@" cost one pass, not ten thousand. ("++" takes all it can and never gives back.) Beside each
# pattern stands what a text must have to match it: most texts lack that, and are done.
_AT = r"[ ]?[(\[{][ ]?at[ ]?[)\]}][ ]?"
_DOT = r"(?:\.|[ ]?[(\[{][ ]?dot[ ]?[)\]}][ ]?|[ ]dot[ ])"
_EMAIL = re.compile(
    rf"""(?<![\w.%+-])[\w.%+-]++(?:'[\w.%+-]++)?(?:
        @(?:[\w-]+\.)+[^\W\d_]{{2,}}                                # mo.baker+inn@town.example
      | {_AT}[\w-]++(?:{_DOT}[\w-]++)+                              # mo (at) town [dot] example
      | [ ]at[ ](?!the\b|an?\b)[\w-]++[ ]dot[ ](?:com|edu|example|info|net|org)\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_SIGNS_OF_EMAIL = "@", " dot ", "at)", "at]", "at}", "at )", "at ]", "at }"

# A space may be a fixed one, a hyphen any short dash.
_GAP = "[ \u00a0\u202f.\u2010\u2011\u2013-]"
_DATE = r"""(?:
    (?:[0-3]?[0-9][./-]){2}(?:[12][0-9])?[0-9]{2}                   # 01.02.1999, 1/2/99
  | [12][0-9]{3}(?:[./-][0-3]?[0-9]){2}                             # 1999-02-01
  | [12][0-9]{3}[\u2013-][12][0-9]{3}                               # 1914-1918
)(?![./-]?[0-9])"""
# What looks like a phone number and is none. It is tried first, and stays.
_NO_PHONE = rf"""
    \bISBN\b[ :-]{{0,2}}(?:1[03]:?[ ])?[0-9](?:[ -]?[0-9]){{8,11}}[ -]?[0-9X]
  | (?<![\w.])[0-2]?[0-9][.][0-5][0-9](?![0-9]|[.-][0-9])           # 09.30
  | (?<![\w.+/-]){_DATE}"""
_PHONE = re.compile(
    rf"""(?P<keep>{_NO_PHONE})
      | (?P<before>\b(?:call|cell|dial|fax|mobile|phone|ring|tel|telephone)\b[^\n0-9+(]{{0,20}})
        (?!{_DATE})\(?[0-9](?:(?:{_GAP}|[/()]){{0,2}}[0-9]){{6,14}}(?!\w|[.-][0-9]) # call 555-0123
      | (?<![\w.+-])(?:
            \+\(?[1-9](?:(?:{_GAP}|[/()]){{0,3}}[0-9]){{7,14}}      # +44 (0)20 7946 0958
          | (?:1{_GAP}?)?                                           # 1-
            (?:\([2-9][0-9]{{2}}\){_GAP}{{0,2}} | [2-9][0-9]{{2}}(?:{_GAP}|/)?)  # (283)- or 283
            [0-9]{{3}}{_GAP}?[0-9]{{4}}                             # 182-3829
          | (?<![0-9][ ])(?:\(0[0-9]{{1,5}}\)|0[0-9])               # (0118) or 01
            (?:(?:{_GAP}|/)?[0-9]){{7,12}}                          # 18 496 0123
        )(?:[ ]?(?:x|ext\.?)[ ]?[0-9]{{1,5}})?(?!\w|[.-][0-9])""",
    re.VERBOSE | re.IGNORECASE,
)
_SEVEN_DIGITS = re.compile(r"[0-9](?:[^0-9\n]{0,4}[0-9]){6}")

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IP = re.compile(
    rf"""(?P<keep>\b(?:build|chapter|firmware|release|section|version)[ ]++[0-9.]++)
      | (?<![\w.])(?<![a-z]/)(?:{_OCTET}\.){{3}}{_OCTET}(?!\w|\.[0-9])
      | (?P<six>(?<![\w:.])[0-9a-f]{{4}}:[0-9a-f:]{{1,33}}[0-9a-f](?!\w|:[\w:]|\.[0-9]))""",
    re.VERBOSE | re.IGNORECASE,
)
_TWO_DOTS_OR_COLONS = re.compile(r"[0-9][.][0-9]{1,3}[.][0-9]|:[0-9a-fA-F]{0,4}:")


def mask_emails(text: str) -> tuple[str, int]:
    """Replace every e-mail address by |||EMAIL_ADDRESS|||; return the text and how many.

    Found, too: addresses that hide from machines, as "mo (at) town [dot] example" and "mo at town
    dot com". Left alone: an "@" without a domain that ends in two letters.

    >>> mask_emails("Write to mo.baker+inn@town.example.")
    ('Write to |||EMAIL_ADDRESS|||.', 1)
    """
    lower = text.lower()
    if not any(sign in lower for sign in _SIGNS_OF_EMAIL):
        return text, 0
    return _EMAIL.subn("|||EMAIL_ADDRESS|||", text)


def mask_phone_numbers(text: str) -> tuple[str, int]:
    """Replace phone numbers by |||PHONE_NUMBER|||; return the text and how many.

    Found: "+" with 8 to 15 digits in any groups (ITU-T E.164); ten digits in North American groups,
    with or without a leading 1; 9 to 14 digits that begin with 0; and 7 to 15 digits after a word
    such as "call" or "phone". Left alone: dates, years, times, prices and what follows "ISBN".

    >>> mask_phone_numbers("Ring (283) 182-3829 or +44 20 7946 0958, room 1204.")
    ('Ring |||PHONE_NUMBER||| or |||PHONE_NUMBER|||, room 1204.', 2)
    >>> mask_phone_numbers("Read ISBN 0-306-40615-2 by 01.02.1999.")
    ('Read ISBN 0-306-40615-2 by 01.02.1999.', 0)
    """
    if not _SEVEN_DIGITS.search(text):
        return text, 0
    return _mask(_PHONE, "|||PHONE_NUMBER|||", text)


def mask_ips(text: str) -> tuple[str, int]:
    """Replace IPv4 and IPv6 addresses by |||IP_ADDRESS|||; return the text and how many.

    IPv4 is four numbers of at most 255; v1.2.3.4, version 1.2.3.4, Name/1.2.3.4 and 1.2.3.4.5 stay.
    IPv6 is found when its first group is written in full, as in 2001:db8::1; 1::2 stays.

    >>> mask_ips("The pump listens on 192.0.2.146 and 2001:db8::2e.")
    ('The pump listens on |||IP_ADDRESS||| and |||IP_ADDRESS|||.', 2)
    """
    if not _TWO_DOTS_OR_COLONS.search(text):
        return text, 0
    return _mask(_IP, "|||IP_ADDRESS|||", text)


def _mask(pattern: re.Pattern, placeholder: str, text: str) -> tuple[str, int]:
    """Replace the matches that are no exception, but for what only announces them."""
    count = 0

    def replacement(match: re.Match) -> str:
        nonlocal count
        groups = match.groupdict()
        if groups["keep"] or (groups.get("six") and not _is_ipv6(match[0])):
            return match[0]
        count += 1
        return (groups.get("before") or "") + placeholder

    return pattern.sub(replacement, text), count


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return any(letter.isdigit() for letter in text)
