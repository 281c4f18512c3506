# Debian's rescue floppy in the drive: shorter than a 1.44 MB floppy, which it is taken for.
machine -m 64 -snapshot -fda /usr/lib/grub-rescue/grub-rescue-floppy.img
wait text "GNU GRUB" 60s
wait text "GNU/Linux" 10s
type "c"
wait text "grub>" 30s
type "ls\n"
wait text /grub> ls/ 30s
wait text "(fd0" 30s
