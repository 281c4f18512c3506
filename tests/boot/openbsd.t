test "boots"
machine -m 64 -snapshot -fda @GUESTS@/openbsd-floppy.img
wait text "(I)nstall, (U)pgrade or (S)hell?" 200s
test "has a shell"
type "S\n"
wait text /^#/ 20s
type "echo $((6 * 7)); ls /\n"
wait text /^42/ 10s
wait text "install.sub" 10s
