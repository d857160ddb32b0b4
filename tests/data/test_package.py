"""What `common.data` gives by itself."""

import subprocess
import sys

import pytest

import common.data


def test_package_gives_what_is_typed_most():
    for name in common.data.__all__:
        assert getattr(common.data, name).__module__.startswith("common.data.")
    assert set(common.data.__all__) <= set(dir(common.data))


def test_package_names_what_it_lacks():
    with pytest.raises(AttributeError, match="common.data.*nothing_here"):
        common.data.nothing_here  # noqa: B018


def test_package_imports_what_is_asked_for_and_no_more():
    program = "import sys, common.data; print(len({'lxml', 'numpy', 'torch'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.stdout == "0\n", told.stderr
