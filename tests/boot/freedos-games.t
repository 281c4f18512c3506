machine -m 64 -snapshot -fda @GUESTS@/freedos-720k-games.img
wait text "A:\>" 60s
expect text "Try 'invaders'"
type "dir\n"
wait text /bytes free/ 20s
