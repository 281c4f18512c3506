# DOS inside virtual-8086 mode.
machine -m 64 -snapshot -fda @GUESTS@/freedos12-jemmex.img
wait text "V86-BOOT-OK" 120s
wait text "A:\>" 30s
