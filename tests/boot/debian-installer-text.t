# guest: debian-installer
skip unless file @BUILT@/debian-installer/linux "firmware/guests/guest cannot prepare it here"
machine -m 512 -kernel @BUILT@/debian-installer/linux -initrd @BUILT@/debian-installer/initrd-text.gz
machine -append "vga=normal fb=false nomodeset cryptomgr.notests"
wait text "Select a language" 150s
wait text /English/ 10s
type "\n"
wait text "Select your location" 60s
