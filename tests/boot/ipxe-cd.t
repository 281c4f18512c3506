# guest: ipxe
skip unless file @BUILT@/ipxe/ipxe.iso "firmware/guests/guest cannot prepare it here"
machine -m 64 -boot d -cdrom @BUILT@/ipxe/ipxe.iso
wait text "iPXE 1.0.0+" 60s
wait text "Ctrl-B" 30s
key ctrl-b
wait text "iPXE>" 30s
type "echo it works\n"
wait text /^it works/ 10s
