# shellcheck shell=sh
# Finds or installs what the program needs: Deno and libpcap. Sourced by run.sh and test.sh.
# POSIX sh; everything that is said goes to stderr.

deno_version=2.9.6 # what is installed where no Deno is found
export DENO_NO_UPDATE_CHECK=1

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" = 0 ]; }

# Runs a command as root, through sudo unless this is root already.
as_root() {
  if is_root; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "Root is needed, and there is no sudo here. As root, run: $*"
  fi
}

# Installs system packages, saying so first.
install_packages() {
  if have apt-get; then
    say "Installing $* with apt-get."
    set -- env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
    # The package lists are refreshed only where they are missing or too old.
    as_root "$@" </dev/null >&2 || { as_root apt-get update </dev/null >&2 && as_root "$@" </dev/null >&2; }
  elif have dnf; then
    say "Installing $* with dnf."
    as_root dnf install -y "$@" </dev/null >&2
  elif have apk; then
    say "Installing $* with apk."
    as_root apk add "$@" </dev/null >&2
  elif have pacman; then
    say "Installing $* with pacman."
    as_root pacman -S --noconfirm --needed "$@" </dev/null >&2
  elif have brew; then
    say "Installing $* with brew."
    brew install "$@" </dev/null >&2
  else
    die "Found none of apt-get, dnf, apk, pacman and brew. Install $* and start again."
  fi
}

# Prints the path of the executable behind the command $1 if it is Deno 2.5 or newer.
usable_deno() {
  "$1" eval --quiet --no-config '
    const [major, minor] = Deno.version.deno.split(".").map(Number);
    if (major > 2 || (major === 2 && minor >= 5)) console.log(Deno.execPath());
  ' 2>/dev/null
}

# Sets `deno` to a usable Deno's path if there is one, on PATH or where installers put it.
find_deno() {
  for candidate in deno "${HOME:-}/.deno/bin/deno"; do
    have "$candidate" || continue
    deno=$(usable_deno "$candidate") && [ -n "$deno" ] && return
    say "$(command -v "$candidate") is not usable: Deno 2.5 or newer is needed."
  done
  return 1
}

# Sets `deno` to the path of a usable Deno, installed into ~/.deno if there is none.
ensure_deno() {
  find_deno && return
  [ -n "${HOME:-}" ] || die "Deno is to be installed in the home directory, and HOME is not set."
  if have npm; then
    say "Installing Deno $deno_version into $HOME/.deno with npm."
    npm install --global --prefix "$HOME/.deno" "deno@$deno_version" </dev/null >&2 || say "npm failed."
    deno=$(usable_deno "$HOME/.deno/bin/deno") && [ -n "$deno" ] && return
  fi
  have curl || install_packages curl ca-certificates
  have unzip || have 7z || install_packages unzip
  say "Installing Deno $deno_version into $HOME/.deno with https://deno.land/install.sh."
  # The installer asks questions when its output is a terminal.
  curl -fsSL https://deno.land/install.sh | DENO_INSTALL="$HOME/.deno" sh -s -- "v$deno_version" >/dev/null
  deno=$(usable_deno "$HOME/.deno/bin/deno") && [ -n "$deno" ] && return
  die "Deno could not be installed. See https://docs.deno.com/runtime/getting_started/installation/"
}

# Whether libpcap can be loaded, by the loader and the names that the program uses.
have_libpcap() {
  "$deno" eval --quiet --no-config '
    for (const name of ["libpcap.so.1", "libpcap.so.0.8", "libpcap.dylib"]) {
      try {
        Deno.dlopen(name, {});
        Deno.exit(0);
      } catch {
        // Not under this name.
      }
    }
    Deno.exit(1);
  ' 2>/dev/null
}

# Installs libpcap if it is not there. Needs `deno`.
ensure_libpcap() {
  have_libpcap && return
  if have apt-get; then
    install_packages libpcap0.8
  else
    install_packages libpcap
  fi
  have_libpcap || die "libpcap was installed and still cannot be loaded."
}
