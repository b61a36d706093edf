#!/usr/bin/env bash
# Makes .venv from requirements.lock; `make setup` calls it. Needs Python 3.11 or newer and a C++ compiler.
# The stamp is written last, so a step that failed is tried again the next time.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
log=.setup.log
# cksum is the one checksum every POSIX system has
stamp=$venv/.stamp-$(cat requirements.lock pyproject.toml scripts/setup.sh scripts/amx.h | cksum | cut -d ' ' -f 1)
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

# the lock, without (others) or with nothing but (compiled) the one package that is built from source
part_of_lock() {
  awk -v want="$1" '/^[^ #]/ { part = /^llama-cpp-python==/ ? "compiled" : "others" } part == want' requirements.lock
}

install_locked() {
  part_of_lock "$1" >"$venv/$1.lock"
  "$venv/bin/python" -m pip install --no-deps --require-hashes -r "$venv/$1.lock"
}

# llama.cpp is compiled for one processor, by one compiler, with one set of flags: the wheel is kept under all of them.
# pip's own cache knows none of this and would hand out a wheel that another program had compiled otherwise.
install_compiled() {
  local key cache new
  part_of_lock compiled >"$venv/compiled.lock"
  key=$({
    cat "$venv/compiled.lock" scripts/amx.h
    echo "$CMAKE_ARGS ${CFLAGS:-} ${CXXFLAGS:-}"
    "$venv/bin/python" -VV
    "${CXX:-c++}" --version
    uname -sm
    grep -m 1 -E '^(flags|Features)' /proc/cpuinfo || sysctl -n machdep.cpu.brand_string
  } 2>/dev/null | cksum | cut -d ' ' -f 1)
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/localsynth/llama-cpp-python-$key
  if ! compgen -G "$cache/*.whl" >/dev/null; then
    new=$(mktemp -d)
    CXXFLAGS="${CXXFLAGS:-} -include $PWD/scripts/amx.h" \
      "$venv/bin/python" -m pip wheel --no-cache-dir --no-deps --require-hashes -r "$venv/compiled.lock" -w "$new" || return
    mkdir -p "$(dirname "$cache")" && rm -rf "$cache" && mv "$new" "$cache" || cache=$new # a full or missing home: no cache
  fi
  "$venv/bin/python" -m pip install --no-deps --no-index "$cache"/*.whl
}

python=$(find_python)
say "setup: $("$python" --version) into $venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

# Only the library: no vision, no programs, no TLS. llama.cpp tunes itself to this machine's processor.
export CMAKE_ARGS="-DLLAVA_BUILD=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF \
-DLLAMA_BUILD_SERVER=OFF -DLLAMA_OPENSSL=OFF ${CMAKE_ARGS:-}"
CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
export CMAKE_BUILD_PARALLEL_LEVEL

step "creating the virtual environment (5 s)" "$python" -m venv --clear "$venv"
step "installing the locked packages (1 minute)" install_locked others
step "compiling llama.cpp (2 to 6 minutes; seconds when done before)" install_compiled || {
  command -v "${CXX:-c++}" g++ clang++ >/dev/null || say "No C++ compiler found. On Debian and Ubuntu: apt install g++"
  exit 1
}
# hatchling is in the lock, so nothing unlocked is fetched to build the project itself
step "installing localsynth, editable (5 s)" \
  "$venv/bin/python" -m pip install --no-deps --no-build-isolation --editable .
touch "$stamp"
