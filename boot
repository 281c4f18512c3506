#!/usr/bin/env bash
# Installs what is missing, builds Orrery, and boots a guest in a window:
#
#   ./boot                    the default guest (the GRUB rescue floppy)
#   ./boot IMAGE [options]    the image you name: floppy, hard disk, CD, kernel
#
# Without a display the guest runs headless: its first serial port is the terminal, and what stands on its screen after
# BOOT_SECONDS (default 20) virtual seconds is printed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

"$here/.ci/install" boot
if [ ! -f "$here/build/build.ninja" ]; then
  (cd "$here" && cmake --preset default >/dev/null)
fi
cmake --build "$here/build" --target orrery >&2

arguments=("$@")
if [ ${#arguments[@]} -eq 0 ]; then
  arguments=(-snapshot /usr/lib/grub-rescue/grub-rescue-floppy.img)
fi
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  exec "$here/build/orrery" "${arguments[@]}"
fi
echo "orrery: no display here; running headless for ${BOOT_SECONDS:-20} virtual seconds" >&2
exec "$here/build/orrery" -display none -serial stdio -run-for "${BOOT_SECONDS:-20}" -screen-text - "${arguments[@]}"
