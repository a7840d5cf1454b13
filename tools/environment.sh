# Sourced by tools/check and tools/demo: a virtual environment at $VENV (default .venv) and how to install into it.
# `install` honours constraints.txt, which keeps PyTorch at one version; on Linux it is the CPU build where the index has it.
VENV=${VENV:-.venv}
PYTHON=${PYTHON:-python3}

if [ ! -x "$VENV/bin/python" ]; then
    "$PYTHON" -c 'import sys; sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; set PYTHON" if sys.version_info < (3, 11) else 0)'
    "$PYTHON" -m venv "$VENV"
fi

install() {
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt "$@"
}
