# guest: linux-686
# Debian's kernel by -kernel and -initrd: a shell on the screen and on the first serial port.
skip unless file @BUILT@/linux-686/vmlinuz "firmware/guests/guest cannot prepare it here"
test "boots"
machine -m 64 -kernel @BUILT@/linux-686/vmlinuz -initrd @BUILT@/linux-686/initrd.gz
machine -append "quiet cryptomgr.notests"
wait text "/ #" 120s
wait serial "/ #" 30s
type "echo $((6 * 7)) on `uname -r`\n"
wait text /^42 on .*-686$/ 10s
send "echo $((6 * 9)) on `tty`\r"
wait serial "54 on /dev/ttyS0" 10s
test "powers off"
type "sleep 1; poweroff -f\n"
wait poweroff 20s
