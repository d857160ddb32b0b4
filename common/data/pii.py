"""Mask personal data: e-mail addresses, phone numbers and IP addresses become placeholders.

A model repeats what it has read, so what must not be repeated must not be read. Patterns find what
has a shape; a name, a street or "anna at home dot org" has none, and stays. Where a number could be
either (ten digits in a row), it is masked: a lost number costs less than a leaked one. Masking
twice changes nothing. The placeholders are those of Stanford's CS336 (2025), assignment 4.

Taught in ch01_data/06_corpus.ipynb.
Needs: nothing but the standard library.
"""

import re

# Each pattern starts at a boundary and matches in one way only: ten thousand letters without an "@"
# cost one pass, not ten thousand.
_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]+@(?:[\w-]+\.)+[^\W\d_]{2,}")
_PHONE = re.compile(
    r"""(?<![\w.+-])(?:
        \+(?:[ .()-]{0,2}[0-9]){8,15}                   # +44 (0)20 7946 0958
      | (?:1[ .-])?                                     # 1-
        (?:\([0-9]{3}\)[ .-]{0,2} | [0-9]{3}[ .-]?)     # (283)- or 283
        [0-9]{3}[ .-]?[0-9]{4}                          # 182-3829
    )(?!\w|[.-][0-9])""",
    re.VERBOSE,
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IP = re.compile(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\w|\.[0-9])")


def mask_emails(text: str) -> tuple[str, int]:
    """Replace every e-mail address by |||EMAIL_ADDRESS|||; return the text and how many.

    >>> mask_emails("Write to mo.baker+inn@town.example.")
    ('Write to |||EMAIL_ADDRESS|||.', 1)
    """
    return _EMAIL.subn("|||EMAIL_ADDRESS|||", text)


def mask_phone_numbers(text: str) -> tuple[str, int]:
    """Replace phone numbers by |||PHONE_NUMBER|||; return the text and how many.

    Found: ten digits in North American groups, with or without a leading 1, brackets, spaces, dots
    or hyphens; and "+" with 8 to 15 digits (ITU-T E.164) in any groups.

    >>> mask_phone_numbers("Ring (283) 182-3829 or +44 20 7946 0958, room 1204.")
    ('Ring |||PHONE_NUMBER||| or |||PHONE_NUMBER|||, room 1204.', 2)
    """
    return _PHONE.subn("|||PHONE_NUMBER|||", text)


def mask_ips(text: str) -> tuple[str, int]:
    """Replace IPv4 addresses (four numbers of at most 255) by |||IP_ADDRESS|||; return the text and
    how many. Version numbers such as v1.2.3.4 or 1.2.3.4.5 stay; IPv6 is not looked for.

    >>> mask_ips("The pump listens on 192.0.2.146.")
    ('The pump listens on |||IP_ADDRESS|||.', 1)
    """
    return _IP.subn("|||IP_ADDRESS|||", text)
