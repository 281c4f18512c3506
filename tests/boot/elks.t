# Its kernel has a headless console, which the BIOS puts on the screen.
machine -m 16 -snapshot -fda @GUESTS@/elks-0.6-fd1440.img
wait text "VFS: Mounted root 0x0380" 60s
wait text "#" 30s
run 1s
type "ls\n"
wait text /bootopts/ 20s
type "ps\n"
wait text /PID/ 20s
wait text /init/ 20s
