machine -m 64 -snapshot -fda @GUESTS@/freedos12-installer.img
wait text "What is your preferred language?" 120s
