#!/usr/bin/env bash
# Installs the packages of packages.txt, or of the list beside it that is named, as far as they are missing; silent and quick when
# there is nothing to do.   packages.sh [packages-ceph.txt]
# Needs root or sudo; otherwise it says what to install and stops.
# No service may start by itself: while packages are installed /usr/sbin/policy-rc.d says no (exit 101). It is written only
# when there is none, and removed afterwards, so that later installations by the machine's owner behave as usual.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
list=${1:-packages.txt}
command -v dpkg-query >/dev/null || { echo "this is no Debian or Ubuntu: install by hand what test/tools/$list lists" >&2; exit 1; }
wanted() { sed -e 's/#.*//' -e "s/MAJOR/$("$here/tree.sh" major)/" "$here/$list"; }
missing() {
    for package in $(wanted); do
        # Node.js from elsewhere (NodeSource, for one) would fight with the distribution's.
        case $package in nodejs | npm) ! command -v "${package%js}" >/dev/null || continue ;; esac
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}
needed=$(missing | tr '\n' ' ')
[ -n "$needed" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root=sudo
    elif command -v sudo >/dev/null && [ -t 0 ]; then as_root=sudo
    else
        echo "These packages are missing: $needed" >&2
        echo "Run as root or with sudo, or let an administrator run:  apt-get install $needed" >&2
        exit 1
    fi
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=550 -o Acquire::Retries=3 -qq "$@"; }
apt update
needed=$(missing | tr '\n' ' ')  # again: which PostgreSQL the distribution has may be known only now
echo "installing: $needed"
# shellcheck disable=SC2086  (a list of words)
log=$(mktemp)
if ! apt install -y --no-install-recommends $needed >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
rm -f /tmp/kpi_ext-apt.$$
