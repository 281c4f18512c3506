#!/usr/bin/env bash
# same_hash.sh ORRERY SCRIPT [COUNT]: runs a test script that ends in `print hash` COUNT times (default 3) while the host
# is disturbed at random: other processes load its processors, and the emulator itself is stopped and let go on. All runs
# must come to one state hash. Status 77: the script was skipped.
set -euo pipefail
orrery=$1
script=$2
count=${3:-3}
work=$(mktemp -d)
load=()
calm() {
  [ ${#load[@]} -eq 0 ] || kill "${load[@]}" 2>/dev/null || true
  load=()
}
trap 'calm; rm -rf "$work"' EXIT

first=
for ((n = 1; n <= count; n++)); do
  calm
  for ((i = RANDOM % 4; i > 0; i--)); do
    nice timeout 600 sha256sum /dev/zero >/dev/null &
    load+=($!)
  done
  status=0
  "$orrery" test "$script" --output "$work/out" > "$work/log" 2>&1 &
  emulator=$!
  while kill -0 $emulator 2>/dev/null; do
    sleep 0.$((RANDOM % 90 + 10))
    kill -STOP $emulator 2>/dev/null || break
    sleep 0.$((RANDOM % 30 + 10))
    kill -CONT $emulator 2>/dev/null || break
  done
  wait $emulator || status=$?
  [ $status -ne 77 ] || { cat "$work/log"; exit 77; }
  hash=$(sed -n 's/^state hash at //p' "$work/log" | tail -1)
  [ $status -eq 0 ] && [ -n "$hash" ] || { cat "$work/log"; echo "FAIL  run $n ended with status $status"; exit 1; }
  : "${first:=$hash}"
  [ "$hash" = "$first" ] || { echo "FAIL  run $n came to $hash, the runs before it to $first"; exit 1; }
done
echo "ok    $count runs, one state: $first"
