#!/usr/bin/env bash
# Usage: scripts/sanitize.sh
#
# Runs the addon under sanitizers: the core of its waiting thread in a stress test of its own under ThreadSanitizer, and
# the addon inside Node, with its tests, under AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer. Each
# sanitizer first has to find a fault that was made for it. Needs g++ and Node's headers; leaves all in build-asan/.
set -uo pipefail
cd "$(dirname "$0")/.."

out=$PWD/build-asan
reports=$out/reports
passed=0
failed=0

die() {
  echo "sanitize: $1" >&2
  exit 1
}

check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok: $name"
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
  fi
}

# Adds the numbers of a line like `name: 12 passed, 0 failed`; a program without one has failed.
count() {
  local counts
  counts=$(sed -nE 's/^.*: ([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$1" | tail -n 1)
  [ -n "$counts" ] || counts='0 1'
  passed=$((passed + ${counts% *}))
  failed=$((failed + ${counts#* }))
  [ "$2" = 0 ] || [ "${counts#* }" != 0 ] || failed=$((failed + 1))
}

node_headers() {
  local dir
  for dir in "${npm_config_nodedir:+$npm_config_nodedir/include/node}" \
    "$(node -p 'path.resolve(process.execPath, "../../include/node")')" \
    "${XDG_CACHE_HOME:-$HOME/.cache}/node-gyp/$(node -p process.versions.node)/include/node"; do
    [ -f "$dir/node_api.h" ] && echo "$dir" && return
  done
  return 1
}

command -v g++ >/dev/null || die 'g++ is missing: install it'
headers=$(node_headers) || die "Node's headers are missing: run npm run build:native, or name their folder's prefix in npm_config_nodedir"
libasan=$(gcc -print-file-name=libasan.so)
for library in "$libasan" "$(gcc -print-file-name=libtsan.so)"; do
  [ -f "$library" ] || die "$library is missing: install gcc's sanitizer libraries"
done

rm -rf "$out"
mkdir -p "$out/build/Release" "$reports"

common=(-std=c++17 -O1 -g1 -fno-omit-frame-pointer -fno-exceptions -fno-rtti -Wall -Wextra -Werror -D_GNU_SOURCE)
# The addon's own flags (binding.gyp), but for those that make it need no library: a sanitizer is one. So without
# runtime.cc too, whose operator new would hide the sanitizer's.
addon=("${common[@]}" -shared -fPIC -fvisibility=hidden -fsanitize=address,undefined -fno-sanitize=vptr
  -fno-sanitize-recover=all -DNAPI_VERSION=8 -DNAPI_DISABLE_CPP_EXCEPTIONS
  -DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS -DNODE_ADDON_API_DISABLE_DEPRECATED
  -isystem "$headers" -isystem "$(node -p 'require("node-addon-api").include_dir')")
mapfile -t addon_sources < <(find src-native -name '*.cc' ! -name runtime.cc | sort)

echo '--- compiling'
g++ "${addon[@]}" -DNODE_GYP_MODULE_NAME=jobslot "${addon_sources[@]}" -o "$out/build/Release/jobslot.node" &
addon_compiler=$!
g++ "${common[@]}" -pthread -fsanitize=thread -Isrc-native src-native/core/*.cc \
  $(find test/native -name '*.cc' ! -name canary.cc ! -name lock_storm.cc ! -path '*/fuzz/*') -o "$out/stress" || die 'the stress test does not compile: see above'
g++ "${addon[@]}" -DNODE_GYP_MODULE_NAME=canary test/native/canary.cc -o "$out/canary.node" || die 'the canary does not compile: see above'
wait $addon_compiler || die 'the addon does not compile: see above'
g++ "${common[@]}" -fsanitize=address,undefined -fno-sanitize-recover=all -Isrc-native src-native/core/{lock_*,byte_lock}.cc \
  test/native/lock_storm.cc -o "$out/lock_storm" || die 'the storm of locks does not compile: see above'
g++ "${common[@]}" -pthread -fsanitize=address,undefined -fno-sanitize-recover=all -Isrc-native src-native/core/*.cc \
  test/native/fuzz/{targets,driver}.cc -o "$out/fuzz_driver" || die 'the fuzz driver does not compile: see above'
# The tests build what they need and is old. Compilers are not to run with a sanitizer preloaded: so now.
node node_modules/vitest/vitest.mjs run test/fd/addon >"$out/setup.log" 2>&1 || {
  cat "$out/setup.log"
  die 'the tests do not run, without any sanitizer: see above'
}

echo '--- ThreadSanitizer'
# Where the system places memory at random over a wide range, older runtimes find their own place taken.
fixed_addresses=()
if setarch "$(uname -m)" -R true 2>/dev/null; then fixed_addresses=(setarch "$(uname -m)" -R); fi
stress() {
  TSAN_OPTIONS=halt_on_error=1:exitcode=66 "${fixed_addresses[@]}" "$out/stress" "$@"
}
finds_race() {
  stress --race >"$out/race.log" 2>&1
  [ $? = 66 ] && grep -q 'data race' "$out/race.log"
}
check 'it finds a race' finds_race
stress > >(tee "$out/stress.log") 2>&1
count "$out/stress.log" $?

echo '--- AddressSanitizer, UndefinedBehaviorSanitizer, LeakSanitizer'
# preloaded ASAN_OPTIONS COMMAND…: what is found goes to files in build-asan/reports, of whatever process.
preloaded() {
  local options=$1
  shift
  LD_PRELOAD=$libasan JOBSLOT_PREBUILD=$out UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:log_path="$reports/report" \
    ASAN_OPTIONS=allocator_may_return_null=1:log_path="$reports/report":$options "$@"
}
found() {
  grep -qsE "$1" "$reports"/*
}
# canary CALL REPORT: the call ends the process, and the report is there.
canary_dies() {
  rm -f "$reports"/*
  ! preloaded detect_leaks=0 node -e "require('$out/canary.node').$1" 2>"$out/canary.log" && cat "$out/canary.log" >"$reports/stderr" && found "$2"
}
canary_leaks() {
  rm -f "$reports"/*
  preloaded detect_leaks=1 node -e "require('$out/canary.node').leak(1000)"
  found ' in leak .*canary.cc'
}
# The tests check that the addon they have loaded is this one.
check 'the addon was compiled with them' grep -q __asan_report "$out/build/Release/jobslot.node"
check 'it finds a read past the end' canary_dies 'readPast(10)' 'AddressSanitizer: heap-buffer-overflow'
check 'it finds an overflow' canary_dies 'increment(2147483647)' 'signed integer overflow'
check 'it finds a leak' canary_leaks

# Node itself leaves memory to the end of the process: what counts is what the addon's own code allocated.
leaks_nothing() {
  rm -f "$reports"/*
  local said
  said=$(preloaded detect_leaks=1:exitcode=0 timeout 300 node test/native/leaks.mjs dist)
  [ "$said" = "done with $out/build/Release/jobslot.node" ] || return 1
  if found 'src-native/|ERROR: AddressSanitizer|runtime error'; then
    grep -hE -B8 -A3 'src-native/' "$reports"/* | head -n 60
    return 1
  fi
}
check 'the addon leaks nothing' leaks_nothing

# Whether locks exclude, and are told of, test/lock checks.
survives_storm() {
  local folder
  folder=$(mktemp -d)
  "$out/lock_storm" "$folder" "$folder/log" 5 1
  local status=$?
  rm -rf "$folder"
  return $status
}
check 'a storm of locks is survived' survives_storm

check 'changed lines, output and lock files do no harm' "$out/fuzz_driver" $((100000 * ${JOBSLOT_FUZZ_RUNS:-1})) "${JOBSLOT_TEST_SEED:-$RANDOM}"

rm -f "$reports"/*
preloaded detect_leaks=0 node node_modules/vitest/vitest.mjs run test/fd test/lock/{try,several,death,threads} \
  test/account/{account,life,ledger} test/pool/{survivors,process-end} test/store/{jobs,damage} --reporter=default --reporter=json --outputFile.json="$out/tests.json"
status=$?
node -e '
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(require("fs").readFileSync(process.argv[1]))
  const broken = testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length
  console.log(`tests: ${numPassedTests} passed, ${numFailedTests + broken} failed`)' "$out/tests.json" | tee "$out/tests.log"
count "$out/tests.log" $status
no_reports() {
  ! found .
}
check 'no sanitizer reported anything' no_reports
cat "$reports"/* 2>/dev/null | head -n 200

echo "sanitizers: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
