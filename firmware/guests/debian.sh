#!/usr/bin/env bash
# debian.sh FILE.iso: assembles a live Debian 12 (i386) from Debian's own packages, as a CD that a PC's BIOS boots.
#
# The CD goes the whole way: BIOS, El Torito, ISOLINUX, Debian's kernel (linux-image-686) with a small initial RAM disk,
# the CD as the root file system under a layer in RAM, and a shell on tty1 (VGA) and ttyS0. No package's own scripts are
# run and nothing is mounted, so this needs no root. It needs 700 MB beside FILE.iso while it works, and the network.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/packages.sh"

[ $# -eq 1 ] || { echo "usage: debian.sh FILE.iso" >&2; exit 2; }
mkdir -p "$(dirname "$1")"
iso=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
work=$iso.work
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT

# ---- Packages -------------------------------------------------------------------------------------------------------
# The system's; dependencies come by themselves.
system=(base-files base-passwd bash bsdutils busybox-static coreutils dash debianutils diffutils findutils grep gzip
  hostname kmod libc-bin mawk mount ncurses-base ncurses-bin perl-base procps psmisc sed tar util-linux util-linux-extra
  e2fsprogs dosfstools fdisk pciutils)
# What a person wants to play with.
toys=(bc bsdgames bzip2 file greed less mc moon-buggy nano nasm ninvaders python3 strace tcc libc6-dev vim-tiny xz-utils
  zstd)

echo "orrery: fetching Debian's packages" >&2
use_apt "$work/apt" i386
kernel=$(depended_on linux-image-686 linux-image-)
fetch_packages "$work/kernel" "$kernel"
fetch_packages "$work/boot" isolinux syslinux-common
fetch_with_dependencies "$work/system" "${system[@]}" "${toys[@]}"

# ---- The system -----------------------------------------------------------------------------------------------------
echo "orrery: assembling the system" >&2
cd=$work/cd
root=$cd/system
mkdir -p "$root"/usr/{bin,sbin,lib} "$root"/{cd,dev,etc,home,mnt,proc,root,run,sys,tmp,var/{cache,lib,log,tmp}}
for folder in bin sbin lib; do ln -s "usr/$folder" "$root/$folder"; done
for deb in "$work"/system/*.deb; do
  unpack "$deb" "$root" --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale \
    --exclude=./usr/share/info --exclude=./usr/share/lintian --exclude=./usr/lib/i386-linux-gnu/gconv
done

# The kernel, and of its modules those that a PC of this kind has a use for.
unpack "$work"/kernel/*.deb "$work/kernel"
release=$(basename "$work"/kernel/lib/modules/*)
modules=$work/kernel/lib/modules/$release
mkdir -p "$cd/boot"
cp "$work/kernel/boot/vmlinuz-$release" "$cd/boot/vmlinuz"
depmod=$(command -v depmod || echo /sbin/depmod)
"$depmod" -b "$work/kernel" "$release"
# with_dependencies TARGET < PATTERNS: copies the modules whose paths match, and those that they need.
with_dependencies() {
  local target=$1/lib/modules/$release
  mkdir -p "$target"
  grep -E -f - "$modules/modules.dep" | tr ' ' '\n' | sed 's/:$//' | sort -u | grep . |
    (cd "$modules" && cpio --quiet -pdm "$target")
  cp "$modules"/modules.{order,builtin,builtin.modinfo} "$target"
  "$depmod" -b "$1" "$release"
}
grep -v '^#' "$here/debian/modules" | with_dependencies "$root"

# What the packages' scripts would have done.
cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
sed -i 's|^root:[^:]*:\(.*\)/bin/[a-z]*$|root::\1/bin/bash|' "$root/etc/passwd"
cp "$root/usr/share/base-files/profile" "$root/etc/profile"
cp "$root/usr/share/libc-bin/nsswitch.conf" "$root/etc/nsswitch.conf"
alternative() { [ -e "$root/usr/bin/$2" ] && ln -sf "$2" "$root/usr/bin/$1"; }
alternative awk mawk
alternative sh dash
alternative vi vim.tiny
alternative editor nano
alternative pager less
alternative cc tcc
alternative python python3
for name in init reboot halt poweroff; do ln -sf ../bin/busybox "$root/usr/sbin/$name"; done
# Programs that busybox has and no package of the system.
for name in ifconfig ping wget vlock telnet nc which unzip hexdump mkpasswd; do
  [ -e "$root/usr/bin/$name" ] || [ -e "$root/usr/sbin/$name" ] || ln -s busybox "$root/usr/bin/$name"
done
ln -sf /proc/mounts "$root/etc/mtab"
echo orrery > "$root/etc/hostname"
echo "127.0.0.1 localhost orrery" > "$root/etc/hosts"
cp "$here/debian/inittab" "$here/debian/motd" "$here/debian/fstab" "$root/etc/"
mkdir -p "$root/etc/init.d"
install -m 755 "$here/debian/rcS" "$root/etc/init.d/rcS"
install -m 755 "$here/debian/console" "$root/usr/sbin/console"
mkdir -p "$root/etc/modprobe.d"
printf 'blacklist %s\n' bochs cirrus > "$root/etc/modprobe.d/text-screen.conf"
home=$root/root
cp "$here/debian/profile" "$home/.profile"
cp "$here/debian/hello.c" "$home/hello.c"

# ---- The initial RAM disk -------------------------------------------------------------------------------------------
ram=$work/ram
mkdir -p "$ram"/{bin,cd,dev,new,proc,sys,rw}
cp "$root/usr/bin/busybox" "$ram/bin/"
ln -s busybox "$ram/bin/sh"
install -m 755 "$here/debian/init" "$ram/init"
printf '%s\n' '^kernel/drivers/scsi/sr_mod.ko:' '^kernel/drivers/ata/(ata_piix|pata_legacy).ko:' '^kernel/fs/isofs/' \
  '^kernel/fs/overlayfs/' | with_dependencies "$ram"
pack_ram_disk "$ram" "$cd/boot/initrd.gz"

# ---- The CD ---------------------------------------------------------------------------------------------------------
echo "orrery: writing $iso" >&2
for deb in "$work"/boot/*.deb; do unpack "$deb" "$work/boot"; done
mkdir "$cd/isolinux"
cp "$work/boot/usr/lib/ISOLINUX/isolinux.bin" "$work/boot/usr/lib/syslinux/modules/bios/ldlinux.c32" "$cd/isolinux/"
cp "$here"/debian/{isolinux.cfg,boot.txt} "$cd/isolinux/"
xorriso -as mkisofs -quiet -o "$iso.new" -V ORRERY_DEBIAN -R -uid 0 -gid 0 -D \
  -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$cd" 2>"$work/log" || {
  cat "$work/log" >&2
  guest_fail "xorriso cannot write $iso"
}
mv "$iso.new" "$iso"
