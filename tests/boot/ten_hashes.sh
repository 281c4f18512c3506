#!/usr/bin/env bash
# ten_hashes.sh ORRERY SCRIPT: runs SCRIPT, which prints ten state hashes at given instruction counts, twice: alone, and on
# a host that has more to do than processors. The hashes must be the same.
set -euo pipefail
orrery=$1 script=$2
image=/usr/lib/grub-rescue/grub-rescue-floppy.img
[ -f "$image" ] || { echo "skipped: $image is not there (package grub-rescue-pc)"; exit 77; }

burners=()
trap '[ ${#burners[@]} -eq 0 ] || kill "${burners[@]}" 2>/dev/null || true' EXIT

quiet=$("$orrery" test "$script" | grep '^state hash at tick')
for ((n = 0; n <= $(nproc); ++n)); do
  (while :; do :; done) &
  burners+=($!)
done
loaded=$("$orrery" test "$script" | grep '^state hash at tick')

[ "$(wc -l <<<"$quiet")" -eq 10 ] || { echo "not ten hashes: $quiet"; exit 1; }
[ "$(sort -u <<<"$quiet" | wc -l)" -eq 10 ] || { echo "hashes that do not change: $quiet"; exit 1; }
if [ "$quiet" != "$loaded" ]; then
  diff <(echo "$quiet") <(echo "$loaded")
  exit 1
fi
echo "ten equal hashes"
