#!/usr/bin/env bash
# Usage: scripts/prebuild.sh
#
# Compiles the addon into prebuilds/linux-x64 and prebuilds/linux-arm64, each for glibc and musl alike, and refuses a
# binary that would not load on both. Needs python 3 (for node-gyp) and a C++ compiler for each architecture; one that
# has none is left out with a message, or, where CI is set, makes this fail.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd -P)

die() {
  echo "prebuilds: $1" >&2
  exit 1
}

host=$(node -p process.arch) || die 'node is missing: install it'
[ "$(uname -s)" = Linux ] || die 'they are for Linux and made on Linux: run this there'
command -v readelf >/dev/null || die 'readelf is missing: install binutils'
[ -x "$root/node_modules/.bin/prebuildify" ] || die 'prebuildify is missing: run npm install'

# Without headers beside node, node-gyp fetches those of its version.
prefix=$(node -p 'path.dirname(path.dirname(process.execPath))')
if [ -z "${npm_config_nodedir-}" ] && [ -f "$prefix/include/node/node_api.h" ]; then
  export npm_config_nodedir=$prefix
fi

# Compiled in a folder of its own: the checkout's build/ belongs to whoever works there.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

has_compiler() {
  [ "$1" = "$host" ] || command -v "$2-g++" >/dev/null
}

# compile ARCH TRIPLET FLAGS
compile() {
  local cc=cc cxx=c++ strip=strip
  if [ "$1" != "$host" ]; then
    cc=$2-gcc cxx=$2-g++ strip=$2-strip
  fi
  rm -rf "$work/source"
  mkdir "$work/source"
  cp -R "$root/src-native" "$root/binding.gyp" "$root/package.json" "$work/source"
  ln -s "$root/node_modules" "$work/source/node_modules"
  # The caller's own flags (-march=native) would make a binary for this machine only.
  env -u CPPFLAGS -u LDFLAGS CC="$cc" CXX="$cxx" CFLAGS="$3" CXXFLAGS="$3" PREBUILD_STRIP_BIN="$strip" \
    "$root/node_modules/.bin/prebuildify" --napi --target "$(node -p process.versions.node)" --platform linux \
    --arch "$1" --strip --cwd "$work/source" --out "$work" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    die "linux-$1 does not compile: see above"
  }
}

wanted_symbols() {
  readelf -W --dyn-syms "$1" | awk '$7 == "UND" && $8 != "" { print $8 }' | sort
}

# One file serves every libc only if it asks for no library by name, for no symbol by version, for none of a C++
# library, and for no symbol that musl lacks: those that begin with __ or end with 64 are glibc's own.
verify() {
  local needed versioned glibc cxx
  needed=$(readelf -dW "$1" | grep NEEDED || true)
  [ -z "$needed" ] || die "linux-$2 needs libraries, so that one file cannot serve glibc and musl: $needed"
  versioned=$(readelf -W --dyn-syms "$1" | grep -o '[^ ]*@.*' || true)
  [ -z "$versioned" ] || die "linux-$2 wants versions of symbols, so that one file cannot serve glibc and musl: $versioned"
  glibc=$(wanted_symbols "$1" | grep -E '^__|64$' | grep -vx __errno_location || true)
  [ -z "$glibc" ] || die "linux-$2 wants symbols that musl lacks: $glibc"
  cxx=$(wanted_symbols "$1" | grep '^_Z' || true)
  [ -z "$cxx" ] || die "linux-$2 wants symbols of a C++ library, which not every Node, Bun or Deno brings: $cxx"
}

# build ARCH TRIPLET FLAGS
build() {
  compile "$@"
  local file
  file=$(find "$work/prebuilds/linux-$1" -name '*.node')
  verify "$file" "$1"
  echo "prebuilds: linux-$1/$(basename "$file"), $(wc -c <"$file") bytes, for glibc and musl"
}

leave_out() {
  [ -z "${CI-}" ] || die "linux-$1 cannot be compiled without $2-g++: on Debian, apt-get install g++-${2//_/-}"
  echo "prebuilds: LEFT OUT linux-$1, for want of $2-g++: on Debian, apt-get install g++-${2//_/-}" >&2
}

# gcc's out-of-line atomics for arm64 bring a start-up function that calls glibc's own __getauxval.
for target in 'x64 x86_64-linux-gnu' 'arm64 aarch64-linux-gnu -mno-outline-atomics'; do
  read -r arch triplet flags <<<"$target"
  if has_compiler "$arch" "$triplet"; then
    build "$arch" "$triplet" "$flags"
  else
    leave_out "$arch" "$triplet"
  fi
done

# All of them at once, so that none of an earlier source is left.
rm -rf "$root"/prebuilds/*/
cp -R "$work"/prebuilds/* "$root/prebuilds"
