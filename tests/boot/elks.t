# Its console is on the screen and on serial both; the shell listens on serial.
machine -m 16 -snapshot -fda @GUESTS@/elks-0.6-fd1440.img
wait text "VFS: Mounted root 0x0380" 60s
wait text "#" 30s
