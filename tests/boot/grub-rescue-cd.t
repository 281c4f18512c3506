# The same from its CD: El Torito, ATAPI.
machine -m 64 -cdrom /usr/lib/grub-rescue/grub-rescue-cdrom.iso -boot d
wait text "grub>" 60s
type "ls\n"
wait text "(cd" 20s
