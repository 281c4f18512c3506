# guest: memtest86+
# One whole pass over 64 MiB without an error: minutes. For its first tests alone:
# orrery test --set MIB=16 --set "UNTIL=Test #4" memtest86.t
skip unless file @BUILT@/memtest86+/memtest.bin "firmware/guests/guest cannot prepare it here"
set MIB 64
set UNTIL "Pass:  1"
machine -m ${MIB} -kernel @BUILT@/memtest86+/memtest.bin
wait text "Memtest86+" 30s
wait text "${UNTIL}" 3000s
expect text /Errors: +0$/
