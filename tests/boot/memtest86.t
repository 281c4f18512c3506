# guest: memtest86+
# Tests memory without an error. A whole pass over 64 MiB takes minutes:
# orrery test --set MIB=64 --set "UNTIL=Pass:  1" memtest86.t
skip unless file @BUILT@/memtest86+/memtest.bin "firmware/guests/guest cannot prepare it here"
set MIB 16
set UNTIL "Test #4"
machine -m ${MIB} -kernel @BUILT@/memtest86+/memtest.bin
wait text "Memtest86+" 30s
wait text "${UNTIL}" 3000s
expect text /Errors: +0$/
