# guest: linux-686
# The board without PCI.
skip unless file @BUILT@/linux-686/vmlinuz "firmware/guests/guest cannot prepare it here"
machine -M isapc -cpu pentium2 -m 64 -kernel @BUILT@/linux-686/vmlinuz -initrd @BUILT@/linux-686/initrd.gz
machine -append "quiet cryptomgr.notests"
wait text "/ #" 120s
type "grep timer /proc/interrupts; ls /sys/bus/pci/devices | wc -l\n"
wait text /XT-PIC +timer/ 10s
wait text /^0/ 10s
