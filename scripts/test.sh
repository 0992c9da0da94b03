#!/bin/sh
# Checks and tests everything: sh scripts/test.sh [--fast]
#
# Format, lint, types, imports, the tests with bare permissions, then every test with all of them, a minute of fuzzing,
# and with REQUIRE_ALL=1 the quick benchmark; --fast leaves out test/e2e, fuzzing and the benchmark. Ends with
# "N passed, N failed, N skipped", where each check counts as one, and exits 1 if anything failed. Tests that lack what
# they need are left out, with the reason. With REQUIRE_ALL=1 that is a failure, except where the need is one of the two
# environment variables that name things from outside the repository.
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root" || exit 1
. scripts/lib.sh

fast=
case $# in
  0) ;;
  *) if [ $# = 1 ] && [ "$1" = --fast ]; then fast=1; else
    say "usage: sh scripts/test.sh [--fast]"
    exit 2
  fi ;;
esac

ensure_deno
ensure_libpcap

passed=0 failed=0 skipped=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

# check NAME COMMAND...: one check, by its exit code.
check() {
  name=$1
  shift
  printf '\n== %s\n' "$name"
  if "$@" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$name"
  fi
}

# figure WORD: the number before WORD in Deno's summary line.
figure() {
  number=$(printf '%s\n' "$summary" | sed -n "s/.*| \([0-9]*\) $1.*/\1/p")
  echo "${number:-0}"
}

# tests ARGUMENTS...: runs `deno test` and adds its figures; sets `left_out` to the names of the tests left out.
tests() {
  printf '\n== tests\n'
  {
    "$deno" test --no-check "$@" 2>&1
    echo $? >"$work/status"
  } | tee "$work/output"
  escape=$(printf '\033')
  sed "s/$escape\[[0-9;]*m//g" "$work/output" >"$work/plain"
  summary=$(grep -E '^(ok|FAILED) \| [0-9]+ passed' "$work/plain" | tail -n 1)
  passed=$((passed + $(figure passed)))
  skipped=$((skipped + $(figure ignored)))
  failures=$(figure failed)
  # A run can also fail outside any test, or before the first.
  [ "$(cat "$work/status")" = 0 ] || [ "$failures" != 0 ] || failures=1
  failed=$((failed + failures))
  left_out=$(sed -n 's/^\([^ ].*\) \.\.\. ignored (.*/\1/p' "$work/plain")
}

check format "$deno" fmt --check
check lint "$deno" lint
check types "$deno" check main.ts src test scripts
check imports "$deno" run --no-prompt --allow-read scripts/check_imports.ts
check "tests with --allow-ffi --allow-read alone" \
  "$deno" test --no-check --no-prompt --reporter=dot --allow-ffi --allow-read test
tests --no-prompt --allow-all ${fast:+--ignore=test/e2e} test
[ -n "$fast" ] || check fuzz "$deno" task fuzz --seconds 60
[ -n "$fast" ] || [ "${REQUIRE_ALL:-}" != 1 ] || check benchmark "$deno" task bench --quick

if [ -n "$left_out" ]; then
  printf '\nLeft out:\n%s\n' "$left_out" | sed '3,$s/^/  /'
fi
if [ "${REQUIRE_ALL:-}" = 1 ]; then
  exempt='^$'
  for variable in TRAFFICSNIFFER_CORPUS TRAFFICSNIFFER_COMPILE_BASE; do
    eval "value=\${$variable:-}"
    [ -n "$value" ] || exempt="$exempt|$variable"
  done
  required=$(printf '%s\n' "$left_out" | grep -Evc "$exempt")
  if [ "$required" != 0 ]; then
    printf 'FAILED: %s of these must not be left out (REQUIRE_ALL=1).\n' "$required"
    failed=$((failed + required))
    skipped=$((skipped - required))
  fi
fi

printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
