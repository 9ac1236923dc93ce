#!/usr/bin/env bash
# Usage: scripts/check-package.sh [TARBALL]
#
# Is the tarball (packed now, if none is given) fit to be published? Its contents, its size, its package.json and its
# types are checked; that it works is what test/package/runtimes.mjs says.
set -euo pipefail

limit=1000000

tarball=
[ $# -eq 0 ] || tarball=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wrong=0
complain() {
  echo "check-package: $1" >&2
  wrong=1
}

if [ -z "$tarball" ]; then
  npm pack --pack-destination "$work" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
  }
  grep '^prebuilds: ' "$work/log"
  tarball=$(echo "$work"/*.tgz)
fi

tar -tzf "$tarball" | sed 's,^package/,,' | sort >"$work/contents"
{
  # No binding.gyp: npm ci would compile it, and fail where there is no compiler.
  echo 'CHANGELOG.md LICENSE README.md package.json prebuilds/README.md' | tr ' ' '\n'
  # Not what is for who changes jobslot, what is in the .d.ts files as well, or figures of one machine.
  find docs -type f | grep -vE '^docs/(api/|benchmarks|architecture|files\.md)'
  echo 'prebuilds/linux-arm64/jobslot.node prebuilds/linux-x64/jobslot.node' | tr ' ' '\n'
  node -p 'Object.values(require("./package.json").bin).join("\n")'
  printf '%s\n' dist/worker/preload.cjs dist/broker/broker.cjs dist/cli/jobserver.cjs dist/cli/named-pool.cjs \
    dist/cli/more.cjs dist/cli/job.cjs dist/cli/job-more.cjs dist/cli/open.cjs dist/cli/work.cjs
  # Each source file compiles to two; those of the command line and of the preload are in the files that they were
  # bundled into.
  find src -name '*.ts' ! -path 'src/cli/*' ! -path src/worker/inside/preload.ts | sed -n 's,^src/\(.*\)\.ts$,dist/\1.js\ndist/\1.d.ts,p'
  find src -name '*.cts' | sed -n 's,^src/\(.*\)\.cts$,dist/\1.cjs\ndist/\1.d.cts,p'
} | sort >"$work/wanted"
for file in $(comm -13 "$work/contents" "$work/wanted"); do complain "$file is missing from the tarball"; done
for file in $(comm -23 "$work/contents" "$work/wanted"); do complain "$file is in the tarball, and need not be"; done

size=$(wc -c <"$tarball")
[ "$size" -le "$limit" ] || complain "the tarball has $size bytes, which is more than $limit"

# publint's suggestions do not change its exit status.
node_modules/.bin/publint run --strict "$tarball" >"$work/publint" 2>&1 && grep -q 'All good!' "$work/publint" || {
  cat "$work/publint" >&2
  complain 'publint objects: see above'
}

# ESM that every supported Node can require: attw's rule is older than that. Resolution without `exports` (node10) is
# not for those Nodes.
node_modules/.bin/attw --profile node16 --ignore-rules cjs-resolves-to-esm -- "$tarball" >"$work/attw" 2>&1 || {
  cat "$work/attw" >&2
  complain 'attw objects: see above'
}

[ "$wrong" -eq 0 ] || exit 1
echo "check-package: $(wc -l <"$work/contents") files, $size bytes, publint and attw have nothing to say"
