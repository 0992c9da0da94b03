#!/bin/sh
# Runs trafficsniffer from this checkout: sh scripts/run.sh [options of trafficsniffer]
# Installs Deno and libpcap where they are missing, and uses sudo where capturing needs it.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/scripts/lib.sh"

# Sets `task` to what the arguments ask for: help, file (no capture) or live.
classify() {
  task="live"
  [ "${1:-}" != devices ] || task="file"
  for argument; do
    case $argument in
      --) break ;;
      -h | --help | --version) task="help" && break ;;
      -r* | -[qv]r* | --read | --read=*) task="file" ;;
    esac
  done
}

# Whether this user can capture without sudo.
may_capture() {
  is_root && return
  case $(uname -s) in
    Darwin) [ -r /dev/bpf0 ] ;;
    # CAP_NET_RAW is bit 13 of the capabilities that a child process has.
    *) capabilities=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status 2>/dev/null) &&
      [ $((0x${capabilities:-0} & 0x2000)) -ne 0 ] ;;
  esac
}

classify "$@"
ensure_deno
[ "$task" = help ] || ensure_libpcap

# Foreign calls can do anything this user can, so holding back reading and writing files would guard nothing.
permissions=$(cat "$root/scripts/permissions.txt")
# shellcheck disable=SC2086 # one word a flag
set -- --no-prompt $permissions --config "$root/deno.json" "$root/main.ts" "$@"

if [ "$task" != live ] || may_capture || ! have sudo; then
  exec "$deno" run "$@"
fi

# Root reads this user's cache instead of downloading again, and leaves no files of its own there.
say "Capturing needs root: starting with sudo."
"$deno" cache --quiet --config "$root/deno.json" "$root/main.ts"
cache=$("$deno" info --json --no-config | sed -n 's/^ *"denoDir": "\(.*\)",*$/\1/p')
exec sudo env DENO_DIR="$cache" DENO_NO_UPDATE_CHECK=1 ${NO_COLOR+"NO_COLOR=$NO_COLOR"} \
  "$deno" run --no-code-cache --cached-only "$@"
