#!/usr/bin/env bash
# Usage: scripts/real-build-tools.sh DIR
#
# Puts GNU make 4.4 and ninja 1.13 into DIR/bin, for tests on a Debian whose own ones are older: these releases are
# the first that know the jobserver's fifo form. They are Debian's packages from unstable, unpacked beside the C
# library they were built for; nothing is installed on the system, and root is not needed. A DIR that holds both
# already is left as it is. DIR cannot be moved: the wrappers name it.
set -euo pipefail

die() {
  echo "real-build-tools: $1" >&2
  exit 1
}

[ $# -eq 1 ] || die 'one operand is needed: the folder to put the tools into'
mkdir -p "$1"
dir=$(cd "$1" && pwd -P)

# at_least TOOL MAJOR.MINOR: DIR/bin/TOOL runs and is that version or a newer one.
at_least() {
  local version
  version=$("$dir/bin/$1" --version 2>/dev/null | grep -oE -m1 '[0-9]+\.[0-9]+' | head -n1) || return 1
  [ "$(printf '%s\n' "$2" "$version" | sort -V | head -n1)" = "$2" ]
}

complete() {
  at_least make 4.4 && at_least ninja 1.13
}

! complete || exit 0

for program in apt-get dpkg-deb; do
  command -v "$program" >/dev/null || die "$program is missing: this script needs a Debian, install make >= 4.4 and ninja >= 1.13 yourself"
done

# The whole of apt's state lies in DIR while this runs: the system's own package lists stay untouched.
apt=$dir/apt
rm -rf "$apt"
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$dir/bin" "$dir/as"
isolated=(
  -qq
  -o "Dir::Etc::SourceList=$apt/sources.list"
  -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::State::Lists=$apt/lists"
  -o "Dir::Cache=$apt"
  -o "APT::Sandbox::User=$(id -un)"
)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
release=$(. /etc/os-release && echo "${VERSION_CODENAME-}")

# A mirror of this machine's own release carries the other suites too. Another vendor may name its suite alike: the
# signature tells, so every mirror is tried until one passes.
mirror=
while read -r candidate; do
  echo "deb [signed-by=$keyring] $candidate sid main" >"$apt/sources.list"
  if apt-get "${isolated[@]}" -o APT::Update::Error-Mode=any update; then
    mirror=$candidate
    break
  fi
done < <(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' | sed -n "s/^$release //p" | sort -u)
[ -n "$mirror" ] || die "no Debian mirror with unstable was found among this machine's apt sources: add one for $release"

rm -rf "$dir/root"
(cd "$apt" && apt-get "${isolated[@]}" download make ninja-build libc6 libstdc++6 libgcc-s1)
for package in "$apt"/*.deb; do
  dpkg-deb -x "$package" "$dir/root"
done
rm -rf "$apt"

libraries=$(dirname "$(find "$dir/root" -name libc.so.6 -print -quit)")
loader=$(find "$libraries" -name 'ld-linux*.so.*' -print -quit)
[ -n "$loader" ] || die "the unpacked C library has no loader in $libraries"

for tool in make ninja; do
  # The kernel names a process after the file it executes: a loader called make shows as make in ps and /proc.
  ln -sfn "$loader" "$dir/as/$tool"
  cat >"$dir/bin/$tool" <<WRAPPER
#!/bin/sh
exec '$dir/as/$tool' --argv0 "\$0" --library-path '$libraries' '$dir/root/usr/bin/$tool' "\$@"
WRAPPER
  chmod +x "$dir/bin/$tool"
done

complete || die "what was unpacked into $dir is not make >= 4.4 and ninja >= 1.13: remove it and try again"
