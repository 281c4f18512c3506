machine -m 16 -snapshot -fda @GUESTS@/mikeos.flp
wait text "Thanks for trying out MikeOS!" 60s
wait text "Cancel" 10s
type "\n"
wait text "EDIT" 20s
key down
type "\n"
wait text "MikeOS Text Editor" 30s
