#!/bin/sh
# Write the lock files: every package with its version and the hashes of its files. torch is left
# out of the tests' one, since it comes from an index of its own.
set -eu
cd "$(dirname "$0")/.."
# uv itself by its hash, from the lock file of before.
sed -n '/^uv==/,/[^\\]$/p' .make/tests.lock >.make/uv.new
.venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps \
    -r .make/uv.new
rm .make/uv.new

lock() { # NAME WHAT ARGUMENTS...
    name=$1 what=$2
    shift 2
    .venv/bin/python -m uv pip compile "$@" --generate-hashes --universal --python-version 3.11 \
        --no-emit-index-url --no-header --no-annotate --quiet --upgrade --output-file "$name.new"
    { echo "# $what, with the hashes of its files. Made anew by 'make lock'."; cat "$name.new"; } \
        >"$name"
    rm "$name.new"
}

lock .make/installers.lock "Every package in an installer" \
    pyproject.toml .make/installers.in --extra linux-tray
# The same versions as in the installers.
lock .make/program.lock "Every package that the program needs, without extras" \
    pyproject.toml --constraint .make/installers.lock
lock .make/package.lock "What builds the package" .make/package.in
lock .make/tests.lock "Every package that the tests use but torch" \
    pyproject.toml --extra dev --no-emit-package torch --no-emit-package torchvision
