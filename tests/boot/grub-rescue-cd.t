# GRUB's rescue CD of Debian's grub-rescue-pc.
machine -m 64 -snapshot -cdrom /usr/lib/grub-rescue/grub-rescue-cdrom.iso -boot d
wait text "GNU GRUB" 60s
wait text "GNU/Linux" 10s
type "c"
wait text "grub>" 30s
type "ls\n"
wait text /grub> ls/ 30s
wait text "(cd" 30s
