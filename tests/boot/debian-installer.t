# guest: debian-installer
# The graphical installer: its first page has a banner, and a bar on the chosen language that moves with the arrow keys.
skip unless file @BUILT@/debian-installer/linux "firmware/guests/guest cannot prepare it here"
machine -m 1024 -kernel @BUILT@/debian-installer/linux -initrd @BUILT@/debian-installer/initrd-gtk.gz
machine -append "vga=788 cryptomgr.notests"
wait mode 1024x768 150s
wait pixel 900 40 107272 tolerance 24 100s  # the banner
wait pixel 900 440 29847d tolerance 24 60s  # English
wait still 5s 60s
key down
wait pixel 900 462 29847d tolerance 24 20s  # Esperanto
expect no pixel 900 440 29847d tolerance 24
