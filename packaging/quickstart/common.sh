# shellcheck shell=sh
# What the two commands of the README share. Sourced with $top set to the checkout.

BUILD_PACKAGES="gcc libc6-dev cmake ninja-build pkg-config libuv1-dev libssh-dev libinih-dev libjansson-dev libelf-dev
  libssl-dev"
TEST_PACKAGES="libcmocka-dev python3 python3-pytest python3-pytest-xdist python3-pytest-timeout python3-paramiko
  openssh-client openssh-server openssl dropbear-bin tinysshd iproute2 tcsh fish zsh util-linux procps
  docker.io docker-compose podman runc containernetworking-plugins busybox-static socat netcat-openbsd
  clang-format-14 clang-tidy-14 doxygen bash-completion mandoc groff-base systemd"
WINDOWS_PACKAGES="gcc-mingw-w64-x86-64-win32 nsis wine wine64"
NIGHTLY_PACKAGES="clang libclang-rt-14-dev socat haproxy"

say() {
  printf '%s\n' "$*"
}

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Runs a command as root.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    die "This needs root, and there is no sudo. As root, run: $*"
  fi
}

is_installed() {
  dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

# leave_disabled PACKAGE UNIT...: if the package is new ($had does not name it).
leave_disabled() {
  server=$1
  shift
  case $had in
  *" $server "*) return 0 ;;
  esac
  if is_installed "$server" && [ -d /run/systemd/system ]; then
    say "Leaving the service of the new package $server disabled."
    as_root systemctl disable --quiet "$@" 2>/dev/null || :
  fi
}

# A server's package starts its service when it is installed. We only want the program: /usr/sbin/policy-rc.d is how
# Debian lets one say so, and the service is not left enabled either.
install_quietly() {
  policy=/usr/sbin/policy-rc.d
  had=
  for server in openssh-server tinysshd docker.io containerd podman; do
    ! is_installed $server || had="$had $server "
  done
  ours=no
  if [ ! -e $policy ]; then
    ours=yes
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
  fi
  rc=0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=180 install -y -q --no-install-recommends \
    "$@" || rc=$?
  if [ $ours = yes ]; then
    as_root rm -f $policy
  fi
  leave_disabled openssh-server ssh.service ssh.socket
  leave_disabled tinysshd tinysshd.socket
  leave_disabled docker.io docker.service docker.socket
  leave_disabled containerd containerd.service
  leave_disabled podman podman.service podman.socket podman-auto-update.timer podman-restart.service
  return $rc
}

# Installs those of the packages that are missing; says so first.
install_packages() {
  command -v apt-get >/dev/null 2>&1 || die "This script knows Debian and Ubuntu (apt-get). Elsewhere, install the
equivalents of these packages by hand: $*"
  missing=
  for package in "$@"; do
    is_installed "$package" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  say "Installing packages:$missing"
  # shellcheck disable=SC2086 # a list of words
  if ! install_quietly $missing; then
    say "Refreshing the package lists, and trying again."
    as_root apt-get -o DPkg::Lock::Timeout=180 update -q
    # shellcheck disable=SC2086
    install_quietly $missing
  fi
}

# What makes SSH faster where OpenSSL is older than 3.1, and is not to be had everywhere: penstock is built without it, too.
install_extras() {
  [ "$(dpkg --print-architecture)" = amd64 ] || return 0
  ! pkg-config --atleast-version=3.1 libcrypto || return 0
  is_installed libipsec-mb-dev || install_packages libipsec-mb-dev ||
    say "There is no package libipsec-mb-dev: AES-GCM will be OpenSSL's alone."
}

# penstock loads no plugin from a folder that a group can write, and a umask of 002 makes just those.
prepare_checkout() {
  umask 022
  chmod go-w "$top"
  mkdir -p "$top/build"
  chmod go-w "$top/build"
}

# configure_and_build PRESET [TARGET...]
configure_and_build() {
  preset=$1
  shift
  cmake -S "$top" --preset "$preset" >"$top/build/$preset.configure.log" 2>&1 || {
    cat "$top/build/$preset.configure.log"
    return 1
  }
  cmake --build "$top/build/$preset" ${1:+--target} "$@"
}
