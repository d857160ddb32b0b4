import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.pii import mask_emails, mask_ips, mask_phone_numbers

MASKS = [mask_emails, mask_phone_numbers, mask_ips]


@pytest.mark.parametrize(
    "address",
    ["test@gmail.com", "mo.baker+inn@town.example", "a_b%c-d@x-y.co.uk", "мария@почта.рф"],
)
def test_mask_emails_finds_address_inside_sentence(address):
    text, count = mask_emails(f"Write to <{address}>, or ask at the inn.")
    assert (text, count) == ("Write to <|||EMAIL_ADDRESS|||>, or ask at the inn.", 1)


def test_mask_emails_counts_each_and_keeps_final_full_stop():
    assert mask_emails("a@b.com, c@d.org and e@f.net.") == (
        "|||EMAIL_ADDRESS|||, |||EMAIL_ADDRESS||| and |||EMAIL_ADDRESS|||.",
        3,
    )


@pytest.mark.parametrize(
    "text", ["meet @ noon", "@decorator.name", "user@localhost", "a@b", "5@6.7"]
)
def test_mask_emails_leaves_other_at_signs(text):
    assert mask_emails(text) == (text, 0)


@pytest.mark.parametrize(
    "number",
    [
        "2831823829",
        "(283)-182-3829",
        "(283) 182 3829",
        "283-182-3829",
        "283.182.3829",
        "1-283-182-3829",
        "+1 (283) 182-3829",
        "+44 20 7946 0958",
        "+4915112345678",
    ],
)
def test_mask_phone_numbers_finds_each_format(number):
    assert mask_phone_numbers(f"Ring {number}.") == ("Ring |||PHONE_NUMBER|||.", 1)


@pytest.mark.parametrize(
    "text",
    ["in 1984-1985", "12345", "3.1415926535", "12831823829123", "0x2831823829", "10 + 20 = 30"],
)
def test_mask_phone_numbers_leaves_other_numbers(text):
    assert mask_phone_numbers(text) == (text, 0)


def test_mask_phone_numbers_does_not_join_lines():
    text = "283\n182\n3829"
    assert mask_phone_numbers(text) == (text, 0)


@pytest.mark.parametrize("address", ["192.0.2.146", "0.0.0.0", "255.255.255.255", "10.0.0.1"])
def test_mask_ips_finds_address_before_full_stop(address):
    assert mask_ips(f"It is {address}.") == ("It is |||IP_ADDRESS|||.", 1)


@pytest.mark.parametrize("text", ["256.1.1.1", "1.2.3", "1.2.3.4.5", "v1.2.3.4", "1.2.3.1000"])
def test_mask_ips_leaves_what_is_no_address(text):
    assert mask_ips(text) == (text, 0)


@pytest.mark.parametrize("mask", MASKS)
def test_mask_leaves_placeholders_uncounted(mask):
    text = "|||EMAIL_ADDRESS||| |||PHONE_NUMBER||| |||IP_ADDRESS|||"
    assert mask(text) == (text, 0)


@given(st.text(alphabet="ab1.@-+() \n|_", max_size=60))
def test_mask_twice_changes_nothing(text):
    for mask in MASKS:
        once, count = mask(text)
        assert mask(once) == (once, 0)
        assert count == len(re.findall(r"\|\|\|[A-Z_]+\|\|\|", once))


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("piece", ["a", "1", "1.", "a.", "+1 ", "(283)", "a@"])
def test_mask_reads_long_runs_in_linear_time(mask, piece):
    # Quadratic work on 400 kB would be 10^10 steps: minutes. This ends, so it is not quadratic.
    text = piece * (400_000 // len(piece))
    assert isinstance(mask(text)[1], int)
