# The oldest processor on the default board: the firmware starts, and DOS does.
machine -m 4 -cpu 386 -fda @GUESTS@/freedos.boot.disk.360K.img
wait text "A:\>" 60s
type "ver\n"
wait text "FreeCom" 20s
