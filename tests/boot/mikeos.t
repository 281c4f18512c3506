machine -m 16 -snapshot -fda @GUESTS@/mikeos.flp
wait text "Thanks for trying out MikeOS!" 60s
expect text "Cancel"
type "\n"
wait text "EDIT" 20s
key down
type "\n"
wait text "MikeOS Text Editor" 30s
