#!/usr/bin/env bash
# Compiles every file of the extension, without making code, with the server's headers of other PostgreSQL versions: what the shims
# of src/pg/prelude.hpp promise.   versions.sh [MAJOR ...]   (14 16 17 18)   FILES='src/pg/formula.cpp ...' for some of them
# Not part of `make check`: it fetches packages from the archives of Debian and Ubuntu and takes minutes for each version.
set -eu
cd "$(dirname "$0")/../.."
place=build/versions
mkdir -p "$place"

# Where a distribution has the version: archive, release, part.
archive() {
    case $1 in
    14) echo http://archive.ubuntu.com/ubuntu jammy universe ;;
    16) echo http://archive.ubuntu.com/ubuntu noble universe ;;
    17) echo https://deb.debian.org/debian trixie main ;;
    18) echo https://deb.debian.org/debian forky main ;;
    *) echo "no archive is known for PostgreSQL $1" >&2; return 1 ;;
    esac
}

headers() {
    local major=$1 url release part file
    [ -e "$place/$major/usr/include/postgresql/$major/server/postgres.h" ] && return
    read -r url release part < <(archive "$major")
    file=$(curl -fsS "$url/dists/$release/$part/binary-amd64/Packages.gz" | gunzip |
        awk -v package="postgresql-server-dev-$major" '/^Package: /{here = $2 == package} here && /^Filename: /{print $2}')
    curl -fsS -o "$place/$major.deb" "$url/$file"
    dpkg-deb -x "$place/$major.deb" "$place/$major"
    # The library of this machine may be older than that of the release.
    printf '#include <string.h>\nint main(void) { char a[2]; return (int)strlcpy(a, "", 2); }\n' |
        g++ -x c++ -fsyntax-only - 2>/dev/null ||
        sed -i 's/^#define HAVE_DECL_STRLC\(PY\|AT\) 1/#define HAVE_DECL_STRLC\1 0/' \
            "$place/$major/usr/include/postgresql/$major/server"/pg_config*.h
}

files=${FILES:-$(find src -name '*.cpp' -not -path 'src/web/*' | sort)}
status=0
for major in ${*:-14 16 17 18}; do
    headers "$major"
    # shellcheck disable=SC2086  (a list of names)
    if printf '%s\n' $files | xargs -P 2 -I {} g++ -fsyntax-only -std=c++20 -Isrc \
        -isystem "$place/$major/usr/include/postgresql/$major/server" -isystem /usr/include/postgresql/internal -D_GNU_SOURCE \
        '-DPGDLLEXPORT=__attribute__((visibility("default")))' '-DKPI_VERSION=""' -Wall -Wextra -Wno-register -Wno-missing-field-initializers {}; then
        echo "ok - PostgreSQL $major"
    else
        echo "not ok - PostgreSQL $major"
        status=1
    fi
done
exit $status
