#!/bin/sh
# Usage: musl-libstdcxx.sh PROGRAM DIR
#
# Debian has musl but no C++ library for it, and Bun's build for musl wants one. This links DIR/libstdc++.so.6 from
# gcc's own static archives: only what PROGRAM asks for, which is little that touches the C library. For tests.
set -eu

program=$1 dir=$2
here=$(dirname "$0")

wanted=$(readelf -rW "$program" | awk '{ print $5 }' | grep -E '^(_Z|__cxa_|__dynamic_cast|__once_)' | sed 's/@.*//' | sort -u)
mkdir -p "$dir"
# shellcheck disable=SC2046 # one word for each symbol
gcc -shared -fPIC -O2 -nostdlib -Wl,-soname,libstdc++.so.6 -o "$dir/libstdc++.so.6" "$here/musl-libstdcxx.c" \
  $(printf ' -Wl,-u,%s' $wanted) \
  "$(gcc -print-file-name=libstdc++.a)" "$(gcc -print-file-name=libgcc_eh.a)" "$(gcc -print-file-name=libgcc.a)"
