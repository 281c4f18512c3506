machine -m 16 -snapshot -fda @GUESTS@/freedos.boot.disk.720K.img
wait text "A:\>" 60s
type "ver\n"
wait text "FreeCom" 20s
type "dir\n"
wait text /bytes free|bytes in|COMMAND/ 20s
