#!/usr/bin/env bash
# debian_work.sh ORRERY ISO: real work in the default guest (firmware/guests/debian.sh), compared with the same work on the host.
#
#   * The guest makes a file system on a disk, writes 64 MiB, and reboots; then the sums must be right, and the host, too,
#     must find a clean file system with the right contents in the image.
#   * gzip, sha256sum, perl, python3 and others process the same input in the guest and on the host.
#
# Status 77: skipped, because there is no ISO or the host lacks e2fsprogs.
set -euo pipefail
orrery=$1
iso=$2
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
[ -f "$iso" ] || { echo "skipped: $iso is not there"; exit 77; }
for tool in debugfs e2fsck perl python3; do
  command -v "$tool" >/dev/null || { echo "skipped: the host has no $tool"; exit 77; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bag"
cp "$here/work.sh" "$here/work.pl" "$here/work.py" "$work/bag/"
find "$here/../../cpu" "$here/../../hw" -name '*.cpp' | LC_ALL=C sort | xargs cat > "$work/bag/input"
tar -C "$work/bag" -cf "$work/bag.tar" .
truncate -s 160M "$work/disk.img"

cat > "$work/work.t" <<END
machine -m 256 -boot d -cdrom "$iso" -no-snapshot
machine -drive file=$work/disk.img,format=raw,index=0 -drive file=$work/bag.tar,format=raw,index=1,readonly=on
wait serial "root@orrery:~#" 120s
test "writes 64 MiB to a disk"
send "exec dash\r"
wait serial "# " 20s
send "stty -echo; PS1='READ''Y> '; set -e\r"
wait serial "READY> " 20s
send "mke2fs -q -t ext4 /dev/sda; mount /dev/sda /mnt; seq 9999999 | head -c 67108864 > /mnt/data\r"
send "cd /mnt; sha256sum data > sums; cat sums; cd; sync; echo written\r"
wait serial "written" 300s
test "reboots"
send "reboot\r"
wait serial "boot:" 60s
wait serial "root@orrery:~#" 120s
test "finds its data again"
send "exec dash\r"
wait serial "# " 20s
send "stty -echo; PS1='READ''Y> '; set -e\r"
wait serial "READY> " 20s
send "mount /dev/sda /mnt; cd /mnt; sha256sum -c sums; cd; umount /mnt; echo checked\r"
wait serial "data: OK" 120s
wait serial "checked" 60s
test "works as the host does"
send "mkdir /tmp/bag; cd /tmp/bag; tar xf /dev/sdb; sh work.sh; echo worked\r"
wait serial "worked" 900s
test "powers off"
send "poweroff\r"
wait poweroff 60s
print serial
END
(cd "$work" && "$orrery" test work.t --output "$work/out" > "$work/log") || {
  cat "$work/log"
  echo "FAIL  see above"
  exit 1
}
grep -E '^(ok|FAIL)|passed' "$work/log"

status=0
complain() {
  echo "FAIL  $*"
  status=1
}
seq 9999999 2>/dev/null | head -c 67108864 > "$work/data" || true
e2fsck -fn "$work/disk.img" >/dev/null 2>&1 || complain "the host finds errors in the guest's file system"
debugfs -R "dump /data $work/dumped" "$work/disk.img" >/dev/null 2>&1
cmp "$work/data" "$work/dumped" || complain "the file in the image is not what the guest was told to write"

(cd "$work/bag" && sh work.sh) > "$work/host"
tr -d '\r' < "$work/log" | sed -n '/^---- begin/,/^---- end/p' > "$work/guest"
diff "$work/host" "$work/guest" || complain "the guest's results (>) are not the host's (<)"
lines=$(wc -l < "$work/guest")
[ "$lines" -ge 20 ] || complain "the guest printed only $lines lines of results"
[ $status -eq 0 ] && echo "ok    the guest's disk and its $lines lines of results are right"
exit $status
