#!/bin/sh
# Makes the virtual environment that the Makefile uses and installs nbfaas into it, editable.
#   sh scripts/setup.sh .venv        with PYTHON=… to choose the interpreter (default: python3)
set -eu

venv=${1:?usage: setup.sh FOLDER}
python=${PYTHON:-python3}
extras=dev,notebooks

fail() {
    echo "setup: $*" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 ||
    fail "there is no '$python' here. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "'$python' is $("$python" --version 2>&1); nbfaas needs Python 3.11 or newer. Name another: make PYTHON=python3.12"

# Debian packs venv and ensurepip apart from its own Python.
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "setup: installing $package, which '$python' needs to make virtual environments"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" ||
            fail "$package could not be installed. Install it by hand, or name another Python: make PYTHON=…"
    else
        fail "'$python' can't make virtual environments. On Debian and Ubuntu: sudo apt-get install $package"
    fi
fi

# Of two calls at once the second waits (this file is the lock), then finds nearly all done.
if command -v flock >/dev/null 2>&1; then
    exec 9<"$0"
    flock 9
fi

version=$("$python" -c 'import sys; print(sys.version)')
if [ "$("$venv/bin/python" -c 'import sys; print(sys.version)' 2>/dev/null)" != "$version" ]; then
    echo "setup: making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
fi

# uv is many times faster, but does not read pip's settings: where pip was told to use another
# index (and where uv fails), pip installs.
pip="$venv/bin/python -m pip"
installed=
if ! $pip config list 2>/dev/null | grep -Eq '(^|[.])index-url='; then
    echo "setup: installing nbfaas with its extras $extras"
    $pip install -qq --disable-pip-version-check 'uv>=0.5' &&
        "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --editable ".[$extras]" &&
        installed=yes
fi
if [ -z "$installed" ]; then
    echo "setup: installing nbfaas by pip instead, which takes some minutes"
    $pip install --quiet --disable-pip-version-check --editable ".[$extras]" ||
        fail "the packages could not be installed; what pip wrote above says why (is the network there?)"
fi
touch "$venv/.installed"
