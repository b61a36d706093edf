#!/usr/bin/env bash
# Compiles llama-cpp-python out of requirements.lock with the Python of .venv, and prints the path of its wheel.
#
#   scripts/llama.sh native     for this processor, with all it can do: what `make setup` installs
#   scripts/llama.sh portable   for x86-64 with AVX2 (x86-64-v3: Intel since 2013, AMD since 2015), or any 64-bit ARM
#
# llama.cpp is compiled for one processor, by one compiler, with one set of flags: the wheel is kept under all of them.
# pip's own cache knows none of this and would hand out a wheel that another program had compiled otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

# Only the library: no vision, no programs, no TLS. llama.cpp tunes itself to this machine's processor unless told not to.
flags="-DLLAVA_BUILD=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF \
-DLLAMA_BUILD_SERVER=OFF -DLLAMA_OPENSSL=OFF"
case ${1:-} in
  native) ;;
  portable)
    flags+=" -DGGML_NATIVE=OFF"
    if [[ $(uname -m) == x86_64 ]]; then
      flags+=" -DGGML_SSE42=ON -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_BMI2=ON -DGGML_FMA=ON -DGGML_F16C=ON"
    fi
    ;;
  *) echo "usage: scripts/llama.sh native|portable" >&2 && exit 2 ;;
esac
export CMAKE_ARGS="$flags ${CMAKE_ARGS:-}"
CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
export CMAKE_BUILD_PARALLEL_LEVEL PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

python=$PWD/.venv/bin/python
lock=$(mktemp)
trap 'rm -f "$lock"' EXIT
awk '/^[^ #]/ { part = /^llama-cpp-python==/ } part' requirements.lock >"$lock"
key=$({
  cat "$lock" scripts/amx.h
  echo "$CMAKE_ARGS ${CFLAGS:-} ${CXXFLAGS:-}"
  "$python" -VV
  "${CXX:-c++}" --version
  uname -sm
  grep -m 1 -E '^(flags|Features)' /proc/cpuinfo || sysctl -n machdep.cpu.brand_string
} 2>/dev/null | cksum | cut -d ' ' -f 1)
kept=${XDG_CACHE_HOME:-$HOME/.cache}/localsynth/llama-cpp-python-$key
if ! compgen -G "$kept/*.whl" >/dev/null; then
  new=$(mktemp -d)
  CXXFLAGS="${CXXFLAGS:-} -include $PWD/scripts/amx.h" \
    "$python" -m pip wheel --no-cache-dir --no-deps --require-hashes -r "$lock" -w "$new" >&2
  mkdir -p "$(dirname "$kept")" && rm -rf "$kept" && mv "$new" "$kept" || kept=$new # a full or missing home: not kept
fi
echo "$kept"/*.whl
