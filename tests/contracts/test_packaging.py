"""Contracts on packaging: one address, one set of versions, a reason for each dependency."""

import re

import pytest
import yaml

from tests.contracts.reading import (
    ROOT,
    address,
    dependencies,
    pyproject,
    requirement_name,
    text_files,
)
from tests.tolerances import TOLERANCE

EXTRAS = ("test", "bench", "book", "scale", "sources", "gpu")
INSTALLED = ("test", "book", "scale", "sources")  # what make puts into .venv
OUR_NAME = "llm-from-scratch-companion"


def versions(lines: list[str]) -> dict[str, str]:
    """Names and versions of `name==version` lines; a marker after `;` does not count."""
    requirements = [line.partition(";")[0].strip() for line in lines]
    pins = [requirement.split("==") for requirement in requirements if "==" in requirement]
    return {requirement_name(name): version.strip() for name, version in pins}


def constraints() -> dict[str, str]:
    return versions((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())


def other_addresses(text: str, repository: str) -> list[str]:
    """Mentions of the repository under another owner or name than pyproject.toml gives."""
    owner, name = repository.split("/")
    found = re.findall(r"github(?:\.com)?[/:]([\w-]+/[\w-]+)", text)
    return [x for x in found if x != repository and name in x.split("/")[1]]


def without_comment(text: str) -> list[str]:
    """Dependencies of environment.yml that say nothing on why they are there."""
    items = [line.strip() for line in text.split("dependencies:")[1].splitlines()]
    named = [line for line in items if re.match(r"- \w[\w-]*($|[=<>\s])", line)]
    return [line for line in named if "#" not in line]


def test_constraints_pin_every_dependency_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.!]*", line)] == []
    assert dependencies(*INSTALLED) - set(constraints()) == set()


def test_environment_is_pyproject_with_the_constraints() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, last = environment["dependencies"]
    python = pyproject()["project"]["requires-python"]
    assert conda == [f"python{python}", "pip", "make"]
    options = [line for line in last["pip"] if line.startswith("-")]
    assert options == ["--constraint constraints.txt", "--editable ."]
    pinned = versions(last["pip"])
    assert set(pinned) == dependencies(*INSTALLED)
    assert pinned == {name: constraints()[name] for name in pinned}


def test_environment_says_why_for_each_dependency() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert without_comment(text) == []
    assert without_comment("dependencies:\n  - pip\n  - numpy==2  # why") == ["- pip"]


def test_contributing_gives_a_reason_for_each_dependency() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("## Dependencies")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([\w-]+)` \| \S", table, re.MULTILINE)) == dependencies(*EXTRAS)


def test_contributing_gives_the_tolerances_that_tests_use() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+\d+) \| ([\d.e-]+) \| ([\d.e-]+) \|$", text, re.MULTILINE)
    said = {name: {"rtol": float(rtol), "atol": float(atol)} for name, rtol, atol in rows}
    assert said == {str(dtype).removeprefix("torch."): t for dtype, t in TOLERANCE.items()}


def test_extras_are_the_ones_promised() -> None:
    assert set(pyproject()["project"]["optional-dependencies"]) == set(EXTRAS)


def test_only_one_address_is_given() -> None:
    repository = address().removeprefix("https://github.com/")
    wrong = {path: other_addresses(text, repository) for path, text in text_files().items()}
    assert {path: found for path, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://github.com/someone/our-book", ["someone/our-book"]),
        ("colab.research.google.com/github/someone/our-book/blob", ["someone/our-book"]),
        ("https://github.com/us/our-book.git and https://github.com/karpathy/nanoGPT", []),
    ],
)
def test_other_addresses_sees(text: str, found: list[str]) -> None:
    assert other_addresses(text, "us/our-book") == found


def test_the_distribution_is_named_as_the_setup_cell_installs_it() -> None:
    assert pyproject()["project"]["name"] == OUR_NAME
    assert address().endswith(f"/{OUR_NAME}")


def test_lint_and_pre_commit_use_one_ruff() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert config["repos"][0]["rev"] == f"v{constraints()['ruff']}"
