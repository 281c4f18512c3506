machine -m 64 -snapshot -fda @GUESTS@/freedos-720k-games.img
wait text "A:\>" 60s
wait text "Try 'invaders'" 10s
type "dir\n"
wait text /bytes free/ 20s
type "invaders\n"
wait screenshot "@CMAKE_CURRENT_SOURCE_DIR@/golden/freedos-invaders.png" area 0 33 320 30 20s
