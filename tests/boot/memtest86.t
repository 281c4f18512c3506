# guest: memtest86+
# A pass over all memory ends without an error. `orrery test --set MIB=64` takes much longer.
skip unless file @BUILT@/memtest86+/memtest.bin "guests/guest cannot prepare it here"
set MIB 8
machine -m ${MIB} -kernel @BUILT@/memtest86+/memtest.bin
wait text "Memtest86+" 30s
wait text /Pass: +1 / 3000s
expect text /Errors: +0$/
