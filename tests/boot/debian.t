# guest: debian
# The default guest of ./boot, all the way: BIOS, CD, boot loader, kernel, a shell on the screen and on the serial port.
skip unless file @BUILT@/debian-12-i386.iso "firmware/guests/guest cannot prepare it here"
test "boots"
machine -m 256 -boot d -cdrom @BUILT@/debian-12-i386.iso
wait text "boot:" 20s
wait text "root@orrery:~#" 120s
wait serial "root@orrery:~#" 30s
test "runs programs"
type "tcc -run hello.c\n"
wait text "Hello from a PC inside a PC." 20s
type "python3 -c 'print(2**100)'\n"
wait text /^1267650600228229401496703205376/ 30s
type "perl -e 'print join(q(-), map {{$_*$_} 1..9), qq(\\n)'\n"
wait text /^1-4-9-16-25-36-49-64-81/ 20s
send "stty size; tty\r"
wait serial "/dev/ttyS0" 10s
test "knows its hardware"
type "clear; lspci | wc -l; ls /dev/sr0 /dev/fd0\n"
wait text "/dev/fd0  /dev/sr0" 20s
test "powers off"
type "poweroff\n"
wait poweroff 60s
