#!/bin/sh
# trafficsniffer @version@ for @target@: this script, then the bundled program and Deno @deno_version@, both gzipped.
# The first start unpacks and verifies them. Later starts only check that nobody but the user could have changed them.
set -efu

program_sha256=@program_sha256@
deno_sha256=@deno_sha256@

fail() {
  printf 'trafficsniffer: %s\n' "$1" >&2
  exit 1
}

uid=$(id -u)
if [ "$uid" = 0 ]; then
  cache=/var/cache/trafficsniffer
else
  case ${XDG_CACHE_HOME:-} in
    /*) cache=$XDG_CACHE_HOME/trafficsniffer ;;
    *)
      [ -n "${HOME:-}" ] || fail "set HOME or XDG_CACHE_HOME: the program is unpacked there once"
      cache=$HOME/.cache/trafficsniffer
      ;;
  esac
fi
# "trafficsniffer" is the name that ps and top show.
deno=$cache/trafficsniffer-$deno_sha256
program=$cache/trafficsniffer-$program_sha256.js

# require MODE PATH: stops unless ls shows PATH with the type and mode MODE, a pattern, and this user as its owner.
# A dot or an at sign after the mode means a security label or attributes, which grant nothing.
require() {
  # shellcheck disable=SC2046 # words: mode, links, owner, ...
  set -- "$1" "$2" $(ls -ldn -- "$2")
  # shellcheck disable=SC2254 # a pattern
  case $3 in
    $1 | $1[.@]) [ "$5" != "$uid" ] || return 0 ;;
  esac
  fail "refusing $2: it must be yours alone and no link (found mode $3, owner $5); remove it and start again"
}

require_cache() { require 'drwx--[-S]---' "$cache"; }

sha256() {
  if command -v sha256sum >/dev/null; then
    sha256sum <"$1"
  elif command -v shasum >/dev/null; then
    shasum -a 256 <"$1"
  else
    openssl dgst -sha256 -r <"$1"
  fi | cut -c 1-64
}

# unpack PATH SHA256 OFFSET LENGTH MODE: makes PATH from LENGTH bytes of this file, the first being byte OFFSET.
# The rename makes PATH appear whole or not at all, also when two first starts meet.
unpack() {
  if [ -e "$1" ] || [ -L "$1" ]; then return; fi
  part=$(mktemp "$cache/part.XXXXXX") || fail "cannot write in $cache"
  trap 'rm -f "$part"' EXIT
  trap 'exit 1' HUP INT TERM
  tail -c "+$3" "$0" | head -c "$4" | gzip -dc >"$part" 2>/dev/null ||
    fail "cannot unpack into $cache: no space is left there, or $0 is damaged"
  [ "$(sha256 "$part")" = "$2" ] || fail "$0 is damaged: its content does not have the digest it was made with"
  chmod "$5" "$part"
  mv -f "$part" "$1"
  trap - EXIT HUP INT TERM
}

if [ ! -e "$deno" ] || [ ! -e "$program" ]; then
  mask=$(umask)
  umask 077
  mkdir -p "$cache" 2>/dev/null || fail "cannot make the directory $cache"
  require_cache
  unpack "$program" "$program_sha256" @program_offset@ @program_length@ 600
  unpack "$deno" "$deno_sha256" @deno_offset@ @deno_length@ 700
  umask "$mask"
fi
require_cache
require -rw------- "$program"
require -rwx------ "$deno"
[ -x "$deno" ] || fail "nothing in $cache can be executed (mounted noexec?)"

export DENO_DIR="$cache/deno" DENO_NO_UPDATE_CHECK=1 DENO_NO_PACKAGE_JSON=1
exec "$deno" run --no-config --no-lock --no-remote --no-npm --no-prompt @permissions@ "$program" "$@"
exit 1
