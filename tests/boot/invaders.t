# A boot-sector game in mode 13h that reads the shift keys: Ctrl moves the ship to the left, Alt to the right.
machine -m 16 -snapshot -fda @GUESTS@/invaders.img
wait mode 320x200 20s
# The ship in the middle. (Where shots are, and what they have hit, depends on the counter that the game draws lots by.)
wait screenshot "@CMAKE_CURRENT_SOURCE_DIR@/golden/invaders.png" area 150 185 24 15 20s
press ctrl
wait pixel 10 193 b6b6b6 5s
expect pixel 160 193 000000
release
press alt
wait pixel 310 193 b6b6b6 5s
