# Functions for the scripts of this folder: packages of Debian 12, of any architecture, without root and without a change
# to the host: apt works in a folder of its own, with the keys that the host trusts.
#
# Environment: ORRERY_MIRROR, where Debian's archive is (default: where the host's apt has it from); the archive of
# security updates is expected beside it.

guest_fail() {
  echo "orrery: $*" >&2
  exit 77
}

# debian_mirror: where Debian's archive is.
debian_mirror() {
  local mirror=${ORRERY_MIRROR:-}
  # What an update would read: told without the lists, too, which a new host has not.
  [ -n "$mirror" ] || mirror=$(apt-get -o Debug::NoLocking=true update --print-uris 2>/dev/null |
    sed -n "s|^'\([^']*/debian\)/dists/.*|\1|p" | head -1) || true
  [ -n "$mirror" ] || guest_fail "apt has no source of Debian's packages here: ORRERY_MIRROR names a mirror"
  echo "${mirror%/}"
}

# use_apt DIR ARCHITECTURE: prepares DIR and reads the lists of packages.
use_apt() {
  apt_dir=$1
  local mirror
  mirror=$(debian_mirror) || exit
  local keys=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -r "$keys" ] || guest_fail "$keys is missing: install the package debian-archive-keyring"
  mkdir -p "$apt_dir"/{lists/partial,archives/partial,etc}
  : > "$apt_dir/status"
  cat > "$apt_dir/sources.list" <<END
deb [signed-by=$keys] $mirror bookworm main
deb [signed-by=$keys] $mirror-security bookworm-security main
END
  cat > "$apt_dir/apt.conf" <<END
APT::Architecture "$2";
#clear APT::Architectures;
APT::Architectures { "$2"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "$apt_dir";
Dir::State::lists "$apt_dir/lists";
Dir::State::status "$apt_dir/status";
Dir::Cache "$apt_dir";
Dir::Cache::archives "$apt_dir/archives";
Dir::Etc::sourcelist "$apt_dir/sources.list";
Dir::Etc::sourceparts "$apt_dir/etc";
Dir::Etc::preferences "$apt_dir/etc/preferences";
Dir::Etc::preferencesparts "$apt_dir/etc";
Debug::NoLocking "true";
END
  apt-get -c "$apt_dir/apt.conf" update -qq 2>"$apt_dir/log" || true
  # A mirror without the security updates will do.
  apt-cache -c "$apt_dir/apt.conf" show base-files >/dev/null 2>&1 || {
    cat "$apt_dir/log" >&2
    guest_fail "Debian's lists of packages cannot be read; is there a network? ORRERY_MIRROR names another mirror"
  }
}

# fetch_packages DIR PACKAGE ...: these packages alone, as files in DIR.
fetch_packages() {
  local dir=$1
  shift
  mkdir -p "$dir"
  (cd "$dir" && apt-get -c "$apt_dir/apt.conf" download -qq "$@") || guest_fail "cannot be fetched: $*"
}

# fetch_with_dependencies DIR PACKAGE ...: these and all that they depend on.
fetch_with_dependencies() {
  local dir=$1
  shift
  mkdir -p "$dir/partial"
  apt-get -c "$apt_dir/apt.conf" -o "Dir::Cache::archives=$dir" install -qq -y --download-only "$@" >/dev/null ||
    guest_fail "cannot be fetched: $*"
}

# unpack DEB DIR [tar options]: the files of a package. Symbolic links to folders that are in DIR already stay.
unpack() {
  local deb=$1 dir=$2
  shift 2
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir" --no-same-owner --keep-directory-symlink "$@"
}

# depended_on PACKAGE PREFIX: the name of the package with that prefix that PACKAGE depends on.
depended_on() {
  local name
  name=$(apt-cache -c "$apt_dir/apt.conf" depends "$1" 2>/dev/null | sed -n "s/^ *Depends: \($2[^ ]*\).*/\1/p" | head -1)
  [ -n "$name" ] || guest_fail "Debian's archive has no $1"
  echo "$name"
}

# pack_ram_disk DIR FILE: a folder as an initial RAM disk of Linux.
pack_ram_disk() {
  (cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R 0:0) | gzip -9n > "$2"
}
