#!/usr/bin/env bash
# Makes .venv from requirements.lock; `make setup` calls it. Needs Python 3.11 or newer and a C++ compiler.
# The stamp is written last, so a step that failed is tried again the next time.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
log=.setup.log
# cksum is the one checksum every POSIX system has
stamp=$venv/.stamp-$(cat requirements.lock pyproject.toml scripts/{setup.sh,llama.sh,wheels.py,amx.h} | cksum | cut -d ' ' -f 1)
[[ -e $stamp && -x $venv/bin/python ]] && exit 0

say() { printf '%s\n' "$*" >&2; }

# step "what it does, how long" command...: quiet when it works, the end of its log when it does not
step() {
  local what=$1 started=$SECONDS
  shift
  printf '  %s ... ' "$what" >&2
  if "$@" >"$log" 2>&1; then
    say "done in $((SECONDS - started)) s"
  else
    say "FAILED after $((SECONDS - started)) s"
    tail -n 25 "$log" >&2
    say "setup stopped at: $what (the whole log is in $log; \`make setup\` tries again)"
    return 1
  fi
}

find_python() {
  local candidate
  for candidate in python3.13 python3.12 python3.11 python3; do
    # a version manager's shim may exist and not run; Debian's python3 may lack ensurepip
    if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
  say "setup needs Python 3.11 or newer with its venv module, and found none."
  say "On Debian and Ubuntu: apt install python3 python3-venv"
  return 1
}

install_compiled() {
  local wheel
  wheel=$(scripts/llama.sh native) && "$venv/bin/python" -m pip install --no-deps --no-index "$wheel"
}

python=$(find_python)
say "setup: $("$python" --version) into $venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

step "creating the virtual environment (5 s)" "$python" -m venv --clear "$venv"
step "installing the locked packages (1 minute)" "$venv/bin/python" scripts/wheels.py
step "compiling llama.cpp (2 to 6 minutes; seconds when done before)" install_compiled || {
  command -v "${CXX:-c++}" g++ clang++ >/dev/null || say "No C++ compiler found. On Debian and Ubuntu: apt install g++"
  exit 1
}
# hatchling is in the lock, so nothing unlocked is fetched to build the project itself
step "installing localsynth, editable (5 s)" \
  "$venv/bin/python" -m pip install --no-deps --no-build-isolation --editable .
touch "$stamp"
