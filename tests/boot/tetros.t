# A boot-sector game in text mode: the field, and a piece that falls and follows the arrow keys.
machine -m 16 -snapshot -fda @GUESTS@/tetros.img
wait pixel 125 66 aaaaaa 20s
wait pixel 235 66 aaaaaa 5s
expect pixel 180 350 aaaaaa
run 1s
screenshot @CMAKE_CURRENT_BINARY_DIR@/tetros.png
key left left left
run 100ms
expect no screenshot @CMAKE_CURRENT_BINARY_DIR@/tetros.png
