#!/bin/sh
# SPDX-License-Identifier: MIT
# The libraries that penstock for Windows is built with, cross-built as static ones out of Debian's source packages.
#
#   packaging/windows/deps.sh
#
# Leaves them at build/windows-deps, where `cmake --preset mingw` looks. They are built once (3 to 10 minutes) and kept in
# $PENSTOCK_WINDOWS_CACHE, else ~/.cache/penstock, under a key of this script, so that a change of a version builds anew.
#
# A source package is fetched by apt-get, from the Debian mirror that this machine has for its own packages. Each is pinned
# by the SHA-256 of its .dsc, which in turn names that of each of its files. A mirror keeps a version for some months only:
# what it has no longer is taken from the folder $PENSTOCK_WINDOWS_SOURCES, if it holds the package's files.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
self=$top/packaging/windows/deps.sh
. "$top/packaging/quickstart/common.sh"

host=x86_64-w64-mingw32
# Of Debian 13 where Debian 12's mirror has no source (inih), or none with the fixes of 2026 (libssh); libuv and jansson are
# the versions that penstock is tested with on Linux.
packages="
libuv1=1.44.2-1+deb12u1     798be0a2bcbcd40bb85302f6ccbf02b240e1958d4ad9cf153b8101c3a82f21b9
jansson=2.14-2              6296ddd9c0a022bd1b70074aefb171cfcdf5694a04ffd32b35fd66097621af87
libinih=59-1                ec3334b0ad6a817e84b0bfa7599097536f8433c7fc36f82561dc9c4930fe9779
cmocka=1.1.5-2.1            9f94190b571e059dd6a359c7effd40b982c6c2796959ea201cf41e7cac0b6730
openssl=3.5.7-1~deb13u2     25904642004d30c5c3da4642a72a7d09f8d9eb6e5ce62dab53c0371114faf8f2
libssh=0.11.5-0+deb13u1     8aeaec786998691f4a2a320ae66943d3fa324882465d2a91f62658a13cd7bcff
"
TOOLS="gcc-mingw-w64-x86-64-win32 dpkg-dev cmake ninja-build perl make patch xz-utils"

# --- sources ---------------------------------------------------------------------------------------------------------

# A list of sources of our own: the mirror that is configured, nothing of the machine's is changed. The order counts, as apt
# takes a version from where it is named first: the main archive keeps files that the one for security has dropped.
prepare_apt() {
  mkdir -p "$work/apt/lists/partial" "$work/apt/parts" "$work/sources"
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Origin: Debian' |
    while read -r mirror release; do
      case $release in
      *-security) printf 'deb-src %s %s main\n' "$mirror" bookworm-security "$mirror" trixie-security ;;
      *) printf 'deb-src %s %s main\n' "$mirror" bookworm "$mirror" trixie ;;
      esac
    done | awk '!seen[$0]++' >"$work/apt/sources.list"
  if [ -s "$work/apt/sources.list" ]; then
    apt update -qq || say "The lists of source packages could not all be refreshed; going on with what there is."
  else
    say "No Debian mirror is configured here (apt-get indextargets names none)."
  fi
}

apt() {
  apt-get -o Dir::Etc::sourcelist="$work/apt/sources.list" -o Dir::Etc::sourceparts="$work/apt/parts" \
    -o Dir::State::lists="$work/apt/lists" -o APT::Sandbox::User="$(id -un)" "$@"
}

