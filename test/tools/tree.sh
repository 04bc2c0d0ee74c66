#!/usr/bin/env bash
# A relocated copy of the installed PostgreSQL under build/pg, into which the tests install the extension.
# PostgreSQL finds its share and lib folders relative to its own binary, so a copy of bin/ with links to the
# rest is a complete server; nothing is written outside build/.
#   tree.sh make     creates it (idempotent)        tree.sh config   prints its pg_config        tree.sh bin   its bin/
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
v=${PG_MAJOR:-15}
sys_bin=/usr/lib/postgresql/$v/bin
tree=$root/build/pg
bin=$tree/usr/lib/postgresql/$v/bin
case ${1:-make} in
config) echo "$bin/pg_config" ;;
bin) echo "$bin" ;;
make)
    [ -x "$sys_bin/postgres" ] || { echo "PostgreSQL $v is not installed in $sys_bin" >&2; exit 1; }
    if [ ! -x "$bin/postgres" ] || [ "$sys_bin/postgres" -nt "$bin/postgres" ] || [ ! -e "$tree/.complete" ]; then
        rm -rf "$tree"
        mkdir -p "$bin" "$tree/usr/lib/postgresql/$v/lib" "$tree/usr/share/postgresql/$v/extension"
        cp -p "$sys_bin"/* "$bin/"
        touch "$bin/postgres"
        ln -s /usr/lib/postgresql/"$v"/lib/* "$tree/usr/lib/postgresql/$v/lib/"
        for f in /usr/share/postgresql/"$v"/*; do
            [ "$(basename "$f")" = extension ] || ln -s "$f" "$tree/usr/share/postgresql/$v/"
        done
        ln -s /usr/share/postgresql/"$v"/extension/* "$tree/usr/share/postgresql/$v/extension/"
        # Headers are found through pg_config, which is relocated too.
        mkdir -p "$tree/usr/include"
        ln -s /usr/include/postgresql "$tree/usr/include/postgresql"
        touch "$tree/.complete"
    fi ;;
*) echo "usage: tree.sh make|config|bin" >&2; exit 2 ;;
esac
