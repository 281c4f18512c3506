machine -m 16 -snapshot -fda @GUESTS@/bootOS-osall.img
wait text "bootOS" 30s
wait text "$" 10s
type "dir\n"
wait text "fbird" 20s