# fetch NAME=VERSION SHA-256: $work/NAME has the sources of the package, with Debian's patches.
fetch() {
  name=${1%%=*}
  version=${1#*=}
  dsc=${name}_${version#*:}.dsc
  (cd "$work/sources" && apt source -qq --download-only "$1") >"$work/fetch-$name.log" 2>&1 || :
  if [ -n "${PENSTOCK_WINDOWS_SOURCES:-}" ]; then
    cp -n "$PENSTOCK_WINDOWS_SOURCES/${name}_"* "$work/sources/" 2>/dev/null || :
  fi
  if ! [ -f "$work/sources/$dsc" ]; then
    cat "$work/fetch-$name.log" >&2
    die "The source package $1 cannot be had from this machine's Debian mirror.
Put its files ($dsc and those that it names; Debian's snapshot archive keeps all) into a folder, and run this again with
PENSTOCK_WINDOWS_SOURCES=that-folder."
  fi
  printf '%s  %s\n' "$2" "$work/sources/$dsc" | sha256sum -c --quiet - ||
    die "$dsc is not the one that is pinned in packaging/windows/deps.sh: it was not used."
  # It compares every file with what the .dsc says.
  dpkg-source --no-check -x "$work/sources/$dsc" "$work/$name" >"$work/unpack-$name.log" 2>&1 && return 0
  dpkg-source -x "$work/sources/$dsc" "$work/$name" >"$work/unpack-$name.log" 2>&1 && return 0
  cat "$work/fetch-$name.log" "$work/unpack-$name.log" >&2
  die "The source package $1 is not whole: see above which of its files is missing (PENSTOCK_WINDOWS_SOURCES can bring it)."
}

# --- building --------------------------------------------------------------------------------------------------------

# by_cmake NAME OPTION...
by_cmake() {
  name=$1
  shift
  cmake -S "$work/$name" -B "$work/$name-build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$top/cmake/mingw-w64.cmake" \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
    -DCMAKE_POLICY_VERSION_MINIMUM=3.5 -Wno-dev "$@"
  cmake --build "$work/$name-build"
  cmake --install "$work/$name-build"
}

# pc NAME VERSION LIBS [REQUIRES]: what pkg-config says of a library, alike for all and independent of their own builds.
pc() {
  mkdir -p "$prefix/lib/pkgconfig"
  cat >"$prefix/lib/pkgconfig/$1.pc" <<EOF
prefix=\${pcfiledir}/../..
Name: $1
Description: $1, static, for Windows
Version: $2
Cflags: -I\${prefix}/include ${5:-}
Libs: -L\${prefix}/lib $3
Requires: ${4:-}
EOF
}

build_libuv1() {
  by_cmake libuv1 -DLIBUV_BUILD_TESTS=OFF
  cp "$prefix/lib/libuv_a.a" "$prefix/lib/libuv.a" 2>/dev/null || :
  rm -f "$prefix"/lib/libuv.dll.a "$prefix"/bin/libuv.dll
  pc libuv 1.44.2 "-luv -lpsapi -luser32 -ladvapi32 -liphlpapi -luserenv -lws2_32 -lole32"
}

build_jansson() {
  by_cmake jansson -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF -DJANSSON_BUILD_SHARED_LIBS=OFF
  pc jansson 2.14 -ljansson
}

# One file, with what it is by default.
build_libinih() {
  $host-gcc -O2 -c "$work/libinih/ini.c" -o "$work/ini.o"
  $host-ar rcs "$prefix/lib/libinih.a" "$work/ini.o"
  cp "$work/libinih/ini.h" "$prefix/include/"
  pc inih 59 -linih
}

build_cmocka() {
  by_cmake cmocka -DBUILD_SHARED_LIBS=OFF -DWITH_STATIC_LIB=ON -DUNIT_TESTING=OFF -DWITH_EXAMPLES=OFF
  find "$work/cmocka-build" -name 'libcmocka*.a' ! -name '*.dll.a' -exec cp {} "$prefix/lib/libcmocka.a" \;
  pc cmocka 1.1.5 -lcmocka
}

# What it reads by itself is never a file that any user could have put there: it takes no configuration, and looks for files
# where administrators alone can write.
build_openssl() {
  (cd "$work/openssl" && perl Configure mingw64 --cross-compile-prefix=$host- --prefix="$prefix" --libdir=lib \
    --openssldir="C:/Program Files/Common Files/SSL" no-autoload-config no-shared no-tests no-module no-dso no-apps no-docs no-legacy && make -j2 build_libs && make install_dev)
  pc libcrypto 3.5.7 "-lcrypto -lws2_32 -lcrypt32 -ladvapi32 -luser32 -lgdi32"
}

build_libssh() {
  by_cmake libssh -DBUILD_SHARED_LIBS=OFF -DWITH_SERVER=OFF -DWITH_SFTP=OFF -DWITH_ZLIB=OFF -DWITH_GSSAPI=OFF \
    -DWITH_EXAMPLES=OFF -DUNIT_TESTING=OFF -DOPENSSL_ROOT_DIR="$prefix" -DOPENSSL_USE_STATIC_LIBS=ON
  pc libssh 0.11.5 "-lssh -lpthread -lws2_32 -liphlpapi -luserenv -lcrypt32 -lshell32 -lole32" libcrypto -DLIBSSH_STATIC
}

# step NAME COMMAND...: a step whose words are kept unless it fails.
step() {
  name=$1
  shift
  say "Building $name."
  if ! (set -e; "$@") >"$work/build-$name.log" 2>&1; then
    tail -n 40 "$work/build-$name.log" >&2
    die "$name could not be built; the whole log is $work/build-$name.log"
  fi
}

# licence NAME: what may be done with the library, for packages to bring along: Debian's account of it, and the texts that
# this names.
licence() {
  mkdir -p "$prefix/licences/$1"
  cp "$work/$1/debian/copyright" "$prefix/licences/$1/"
  for text in "$work/$1"/LICENSE* "$work/$1"/COPYING*; do
    [ ! -f "$text" ] || cp "$text" "$prefix/licences/$1/"
  done
}

# --- all of it -------------------------------------------------------------------------------------------------------

cache=${PENSTOCK_WINDOWS_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/penstock}
key=$(cat "$self" "$top/cmake/mingw-w64.cmake" | sha256sum | cut -c1-16)
kept=$cache/windows-$key

if ! [ -f "$kept/complete" ]; then
  # shellcheck disable=SC2086 # a list of words
  install_packages $TOOLS
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/windows-work.XXXXXX")
  prefix=$work/prefix
  mkdir -p "$prefix/lib" "$prefix/include"
  # cmake/mingw-w64.cmake looks for libraries there.
  PENSTOCK_WINDOWS_PREFIX=$prefix
  export PENSTOCK_WINDOWS_PREFIX
  prepare_apt
  printf '%s' "$packages" | while read -r package sum; do
    [ -n "$package" ] || continue
    say "Fetching $package."
    fetch "$package" "$sum"
    step "${package%%=*}" "build_${package%%=*}"
    licence "${package%%=*}"
  done
  : >"$prefix/complete"
  mv "$prefix" "$kept" 2>/dev/null || [ -f "$kept/complete" ] || die "cannot write $kept"
  rm -rf "$work"
fi
mkdir -p "$top/build"
ln -sfn "$kept" "$top/build/windows-deps"
say "The libraries for Windows are in $kept."
