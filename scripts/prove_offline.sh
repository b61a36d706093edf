#!/usr/bin/env bash
# Proves that nothing leaves: runs every method, the judging, the exports and the SQL of localsynth on a machine without any
# network, under strace, and counts every attempt to reach one. Ends with 0 where the count is zero, else with 1.
#
#   scripts/prove_offline.sh               every method with the model of `make model`, PAFT with its training (make finetune)
#   scripts/prove_offline.sh --quick       the same with the engine that needs no model, without training
#   scripts/prove_offline.sh --phone-home  with a dependency (pydantic) that was made to tell somebody, by Python and by C:
#                                          must end with 1
#
# Linux, strace, a C compiler; who is not root needs user namespaces (unshare -r). "network" counts calls that make, bind,
# connect or write to a socket of any family but AF_UNIX; "local" those of AF_UNIX, which end on this machine; "names" calls of
# the C library that look up a host; "refused" what localsynth itself refused and told.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD bin=${LOCALSYNTH_BIN:-$PWD/.venv/bin}

quick='' phone=''
for word in "$@"; do
  case $word in
    --quick) quick=1 ;;
    --phone-home) phone=1 ;;
    *) echo "usage: scripts/prove_offline.sh [--quick] [--phone-home]" >&2 && exit 2 ;;
  esac
done

if [[ ${INSIDE_NAMESPACE:-} != 1 ]]; then
  for need in strace unshare cc; do
    command -v $need >/dev/null || { echo "error: $need is missing: it is what this proof looks with" >&2; exit 2; }
  done
  [[ -x $bin/localsynth ]] || { echo "error: $bin/localsynth is missing: make setup" >&2; exit 2; }
  rights=(); ((EUID == 0)) || rights=(-r)
  unshare "${rights[@]}" -n true 2>/dev/null || { echo "error: this system allows no network namespace (try sudo)" >&2; exit 2; }
  INSIDE_NAMESPACE=1 exec unshare "${rights[@]}" -n "$0" "$@"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# strace stops at every call of the system, and threads that wait for each other make most of them.
export OMP_NUM_THREADS=1
export LOCALSYNTH_WORKSPACE=$work/workspace LOCALSYNTH_MODELS=${LOCALSYNTH_MODELS:-$root/models} NO_COLOR=1

echo "network interfaces here: $(awk -F: 'NR > 2 { gsub(/ /, "", $1); printf "%s ", $1 }' /proc/net/dev)(a namespace of its own; lo is down)"

# Names are looked up inside the C library: counted where they are asked.
cat >"$work/names.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(const char *what, const char *name) {
  const char *path = getenv("LOCALSYNTH_PROOF_NAMES");
  int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (file < 0) return;
  char line[512] = "";
  strncat(line, what, 64), strcat(line, " "), strncat(line, name ? name : "-", 256), strcat(line, "\n");
  if (write(file, line, strlen(line)) < 0) abort();
  close(file);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
  note("getaddrinfo", name);
  return next(name, service, hints, found);
}

struct hostent *gethostbyname(const char *name) {
  struct hostent *(*next)(const char *) = dlsym(RTLD_NEXT, "gethostbyname");
  note("gethostbyname", name);
  return next(name);
}
C
cc -shared -fPIC -o "$work/names.so" "$work/names.c" -ldl

if [[ -n $phone ]]; then
  mkdir "$work/path"
  cat >"$work/path/pydantic.py" <<'PY'
"""Tells somebody that it is used, then is the real package."""
import ctypes, importlib, os, sys, urllib.request

try:
    urllib.request.urlopen("http://telemetry.example/used", timeout=2)
except OSError:
    pass
ctypes.CDLL(None).socket(2, 1, 0)
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [folder for folder in sys.path if folder != here]
del sys.modules["pydantic"]
sys.modules["pydantic"] = importlib.import_module("pydantic")
PY
  export PYTHONPATH=$work/path${PYTHONPATH:+:$PYTHONPATH}
fi

model=(); [[ -z $quick ]] || model=(--model uniform)
total=0 failed=0
printf '%-34s %8s %7s %6s %8s %9s\n' step network local names refused seconds

# step NAME ARGUMENT...: one command of localsynth with all its children, watched
step() {
  local name=$1 started=$SECONDS code=0 network local names refused
  shift
  rm -f "$work/calls" "$work/names"
  # Without --seccomp-bpf: strace's own filter would not see what localsynth's filter refuses.
  LOCALSYNTH_PROOF_NAMES=$work/names strace -f -qq -o "$work/calls" \
    -e trace=socket,socketpair,connect,bind,listen,accept,accept4,sendto,sendmsg,sendmmsg,io_uring_setup -e signal=none \
    -E LD_PRELOAD="$work/names.so" "$bin/localsynth" "$@" >"$work/out" 2>"$work/said" || code=$?
  network=$(grep -cE '(AF_(INET|INET6|NETLINK|PACKET|VSOCK)|io_uring_setup)' "$work/calls" || true)
  local=$(grep -vE '(AF_(INET|INET6|NETLINK|PACKET|VSOCK)|io_uring_setup|socketpair)' "$work/calls" | grep -c '(' || true)
  names=$( (cat "$work/names" 2>/dev/null || true) | wc -l)
  refused=$(grep -c 'refused: .* reached for the network' "$work/said" || true)
  printf '%-34s %8d %7d %6d %8d %9d\n' "$name" "$network" "$local" "$names" "$refused" $((SECONDS - started))
  total=$((total + network + names + refused))
  if ((network + names + refused)); then
    { grep -hE 'AF_(INET|NETLINK|PACKET|VSOCK)|io_uring' "$work/calls" || true; cat "$work/names" 2>/dev/null || true
      grep 'reached for the network' "$work/said" || true; } | sed 's/^/    /' | sort | uniq -c | sort -rn | head -n 8
  fi
  if ((code)); then
    failed=$((failed + 1))
    echo "    ended with exit code $code: $(tail -n 2 "$work/said" | tr '\n' ' ')"
  fi
}

# changed RECIPE LINE: a copy of a packaged recipe with one more line under [method], its last table
changed() {
  "$bin/localsynth" recipe copy "$1" "$work/$1" >/dev/null 2>&1
  echo "$2" >>"$work/$1/$1.toml"
  echo "$work/$1/$1.toml"
}

step "init" init
step "import" import sample:diabetes --policy rows
if [[ -n $quick ]]; then game=$(changed asia 'rounds = 0'); else game=$(changed asia 'rounds = 1'); fi
step "text-to-tabular" run clinic --rows 40 "${model[@]}"
step "llmsynthor" run ecommerce --rows 100 "${model[@]}"
step "mallm-gan" run "$game" --rows 60 "${model[@]}"
if [[ -z $quick ]]; then step "paft, with its training" run location --rows 100; fi
for method in independent gaussian-copula bootstrap; do
  printf 'title = "%s"\nrows = 50\n[dataset]\nname = "diabetes"\n[method]\nname = "%s"\n' $method $method >"$work/$method.toml"
  step "$method" run "$work/$method.toml"
done
step "evaluate, report" evaluate last --html "$work/report.html"
step "sql" sql "SELECT count(*) FROM diabetes_real"
step "export" export last -o "$work/rows.parquet"
step "doctor" doctor

found=$total
step "control: doctor --offline tries" doctor --offline
seen=$((total - found))
echo "attempts to reach a network (connect, sendto, getaddrinfo, ...): $found"
((seen > 0)) || echo "the control was not seen: this proof proves nothing here"
((failed == 0)) || echo "steps that failed: $failed"
((found == 0 && failed == 0 && seen > 0))
