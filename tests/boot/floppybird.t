# A boot-sector game in mode 13h: a bird before a city; space starts, and pipes pass before the sky.
machine -m 16 -snapshot -fda @GUESTS@/floppybird.img
wait mode 320x200 20s
wait screenshot "@CMAKE_CURRENT_SOURCE_DIR@/golden/floppybird.png" area 0 85 140 75 20s
run 1s
expect screenshot "@CMAKE_CURRENT_SOURCE_DIR@/golden/floppybird.png" area 220 0 100 160
key space
run 500ms
expect no screenshot "@CMAKE_CURRENT_SOURCE_DIR@/golden/floppybird.png" area 220 0 100 80
