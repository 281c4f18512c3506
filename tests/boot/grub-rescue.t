# GRUB's rescue floppy of Debian's grub-rescue-pc.
machine -m 64 -snapshot -fda /usr/lib/grub-rescue/grub-rescue-floppy.img
wait text "grub>" 60s
type "ls\n"
wait text "(fd0)" 20s
