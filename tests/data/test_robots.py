import math
from random import Random
from urllib.robotparser import RobotFileParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.robots import RobotRules
from tests.data.mutants import HANG_S, Watch, mutate


def _rules(*lines: str, agent: str = "Robot/2.0 (+http://x/)") -> RobotRules:
    return RobotRules("\n".join(lines).encode(), agent)


# The examples of RFC 9309, sections 2.2.2, 2.2.3 and 5.
RFC = """User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("agent", "path", "allowed"),
    [
        ("anybot", "/publications/a.gif", True),
        ("anybot", "/a.gif", False),
        ("anybot", "/a.gif?b", True),
        ("anybot", "/example/", False),
        ("foobot", "/example/page.html", True),
        ("FooBot/1.2", "/example/other.html", False),
        ("foobot", "/", False),
        ("barbot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/a.gif", True),
        ("quxbot", "/example/", True),
        ("foobot", "/robots.txt", True),
    ],
)
def test_robot_rules_agree_with_the_examples_of_the_standard(agent, path, allowed):
    assert RobotRules(RFC.encode(), agent).allows(path) == allowed


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/fish", "/fish.html", True),
        ("/fish", "/Fish", False),
        ("/fish*", "/fishheads/yummy", True),
        ("/fish/", "/fish", False),
        ("/*.php", "/folder/any.php.file?x", True),
        ("/*.php$", "/a.php?x", False),
        ("/*.php$", "/a.php/b.php", True),
        ("/a*b*c", "/abbc", True),
        ("/a*b*c$", "/acb", False),
        ("/a$", "/a", True),
        ("/a$", "/ab", False),
        ("/a*a$", "/a", False),
        ("*", "/", True),
        ("/%7Efoo", "/~foo", True),
        ("/a%3cd", "/a%3Cd", True),
        ("/a%2fb", "/a/b", False),
        ("/a%2fb", "/a%2Fb", True),
        ("/ツ", "/%E3%83%84", True),
        ("/%2a", "/*", True),
        ("/%2a", "/x", False),
        ("/a%252Fb", "/a%2Fb", False),
        ("/a%252Fb", "/a%252fb", False),
        ("/a%25b", "/a%25bc", True),
    ],
)
def test_robot_rules_fit_patterns(pattern, path, fits):
    assert _rules("User-agent: *", f"Disallow: {pattern}").allows(path) is not fits


def test_robot_rules_let_the_longest_rule_decide_and_allow_win_a_tie():
    rules = _rules("User-agent: *", "Allow: /p", "Disallow: /", "Disallow: /p/q", "Allow: /p/q")
    assert [rules.allows(path) for path in ("/", "/p", "/p/q")] == [False, True, True]


def test_robot_rules_join_groups_and_skip_what_they_do_not_know():
    rules = _rules(
        "Disallow: /no-group",
        "USER-AGENT : Robot # that is us",
        "Sitemap: http://x/sitemap.xml",
        "",
        "disallow:/a",
        "User-agent: other",
        "Disallow: /",
        "user-agent: robot/1.0",
        "Disalow: /typo",
        "Disallow: /b # not /bb",
        "Disallow:",
    )
    paths = ["/no-group", "/a", "/b", "/typo", "/c"]
    assert [rules.allows(path) for path in paths] == [True, False, False, True, True]


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n\n"])
def test_robot_rules_read_any_newline_and_a_byte_order_mark(newline):
    text = newline.join(["\ufeffUser-agent: *", "Disallow: /a"])
    assert not RobotRules(text.encode(), "x").allows("/a")


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("Disallow: /a", 0.0),
        ("Crawl-delay: 3", 3.0),
        ("crawl-delay: 0.5", 0.5),
        ("Crawl-delay: -1", 0.0),
        ("Crawl-delay: soon", 0.0),
        ("Crawl-delay: 1e9", 1e9),
        ("Crawl-delay: 1234567890", 1234567890.0),
        ("Crawl-delay: 0.12345678901", 0.12345678901),
        ("Crawl-delay: nan", 0.0),
        ("Crawl-delay: " + "9" * 5000, math.inf),
    ],
)
def test_robot_rules_know_the_delay(line, seconds):
    assert _rules("User-agent: *", line).delay_s == seconds


def test_robot_rules_take_a_byte_that_is_no_letter_for_a_letter():
    rules = RobotRules(b"User-agent: *\nDisallow: /a\xff\nDisallow: /b", "x")
    assert [rules.allows(path) for path in ("/a", "/ab", "/b")] == [True, True, False]


def test_robot_rules_read_2000_characters_of_a_pattern():
    rules = _rules("User-agent: *", "Disallow: /" + "a" * 3000)
    assert [rules.allows("/" + "a" * size) for size in (1998, 1999)] == [True, False]


def test_robot_rules_close_what_the_standard_library_leaves_open():
    lines = ["User-agent: *", "Allow: /", "Disallow: /private/"]
    theirs = RobotFileParser()
    theirs.parse(lines)
    assert theirs.can_fetch("x", "/private/a")
    assert not _rules(*lines).allows("/private/a")


@given(st.lists(st.sampled_from(["/", "/a", "/a/", "/a/b", "/b", "/ab"]), max_size=5))
def test_robot_rules_without_allow_agree_with_the_standard_library(closed):
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    theirs = RobotFileParser()
    theirs.parse(lines)
    for path in ["/", "/a", "/a/b/c", "/b", "/abc"]:
        assert _rules(*lines).allows(path) == theirs.can_fetch("x", path)


def test_robot_rules_never_raise_and_end_soon():
    dice, watch = Random(0), Watch()
    stars = "Disallow: /" + "a*" * 900 + "b$"
    for _ in range(400):
        mutant = mutate(dice, f"{RFC}\n{stars}\n".encode())[0]
        with watch:
            rules = RobotRules(mutant, "foobot")
            assert rules.allows("/" + "a" * 2000) in (True, False)
    with watch:
        assert _rules("User-agent: *", stars).allows("/" + "a" * 100_000)
        assert not RobotRules(b"User-agent: *\nDisallow: /\n" + b":" * 10**7, "x").allows("/")
    with watch:
        named = b"User-agent: *\nUser-agent: x\n" * 1000 + b"Disallow: /\n" * 2000
        assert not RobotRules(named, "x").allows("/")
    assert watch.slowest < HANG_S


@pytest.mark.parametrize(("size", "is_read"), [(500 * 1024, True), (600_000, False)])
def test_robot_rules_read_the_500_kib_that_the_standard_asks_for(size, is_read):
    rules = b"User-agent: *\nDisallow: /a\n"
    text = b"#" * (size - len(rules) - 1) + b"\n" + rules
    assert RobotRules(text, "x").allows("/a") is not is_read
