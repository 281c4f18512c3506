# GRUB's rescue image of Debian's grub-rescue-pc, the default guest of ./boot.
machine -m 64 -snapshot /usr/lib/grub-rescue/grub-rescue-floppy.img
wait text "GNU GRUB" 60s
wait text "GNU/Linux" 10s
type "c"
wait text "grub>" 30s
type "ls\n"
wait text /grub> ls/ 30s
wait text "(cd" 30s
