import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data import town
from common.data.pii import (
    _EMAIL,
    _IP,
    _PHONE,
    _SEVEN_DIGITS,
    _SIGNS_OF_EMAIL,
    _TWO_DOTS_OR_COLONS,
    _is_ipv6,
    mask_emails,
    mask_ips,
    mask_phone_numbers,
)
from common.data.site import KEPT, TUNING

MASKS = [mask_emails, mask_phone_numbers, mask_ips]
PLACEHOLDER = re.compile(r"\|\|\|[A-Z_]+\|\|\|")
NB_SPACE, NB_HYPHEN = "\u00a0", "\u2011"


@pytest.mark.parametrize(
    "address",
    [
        "test@gmail.com",
        "mo.baker+inn@town.example",
        "a_b%c-d@x-y.co.uk",
        "мария@почта.рф",
        "ANNA@EXAMPLE.ORG",
        "o'brien@example.org",
        "anna (at) example.org",
        "anna[at]example[dot]org",
        "anna {at} example {dot} co {dot} uk",
        "anna at example dot com",
        "ANNA (AT) EXAMPLE.ORG",
        "Anna At Example Dot Com",
    ],
)
def test_mask_emails_finds_address_inside_sentence(address):
    text, count = mask_emails(f"Write to <{address}>, or ask at the inn.")
    assert (text, count) == ("Write to <|||EMAIL_ADDRESS|||>, or ask at the inn.", 1)


def test_mask_emails_counts_each_and_keeps_final_full_stop():
    assert mask_emails("a@b.com, c@d.org and e@f.net.") == (
        "|||EMAIL_ADDRESS|||, |||EMAIL_ADDRESS||| and |||EMAIL_ADDRESS|||.",
        3,
    )


def test_mask_emails_leaves_quotes_around_address():
    assert mask_emails("'a@b.com'") == ("'|||EMAIL_ADDRESS|||'", 1)


@pytest.mark.parametrize(
    "text",
    [
        "meet @ noon",
        "@decorator.name",
        "user@localhost",
        "a@b",
        "a@b.c",
        "5@6.7",
        "She was (at) home.",
        "a look at the dot com boom",
        "she stared at polka dot dresses",
    ],
)
def test_mask_emails_leaves_what_is_no_address(text):
    assert mask_emails(text) == (text, 0)


@pytest.mark.parametrize(
    "number",
    [
        "2831823829",
        "(283)-182-3829",
        "(283) 182 3829",
        "283-182-3829",
        "283.182.3829",
        "283/182-3829",
        "1-283-182-3829",
        "283-182-3829 ext. 12",
        f"(283){NB_SPACE}182{NB_HYPHEN}3829",
        "+1 (283) 182-3829",
        "+44 20 7946 0958",
        "+44 (0)20 7946 0958",
        "+4915112345678",
        "+81-3-1234-5678",
        "+47 123 456",  # 8 digits
        "+123456789012345",  # 15
        "283\u202f182\u202f3829",
        "283\u2010182\u20133829",
        "0044 20 7946 0958",
        "020 7946 0958",
        "(0118) 496 0123",
        "01 99 00 12 34",
        "01.99.00.12.34",
        "030/12345678",
    ],
)
def test_mask_phone_numbers_finds_each_format(number):
    assert mask_phone_numbers(f"Ask {number}.") == ("Ask |||PHONE_NUMBER|||.", 1)


@pytest.mark.parametrize("said", ["Call ", "Tel.: ", "phone number ", "Ring us at any hour: "])
def test_mask_phone_numbers_finds_short_number_that_is_announced(said):
    assert mask_phone_numbers(f"{said}555-0123!") == (f"{said}|||PHONE_NUMBER|||!", 1)
    assert mask_phone_numbers("See 555-0123!") == ("See 555-0123!", 0)


@pytest.mark.parametrize(
    "text",
    [
        "in 1984-1985",
        "call it 1914-1918",
        "12345",
        "3.1415926535",
        "12831823829123",
        "+47 12 345",
        "+1234567890123456",
        "0x2831823829",
        "10 + 20 = 30",
        "at 10:30 or 09.30 10.15 11.45",
        "2024-01-15 10:30:00",
        "call before 2024-01-15",
        "on 01.02.2003 10 people came",
        "ISBN 0-306-40615-2",
        "ISBN 0306406152",
        "ISBN-13: 978-0-306-40615-7",
        "978-3-16-148410-0",
        "978 0 306 40615 7",
        "$1,234,567,890",
        "1 000 000 000 crowns",
        "EUR 1.234.567,89",
        "call it 1,250,000",
        "12.50 13.00 14.25",
        "at 1700000000 s",
        "arXiv:2012.07805",
        "Python 3.11.2",
        "version 10.0.19041.1234",
        "192.168.100.200",
        "room 1204, pages 283-290",
    ],
)
def test_mask_phone_numbers_leaves_other_numbers(text):
    assert mask_phone_numbers(text) == (text, 0)


