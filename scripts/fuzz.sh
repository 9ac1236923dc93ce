#!/usr/bin/env bash
# Usage: scripts/fuzz.sh [SECONDS]
#
# Coverage-guided fuzzing of the addon's core, of each target so many seconds (60 unless given), by clang's libFuzzer
# under AddressSanitizer and UndefinedBehaviorSanitizer. What it finds, and what it has learned, lies in build-asan/fuzz.
# Without clang this fails: scripts/sanitize.sh has random inputs for the same targets, and needs g++ alone.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
command -v clang++ >/dev/null || {
  echo 'fuzz: SKIPPED, nothing was fuzzed: clang++ is missing: apt-get install clang' >&2
  exit 1
}
out=$PWD/build-asan/fuzz
mkdir -p "$out"
status=0
for target in lines output lock; do
  clang++ -std=c++17 -O1 -g -D_GNU_SOURCE -Isrc-native -pthread -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    "-DJOBSLOT_FUZZ_TARGET=fuzz_$target" test/native/fuzz/{targets,libfuzzer}.cc src-native/core/*.cc -o "$out/$target"
  mkdir -p "$out/corpus-$target"
  echo "--- $target, $seconds s"
  "$out/$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 -artifact_prefix="$out/$target-" \
    "$out/corpus-$target" 2>"$out/$target.log" || status=$?
  grep -E 'stat::number_of_executed_units|ERROR|FAILED|Test unit written' "$out/$target.log" || tail -n 20 "$out/$target.log"
done
exit "$status"
