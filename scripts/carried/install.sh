#!/bin/sh
# Installs localsynth out of this folder, without a network: finds the right Python; install.py does the rest.
#
#   sh install.sh DEST                  into a new folder DEST
#   sh install.sh DEST --demo           and makes 500 rows afterwards
#   PYTHON=/opt/bin/python3 sh install.sh DEST      with this Python
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wanted=$(sed -n 's/.*"python": "\([0-9.]*\)".*/\1/p' "$here/wheelhouse.json" 2>/dev/null || true)
if [ -z "$wanted" ] || [ ! -f "$here/install.py" ]; then
  echo "error: $here is no whole wheelhouse: wheelhouse.json or install.py is missing or damaged" >&2
  echo "hint: copy the folder again" >&2
  exit 1
fi

seen=
# try PYTHON ARGUMENT...: goes on with that Python if it is the right one
try() {
  python=$1
  shift
  # a version manager's shim may exist and not run
  found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || return 0
  seen=$found
  if [ "$found" = "$wanted" ]; then
    exec "$python" -I "$here/install.py" "$@"
  fi
}
if [ -n "${PYTHON:-}" ]; then
  try "$PYTHON" "$@"
else
  try "python$wanted" "$@"
  try python3 "$@"
fi
if [ -n "$seen" ]; then
  echo "error: these wheels are for Python $wanted, and the Python found here is $seen" >&2
else
  echo "error: these wheels are for Python $wanted, and no Python was found" >&2
fi
echo "hint: install python$wanted with its venv module, or say where it is: PYTHON=/path/to/python$wanted sh install.sh DEST" >&2
exit 1