def test_mask_phone_numbers_does_not_join_lines():
    text = "283\n182\n3829"
    assert mask_phone_numbers(text) == (text, 0)


@pytest.mark.parametrize(
    "address",
    [
        "192.0.2.146",
        "0.0.0.0",
        "255.255.255.255",
        "10.0.0.1",
        "2001:db8::1",
        "2001:0DB8:0000:0000:0000:FF00:0042:8329",
        "fe80::1ff:fe23:4567:890a",
    ],
)
def test_mask_ips_finds_address_before_full_stop(address):
    assert mask_ips(f"It is {address}.") == ("It is |||IP_ADDRESS|||.", 1)


def test_mask_ips_leaves_port_prefix_and_colon():
    text = "http://192.0.2.1:80/ or [2001:db8::1]:80, 192.0.2.0/24, from 2001:db8::5: refused"
    assert PLACEHOLDER.sub("IP", mask_ips(text)[0]) == (
        "http://IP:80/ or [IP]:80, IP/24, from IP: refused"
    )


@pytest.mark.parametrize(
    "text",
    [
        "256.1.1.1",
        "1.2.3",
        "1.2.3.4.5",
        "v1.2.3.4",
        "1.2.3.1000",
        "version 1.2.3.4",
        "Chrome/120.0.0.0",
        "section 4.3.2.1",
        "10:30:45",
        "2024:10:30",
        "00:1a:2b:3c:4d:5e",
        "std::vector",
        "dead::beef",
        "x[1::2]",
    ],
)
def test_mask_ips_leaves_what_is_no_address(text):
    assert mask_ips(text) == (text, 0)


def masked(text):
    counts = 0
    for mask in MASKS:
        text, count = mask(text)
        counts += count
    return text, counts


@pytest.mark.parametrize("mess", [TUNING, KEPT], ids=["tuning", "kept"])
def test_masks_find_every_personal_line_of_both_towns(mess):
    dice, missed = Random(3), 0
    for _ in range(2000):
        line, planted = mess.personal(dice)
        text, count = masked(line)
        missed += planted in text or count != 1
    assert missed <= 20  # a recall of 0.99


@pytest.mark.parametrize("mess", [TUNING, KEPT], ids=["tuning", "kept"])
def test_masks_leave_every_harmless_paragraph_of_both_towns(mess):
    dice = Random(3)
    paragraphs = [mess.harmless(dice) for _ in range(2000)]
    assert [text for text in paragraphs if masked(text)[1]] == []


def test_masks_leave_clean_pages_alone():
    texts = ["\n".join(page.paragraphs) for page in town.pages(200, seed=1)]
    assert [text for text in texts if masked(text)[1]] == []


@pytest.mark.parametrize("mask", MASKS)
def test_mask_leaves_placeholders_uncounted(mask):
    text = "|||EMAIL_ADDRESS||| |||PHONE_NUMBER||| |||IP_ADDRESS|||"
    assert mask(text) == (text, 0)


@given(st.text(alphabet="ab12.@-+():/ \n|_", max_size=60))
def test_what_a_text_must_have_is_there_when_the_pattern_matches(text):
    lower = text.lower()
    if _EMAIL.search(text):
        assert any(sign in lower for sign in _SIGNS_OF_EMAIL)
    if any(not match["keep"] for match in _PHONE.finditer(text)):
        assert _SEVEN_DIGITS.search(text)
    if any(not match["keep"] and "." in match[0] for match in _IP.finditer(text)):
        assert _TWO_DOTS_OR_COLONS.search(text)
    if any(match["six"] and _is_ipv6(match[0]) for match in _IP.finditer(text)):
        assert _TWO_DOTS_OR_COLONS.search(text)


@given(st.text(alphabet="ab1.@-+():/ \n|_", max_size=60))
def test_mask_twice_changes_nothing(text):
    for mask in MASKS:
        once, count = mask(text)
        assert mask(once) == (once, 0)
        assert count == len(PLACEHOLDER.findall(once))


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(
    "piece",
    ["a", "1", "1.", "a.", "+1 ", "(283)", "a@", "a'", "+.'", "01 ", "call ", "a at b dot ", "1:"],
)
def test_mask_reads_long_runs_in_linear_time(mask, piece):
    # Quadratic work on 400 kB would be 10^10 steps: minutes. This ends, so it is not quadratic.
    text = piece * (400_000 // len(piece)) + " @ dot 1.2.3. 1 2 3 4 5 6 7"
    assert isinstance(mask(text)[1], int)
