#!/usr/bin/env bash
# Adds what fine-tuning needs to .venv: PyTorch for the processor alone (190 MB; the build for NVIDIA's GPUs has several GB:
# `pip install 'localsynth[finetune]'` takes that), and the rest from requirements-finetune.lock by hash.
#
#   scripts/finetune.sh              into .venv
#   scripts/finetune.sh DIR PYTHON   only fetches the wheels, those for PYTHON, into DIR
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
torch=2.13.0
log=.setup.log
stamp=$venv/.stamp-finetune-$(cat requirements-finetune.lock scripts/finetune.sh | cksum | cut -d ' ' -f 1)
[[ $# == 0 && -e $stamp ]] && exit 0

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
if (($#)); then
  doing=fetching
  pip=("$2" -m pip download --no-deps --only-binary=:all: -d "$1")
else
  doing=installing
  pip=("$venv/bin/python" -m pip install --no-deps)
fi

case $(uname -s) in
  Linux) wanted=(--retries 1 --extra-index-url https://download.pytorch.org/whl/cpu "torch==$torch+cpu") ;;
  *) wanted=("torch==$torch") ;;
esac

started=$SECONDS
printf '  %s PyTorch and what trains with it (1 minute) ... ' $doing >&2
if { "${pip[@]}" "${wanted[@]}" && "${pip[@]}" --require-hashes -r requirements-finetune.lock; } >"$log" 2>&1; then
  echo "done in $((SECONDS - started)) s" >&2
else
  echo "FAILED after $((SECONDS - started)) s" >&2
  tail -n 25 "$log" >&2
  exit 1
fi
(($#)) || touch "$stamp"
