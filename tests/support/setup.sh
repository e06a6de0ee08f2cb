# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
#
# Installs what a build, the demo or the tests need and this machine lacks: Debian packages and a Python
# environment under build/. Source it from the root of the project.
#
# Nothing is installed system-wide unless something is missing, and then only as root; for other users
# the command is printed.

BUILD=${BUILD:-build}
MAKE=${MAKE:-make}
VENV=build/venv # regardless of BUILD, because several builds share it

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# One line for each package: its name, and a command that succeeds if it is installed.
BUILD_NEEDS='
gcc             command -v ${CC:-cc}
libc6-dev       echo "#include <stdlib.h>" | ${CC:-cc} -E -
pkg-config      command -v pkg-config
libfuse3-dev    pkg-config --exists fuse3
libseccomp-dev  pkg-config --exists libseccomp
libjansson-dev  pkg-config --exists jansson
libxxhash-dev   pkg-config --exists libxxhash
'
MOUNT_NEEDS='
fuse3           command -v fusermount3
'
PYTHON_NEEDS='
python3-venv    find_python
ca-certificates test -s /etc/ssl/certs/ca-certificates.crt -o -n "${SSL_CERT_FILE:-}"
'
CHECK_NEEDS='
check           pkg-config --exists check
clang-format    command -v clang-format
'
# A few tests need these, and are skipped without them.
CHECK_WISHES='
zsh             command -v zsh
fish            command -v fish
man-db          command -v man
systemd         command -v systemd-analyze
libcap2-bin     command -v capsh
'

# Prints the first Python that is new enough and can make environments. The system's comes before the one
# in PATH, which may be in a home that the tests' ordinary user cannot enter.
find_python() {
    local python
    for python in /usr/bin/python3 python3; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
            echo "$python"
            return 0
        fi
    done
    return 1
}

# Prints the packages of a list of needs ($1) whose command fails.
missing_packages() {
    local package probe
    while read -r package probe; do
        [ -z "$package" ] || (eval "$probe") >/dev/null 2>&1 </dev/null || printf '%s ' "$package"
    done <<<"$1"
}

apt_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0)
    if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
        "${apt[@]}" update || return
    fi
    # Outdated lists name files that no longer exist, so update them and try again.
    "${apt[@]}" install --no-install-recommends "$@" ||
        { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "$@"; }
}

# need NEEDS: installs the missing packages of that list, or prints how to.
need() {
    local packages
    packages=$(missing_packages "$1")
    [ -n "$packages" ] || return 0
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        die "missing, by the names of Debian's packages: $packages
As root: apt-get update && apt-get install $packages"
    fi
    say "installing with apt-get: $packages"
    mkdir -p build
    # shellcheck disable=SC2086 # a list of words
    apt_install $packages >build/apt.log 2>&1 || { tail -n 20 build/apt.log >&2; die "apt-get failed; all of it is in build/apt.log"; }
    packages=$(missing_packages "$1")
    [ -z "$packages" ] || die "installed, and still not usable: $packages"
}

# wish NEEDS: installs the missing packages of that list if it can.
wish() {
    local packages
    packages=$(missing_packages "$1")
    if [ -n "$packages" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        say "installing with apt-get, for a few of the tests: $packages"
        # shellcheck disable=SC2086 # a list of words
        apt_install $packages >build/apt.log 2>&1 || say "that failed, see build/apt.log; the tests are skipped"
    fi
}

# python_environment FILE: installs the packages of a requirements file in $VENV, unless they are there.
python_environment() {
    local stamp python
    stamp=$VENV/.$(basename "$1").$(cat tests/requirements*.txt | cksum | tr ' ' -)
    [ ! -e "$stamp" ] || return 0
    # Remakes an environment that is incomplete or whose interpreter is gone.
    if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        python=$(find_python)
        say "making a Python environment in $VENV with $("$python" --version)"
        "$python" -m venv --clear "$VENV" || die "no Python environment could be made"
    fi
    say "installing with pip: $1"
    "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input -q -r "$1" >build/pip.log 2>&1 ||
        { tail -n 20 build/pip.log >&2; die "pip failed; all of it is in build/pip.log"; }
    : >"$stamp"
}

# Runs make on all cores, unless the caller chose a number of jobs.
build() {
    local jobs
    case " ${MAKEFLAGS:-} " in
    *-j*) jobs= ;;
    *) jobs=-j$(getconf _NPROCESSORS_ONLN) ;;
    esac
    # shellcheck disable=SC2086 # empty or one word
    "$MAKE" --no-print-directory $jobs "$@"
}
