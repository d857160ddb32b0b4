#!/bin/sh
# Make .venv with everything the book needs. Usage: sh tools/environment.sh .venv/bin/python
# A Python of your choice: PYTHON=/path/to/python make book
set -eu
run=$1

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if ! new_enough "$run" || ! "$run" -m pip --version >/dev/null 2>&1; then
    found=""
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        if new_enough "$candidate"; then
            found=$candidate
            break
        fi
    done
    if [ -z "$found" ]; then
        wanted=${PYTHON:-python3}
        seen="not there"
        if command -v "$wanted" >/dev/null; then seen=$("$wanted" --version 2>&1); fi
        echo "The book needs Python 3.11 or newer, but $wanted is $seen." >&2
        exit 1
    fi
    echo "Creating .venv with $("$found" --version)."
    if ! "$found" -m venv --clear .venv; then
        echo "Could not create .venv (on Debian and Ubuntu, install the package python3-venv)." >&2
        exit 1
    fi
fi

echo "Installing what pyproject.toml asks for into .venv; a few minutes the first time."
if ! "$run" -m pip install -qq --disable-pip-version-check --upgrade pip ||
   ! "$run" -m pip install -qq --disable-pip-version-check -c constraints.txt -e ".[test]"; then
    echo "Installation failed; the lines above say why. The same make command tries again." >&2
    exit 1
fi
touch .venv/ready
