# GRUB's rescue floppy of Debian's grub-rescue-pc, named without an option: it is taken for a floppy by its name.
machine -m 64 -snapshot /usr/lib/grub-rescue/grub-rescue-floppy.img
wait text "GNU GRUB" 60s
wait text "GNU/Linux" 10s
type "c"
wait text "grub>" 30s
type "ls\n"
wait text /grub> ls/ 30s
wait text "(fd0" 30s
