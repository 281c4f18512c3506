# A desktop of 1024x768 dots whose mouse opens a window.
test "boots"
machine -m 256 -snapshot -fda @GUESTS@/kolibrios.img
wait text "Press [abcde]" 30s
key a
wait text "Select a videomode" 10s
key down enter
wait text "[a] Videomode: 1024x768x32" 10s
key enter
wait text "Remember" 10s
key n
wait mode 1024x768 100s
test "shows its desktop"
wait pixel 20 760 004000 tolerance 64 60s  # the menu's button in the task bar
run 3s
test "has a mouse that opens a window"
mouse move -1000 -1000
mouse move -1000 -1000
run 200ms
mouse move 3 5; run 100ms; mouse move 3 5; run 100ms; mouse move 3 5; run 100ms; mouse move 3 5; run 100ms
mouse move 3 5; run 100ms; mouse move 3 5; run 100ms; mouse move 3 5; run 100ms; mouse move 3 5; run 100ms
mouse move 3 5; run 100ms; mouse move 3 5; run 100ms
expect no pixel 500 440 ffffff  # nothing but the desktop
mouse down; run 100ms; mouse up
wait pixel 500 440 ffffff 20s   # the file manager's window
