machine -m 64 -snapshot -fda @GUESTS@/freedos12-installer.img
wait text "What is your preferred language?" 120s
run 1s
key down
wait text "seleccione su idioma" 20s
run 1s
key down
wait text "langue" 20s
run 1s
key up
wait text "seleccione su idioma" 20s
