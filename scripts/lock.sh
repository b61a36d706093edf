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

# What `make finetune` installs beside PyTorch: what the extra adds to the lock above, without the packages for GPUs.
names=$(grep -oE '^[a-zA-Z0-9._-]+==' requirements.lock)
uv pip compile pyproject.toml --extra finetune --constraints requirements.lock \
  --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet |
  grep -vE '^(torch|triton|nvidia-|cuda-|localsynth)' |
  while IFS= read -r line; do grep -qxF "${line%%==*}==" <<<"$names" || echo "$line"; done |
  uv pip compile - --no-deps --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file requirements-finetune.lock

echo "requirements-finetune.lock: $(grep -c '^[a-z]' requirements-finetune.lock) packages" >&2
