machine -m 16 -cdrom @GUESTS@/mikeos.iso -boot d
wait text "Thanks for trying out MikeOS!" 60s
