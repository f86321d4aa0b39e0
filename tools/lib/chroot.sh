# Sourced after common.sh: bare Debian systems to try things in.

# make_chroot NAME FOLDER: debootstrap's minimal system of the release NAME as FOLDER/NAME, unless it is there.
make_chroot() {
  local name=$1 folder=$2
  [ "$(id -u)" = 0 ] || die "chroots need root"
  command -v debootstrap >/dev/null || die "debootstrap is missing; apt-get install debootstrap"
  [ -f "$folder/$name/.complete" ] && return
  say "bootstrapping $name in $folder/$name"
  mkdir -p "$folder"
  rm -rf --one-file-system "${folder:?}/$name"
  debootstrap --variant=minbase "$name" "$folder/$name" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$folder/$name.log" 2>&1 ||
    die "debootstrap failed; see $folder/$name.log"
  touch "$folder/$name/.complete"
}

# put_source CHROOT: the committed tree as CHROOT/satsuma, new each time but for the packages that were installed.
put_source() {
  rm -rf --one-file-system "$1/satsuma"
  mkdir "$1/satsuma"
  git archive HEAD | tar -x -C "$1/satsuma"
}

# in_chroot CHROOT COMMAND: runs a shell's command there, with /proc and nothing else of this system; what is mounted
# and what still runs goes with it. pip there trusts what PIP_CERT names here, where a network has its own certificates.
in_chroot() {
  [ -z "${PIP_CERT:-}" ] || cp "$PIP_CERT" "$1/pip-cert.pem"
  unshare --mount --pid --fork bash -c 'mount -t proc proc "$1/proc" && cp /etc/resolv.conf "$1/etc/resolv.conf" &&
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 ${PIP_CERT:+PIP_CERT=/pip-cert.pem} DEBIAN_FRONTEND=noninteractive chroot "$1" bash -c "$2"' \
    in_chroot "$1" "$2"
}
