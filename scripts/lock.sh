#!/usr/bin/env bash
# Writes requirements.lock again from pyproject.toml: every package and hash `make setup` may install.
# Needs uv and the network; nothing else in the project needs either.
set -euo pipefail
cd "$(dirname "$0")/.."

uv pip compile pyproject.toml --extra dev --extra dp \
  --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-header \
  --quiet --output-file requirements.lock "$@"

echo "requirements.lock: $(grep -c '^[a-z]' requirements.lock) packages" >&2
