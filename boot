#!/usr/bin/env bash
# Installs what is missing, builds Orrery, and boots a guest in a window:
#
#   ./boot                    the default guest: Debian 12 (i386) from a CD that is assembled at first use
#   ./boot NAME [options]     another guest that is known by name: ./boot --list
#   ./boot IMAGE [options]    the image you name: floppy, hard disk, CD, kernel
#
# What the guests by name boot from is kept in build/guests. Without a display the guest runs headless: its first serial
# port is the terminal, and what stands on its screen after BOOT_SECONDS (default 40) virtual seconds is printed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

case "${1:-}" in
  --list)
    exec "$here/firmware/guests/guest" list
    ;;
  --help | -h)
    sed -n 's/^# \{0,1\}//; 2,9p' "$0"
    exit
    ;;
esac

"$here/.ci/install" boot
if [ ! -f "$here/build/build.ninja" ]; then
  (cd "$here" && cmake --preset default >/dev/null)
fi
cmake --build "$here/build" --target orrery >&2

arguments=("$@")
[ $# -gt 0 ] || arguments=(debian)
# A file of that name comes first; a known name stands alone or before options.
if [ ! -e "${arguments[0]}" ] && "$here/firmware/guests/guest" known "${arguments[0]}"; then
  "$here/firmware/guests/guest" prepare "${arguments[0]}" "$here/build/guests"
  mapfile -t guest < <("$here/firmware/guests/guest" arguments "${arguments[0]}" "$here/build/guests")
  arguments=("${guest[@]}" "${arguments[@]:1}")
fi

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  exec "$here/build/orrery" "${arguments[@]}"
fi
echo "orrery: no display here; running headless for ${BOOT_SECONDS:-40} virtual seconds" >&2
exec "$here/build/orrery" -display none -serial stdio -run-for "${BOOT_SECONDS:-40}" -screen-text - "${arguments[@]}"
