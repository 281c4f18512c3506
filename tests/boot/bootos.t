machine -m 16 -snapshot -fda @GUESTS@/bootOS-osall.img
wait text "bootOS" 30s
wait text "$" 10s
type "dir\n"
wait text "fbird" 20s
type "fbird\n"
wait screenshot "@CMAKE_CURRENT_SOURCE_DIR@/golden/bootos-fbird.png" area 0 0 720 30 20s
wait pixel 100 385 00aa00 10s
