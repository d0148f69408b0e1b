# What the other scripts share: finding and installing what the sandbox and the checks need.
# Sourced, not run.

say() { printf '%s\n' "$*" >&2; }

# Postgres' and OpenSSH's servers are often kept off the PATH.
server_on_disk() {
  command -v "$1" >/dev/null 2>&1 && return 0
  local dir
  for dir in /usr/sbin /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/sbin \
    /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin /usr/local/sbin; do
    [ -x "$dir/$1" ] && return 0
  done
  return 1
}

# The name of a program's package, by package manager.
package_of() {
  case "$1:$2" in
    apt-get:sshd) echo openssh-server ;; apt-get:initdb) echo postgresql ;;
    apt-get:psql | apt-get:pg_dump) echo postgresql-client ;;
    apt-get:pgbench) echo postgresql ;;
    apt-get:ssh-keygen | apt-get:ssh) echo openssh-client ;;
    dnf:sshd) echo openssh-server ;; dnf:initdb) echo postgresql-server ;;
    dnf:psql | dnf:pg_dump) echo postgresql ;; dnf:pgbench) echo postgresql-contrib ;; dnf:ssh-keygen | dnf:ssh) echo openssh-clients ;;
    brew:sshd | brew:ssh-keygen | brew:ssh) echo openssh ;;
    brew:initdb | brew:psql | brew:pg_dump | brew:pgbench) echo postgresql@17 ;;
    apt-get:gnome-keyring-daemon | dnf:gnome-keyring-daemon) echo gnome-keyring ;;
    apt-get:secret-tool) echo libsecret-tools ;; dnf:secret-tool) echo libsecret ;;
    apt-get:dbus-run-session | dnf:dbus-run-session) echo dbus-daemon ;;
    apt-get:dbus-send) echo dbus-bin ;; dnf:dbus-send) echo dbus-tools ;;
    apt-get:systemctl | dnf:systemctl) echo systemd ;;
    apt-get:unshare | apt-get:nsenter | apt-get:setpriv | apt-get:prlimit) echo util-linux ;;
    dnf:unshare | dnf:nsenter | dnf:setpriv | dnf:prlimit) echo util-linux ;;
    apt-get:ip) echo iproute2 ;; dnf:ip) echo iproute ;;
    apt-get:nft | dnf:nft) echo nftables ;;
    apt-get:cc | dnf:cc) echo gcc ;; apt-get:c++) echo g++ ;; dnf:c++) echo gcc-c++ ;;
    apt-get:curl | dnf:curl | brew:curl) echo curl ;;
    *) echo "$2" ;;
  esac
}

package_manager() {
  local manager
  for manager in apt-get dnf brew; do
    command -v "$manager" >/dev/null 2>&1 && { echo "$manager"; return; }
  done
}

# need PROGRAM…: installs the packages of those that are missing, after saying so; names them and
# stops when it may not.
need() {
  local program manager missing=()
  manager=$(package_manager)
  for program in "$@"; do
    server_on_disk "$program" || missing+=("$(package_of "${manager:-none}" "$program")")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  install_packages "$manager" "${missing[@]}"
}

# need_packages PACKAGE…: the same on Debian, for what is known by its package alone.
need_packages() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] || install_packages apt-get "${missing[@]}"
}

# install_packages MANAGER PACKAGE…
install_packages() {
  local manager=$1 packages root=()
  shift
  packages=$(printf '%s\n' "$@" | sort -u | tr '\n' ' ')
  if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
      root=(sudo)
    else
      manager=
    fi
  fi
  if [ -z "$manager" ]; then
    say "missing, and I may not install it: $packages"
    say "install it with the system's package manager, then call this again"
    exit 1
  fi
  say "installing with $manager: $packages"
  case "$manager" in
    apt-get)
      "${root[@]}" apt-get update -qq >&2
      # shellcheck disable=SC2086 # a list of names
      DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq \
        --no-install-recommends $packages >&2
      ;;
    # shellcheck disable=SC2086
    dnf) "${root[@]}" dnf install -y -q $packages >&2 ;;
    # shellcheck disable=SC2086
    brew) brew install --quiet $packages >&2 ;;
  esac
}

# Everything that the sandbox stands on.
need_sandbox() {
  need cc sshd ssh-keygen initdb psql
}

# What the tests of the service and of the login need beside that.
need_desktop() {
  [ "$(uname -s)" = Linux ] || return 0
  need valgrind systemctl unshare nsenter prlimit ip nft setpriv dbus-run-session dbus-send
  need gnome-keyring-daemon secret-tool
  # A library, known by its package alone; without it the test of the clock says so.
  [ "$(package_manager)" != apt-get ] || need_packages libfaketime
  if [ "$(id -u)" -ne 0 ]; then
    say "not root: the tests with a real systemd --user will not run"
  fi
}

# The shells that completions are tried in. Elvish is in Debian and Homebrew, not everywhere.
need_shells() {
  need zsh fish
  [ "$(package_manager)" = dnf ] || need elvish
}

# cargo_tool PROGRAM CRATE: a tool that cargo itself can build. Unoptimised: it is used once.
cargo_tool() {
  command -v "$1" >/dev/null 2>&1 && return 0
  say "installing with cargo: $2 (this takes some minutes, once)"
  cargo install --quiet --locked --debug "$2" >&2
}
