#!/usr/bin/env bash
# A relocated copy of the installed PostgreSQL, into which the tests install the extension, and the folder that
# holds it together with all private clusters.
# PostgreSQL finds its share and lib folders relative to its own binary, so a copy of bin/ with links to the
# rest is a complete server; nothing is written outside that folder.
#   tree.sh make    creates the tree, links what was installed since (idempotent)
#   tree.sh config  its pg_config      tree.sh bin  its bin/      tree.sh major  its PostgreSQL version
#   tree.sh place   the folder: build/, or one under /var/tmp where user postgres cannot reach the checkout
#   tree.sh as      the command prefix that runs a server program: empty, or `runuser -u postgres --` for root
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)

# PG_MAJOR chooses; otherwise 15 or the newest that is installed; otherwise 15 or what the distribution has.
major() {
    if [ -n "${PG_MAJOR:-}" ]; then echo "$PG_MAJOR"; return; fi
    installed=$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | cut -d/ -f5 | sort -n)
    if grep -qx 15 <<<"$installed"; then echo 15; return; fi
    if [ -n "$installed" ]; then tail -n 1 <<<"$installed"; return; fi
    if apt-cache show postgresql-15 >/dev/null 2>&1; then echo 15; return; fi
    distribution=$(apt-cache show postgresql 2>/dev/null | sed -n 's/^Version: \([0-9]*\)+.*/\1/p' | head -n 1)
    echo "${distribution:-15}"
}

as() { if [ "$(id -u)" = 0 ]; then echo "runuser -u postgres --"; fi; }

place() {
    if [ "$(id -u)" != 0 ] || runuser -u postgres -- test -x "$root" 2>/dev/null; then
        echo "$root/build"
        return
    fi
    dir=/var/tmp/kpi_ext-$(printf %s "$root" | md5sum | cut -c1-12)
    mkdir -p "$dir"
    # The name can be guessed: a folder planted by somebody else is refused.
    [ -O "$dir" ] && [ ! -L "$dir" ] || { echo "$dir belongs to somebody else" >&2; exit 1; }
    echo "$dir"
}

v=$(major)
system=/usr/lib/postgresql/$v
relative=usr/lib/postgresql/$v
make_tree() {
    [ -x "$system/bin/postgres" ] || { echo "PostgreSQL $v is not installed in $system" >&2; exit 1; }
    tree=$(place)/pg
    bin=$tree/$relative/bin
    if [ ! -e "$tree/.complete-$v" ] || [ "$system/bin/postgres" -nt "$tree/.complete-$v" ]; then
        rm -rf "$tree"
        mkdir -p "$bin" "$tree/$relative/lib" "$tree/usr/share/postgresql/$v/extension" "$tree/usr/include"
        cp -p "$system"/bin/* "$bin/"
        # Headers are found through pg_config, which is relocated too.
        ln -s /usr/include/postgresql "$tree/usr/include/postgresql"
        touch "$tree/.complete-$v"
    fi
    # -n keeps what `make dev` installed over a link.
    cp -sn "$system"/lib/*.so "$tree/$relative/lib/"
    [ -e "$tree/$relative/lib/pgxs" ] || ln -s "$system/lib/pgxs" "$tree/$relative/lib/pgxs"
    cp -sn /usr/share/postgresql/"$v"/extension/* "$tree/usr/share/postgresql/$v/extension/"
    for entry in /usr/share/postgresql/"$v"/*; do
        name=$(basename "$entry")
        [ "$name" = extension ] || [ -e "$tree/usr/share/postgresql/$v/$name" ] ||
            ln -s "$entry" "$tree/usr/share/postgresql/$v/$name"
    done
}

case ${1:-make} in
major) echo "$v" ;;
as) as ;;
place) place ;;
config) echo "$(place)/pg/$relative/bin/pg_config" ;;
bin) echo "$(place)/pg/$relative/bin" ;;
make) make_tree ;;
*) echo "usage: tree.sh make|config|bin|place|as|major" >&2; exit 2 ;;
esac
