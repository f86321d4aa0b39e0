# Sourced by tools/quickstart and tools/check: messages, packages, builds.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# What a build needs. `a|b` takes the first that the distribution has; `?a` is left out where there is none.
build_packages=(g++ meson ninja-build pkg-config libcli11-dev nlohmann-json3-dev libfmt-dev libtomlplusplus-dev
  zlib1g-dev libstb-dev '?libjpeg62-turbo-dev|libjpeg-dev' '?libpng-dev' '?libcurl4-openssl-dev' '?libcpp-httplib-dev'
  '?libdnnl-dev|libonednn-dev' '?ocl-icd-opencl-dev' '?opencl-headers'
  '?libprotobuf-dev' '?protobuf-compiler'
  '?libopenmpi-dev' '?openmpi-bin')

say() { printf '== %s\n' "$*" >&2; }

die() {
  printf '%s: error: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "packages are missing and neither root nor sudo is there; as root, run: apt-get install ${to_install[*]}"
  fi
}

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]; }

# First of `a|b|...` that is installed; with `known`, that the distribution has. Fails when there is none.
choose() {
  local name
  for name in ${1//|/ }; do
    if [ "$2" = installed ] && is_installed "$name"; then echo "$name" && return; fi
    if [ "$2" = known ] && [ -n "$(apt-cache --quiet=0 policy "$name" 2>/dev/null | grep -E 'Candidate: [^(]')" ]; then
      echo "$name" && return
    fi
  done
  return 1
}

# Installs what is missing of the packages named; does not touch the network when nothing is.
install_packages() {
  local missing=() wanted name
  to_install=()
  if ! command -v apt-get >/dev/null; then
    say "no apt-get here: building with what is installed"
    return
  fi
  for wanted in "$@"; do
    choose "${wanted#\?}" installed >/dev/null || missing+=("$wanted")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  to_install=("${missing[@]#\?}")
  say "installing ${to_install[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 ||
    say "the package lists could not be updated; going on with those that are here"
  to_install=()
  for wanted in "${missing[@]}"; do
    if name=$(choose "${wanted#\?}" known); then
      to_install+=("$name")
    elif [ "${wanted:0:1}" = '?' ]; then
      say "this distribution has no ${wanted#\?}; going on without"
    else
      die "apt-get knows no package $wanted; is the network there, and is this Debian 12, 13 or Ubuntu 24.04?"
    fi
  done
  [ ${#to_install[@]} -gt 0 ] || return 0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${to_install[@]}" >&2 ||
    die "apt-get could not install ${to_install[*]}; is the network there?"
}

# configure FOLDER OPTION...: `meson setup` where that was not done yet.
configure() {
  local folder=$1
  shift
  [ -f "$folder/build.ninja" ] && return
  say "configuring $folder"
  meson setup "$folder" "$@" >&2 || die "meson setup failed; see above and $folder/meson-logs/meson-log.txt"
}
