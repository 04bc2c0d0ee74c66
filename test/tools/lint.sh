#!/usr/bin/env bash
# Everything that can be judged without running the extension; one line per check.
#   lint.sh            all          lint.sh tidy [file...]   clang-tidy alone          KPI_NO_TIDY=1 lint.sh   all but it
# clang-format and clang-tidy are pinned to version 14: another version judges differently.
set -u
cd "$(dirname "$0")/../.."
. test/tools/checks.sh
sources() { find src test bench \( -name '*.cpp' -o -name '*.hpp' \) -not -path '*/node_modules/*' 2>/dev/null | sort; }
texts() { find src sql test bench demo -type f \( -name '*.[ch]pp' -o -name '*.py' -o -name '*.sh' -o -name '*.sql' -o -name '*.spec' -o -name '*.ts' -o -name '*.tsx' -o -name '*.css' \) -not -path '*/node_modules/*' 2>/dev/null | sort; }

format() { sources | xargs -r clang-format-14 --dry-run -Werror; }
columns() { sources | xargs -r test/tools/wrap.py --check; }
lengths() { texts | xargs -r wc -l | awk '$2 != "total" && $1 > 400 {print $2 ": " $1 " lines, 400 at most"; bad = 1} END {exit bad}'; }
marks() { ! texts | grep -v 'tools/lint.sh' | xargs -r grep -nE '\b(TODO|FIXME|XXX|HACK)\b'; }

# Every folder of src/ opens with its purpose: a README.md that begins "# <folder>: ...". A kind of sink is described at
# the head of its source.
purposes() {
    local bad=0 folder
    for folder in $(find src -name '*.?pp' -printf '%h\n' | grep -v '^src/net/sink/.' | sort -u); do
        head -qn 1 "$folder/README.md" 2>/dev/null | grep -q "^# ${folder#src/}: " ||
            { echo "$folder: no README.md that opens with '# ${folder#src/}: purpose'"; bad=1; }
    done
    return $bad
}
# Every header opens with its purpose and guards itself.
headers() {
    local bad=0 header
    for header in $(find src -name '*.hpp'); do
        head -n 1 "$header" | grep -q '^// ' || { echo "$header: does not open with its purpose"; bad=1; }
        grep -q '^#pragma once$' "$header" || { echo "$header: no #pragma once"; bad=1; }
    done
    return $bad
}
# A test file that no suite picks up is a test that never runs.
unrun() {
    local bad=0 file
    while read -r file; do
        case $file in
        test/sql/*/* | test/specs/*/* | test/pgtap/*/*) echo "$file: suites read no subfolders"; bad=1 ;;
        test/sql/*.sql | test/pgtap/*.sql | test/specs/*.spec | test/cluster/test_*.py | test/wire/test_*.py) ;;
        test/unit/*.cpp | test/unit/*.hpp | test/unit/report/golden/* | test/fuzz/*.cpp | test/cluster/*.py | test/wire/*.py | test/wire/*.js | test/wire/package*.json | test/wire/requirements.txt | test/modules/* | test/tools/* | test/data/* | test/web/* | test/targets.mk) ;;
        test/README.md | test/expected) ;;
        *) echo "$file: no suite runs it"; bad=1 ;;
        esac
    done < <(find test -type f -not -name '*.pyc' -not -name '*.[od]' -not -name '*.so' | sort)
    for file in test/sql/*.sql test/specs/*.spec; do
        [ -e "$file" ] || continue
        name=$(basename "${file%.*}")
        [ -e "expected/$name.out" ] || { echo "$file: expected/$name.out is missing"; bad=1; }
    done
    for file in expected/*.out; do
        name=$(basename "$file" .out)
        found=$(ls "test/sql/$name.sql" "test/specs/$name.spec" 2>/dev/null | wc -l)
        [ "$found" = 1 ] || { echo "$file: $found tests have this name, in test/sql and test/specs"; bad=1; }
    done
    return $bad
}
shells() { local bad=0 file; for file in test/tools/*.sh .ci/run; do bash -n "$file" || bad=1; done; return $bad; }
pythons() { find test bench demo -name '*.py' 2>/dev/null | xargs -r /usr/bin/python3 -c 'import ast, sys; [ast.parse(open(f).read(), f) for f in sys.argv[1:]]'; }
# Commands that the documentation tells people to run exist.
commands() {
    local bad=0 target
    for target in $(grep -ohE '`make [a-z0-9-]+' README.md docs/*.md test/README.md CHANGELOG.md 2>/dev/null | sed 's/.* //' | sort -u); do
        grep -qE "^([a-z0-9 -]+ )?$target( [a-z0-9 -]+)?:" Makefile test/*.mk 2>/dev/null || { echo "make $target: no such target"; bad=1; }
    done
    return $bad
}

if [ "${1:-}" = tidy ]; then
    shift
    exec test/tools/tidy.py "$@"
fi
check 'floors: includes point down only' test/tools/floors.py
check 'floors: the checker sees every kind of fault' test/tools/test_floors.py
check 'no class or inline function is defined twice' test/tools/twins.py
check 'twins: the checker sees every kind' test/tools/twins.py --test
check 'clang-format' format
check 'lines of 100 columns at most' columns
check 'files of 400 lines at most' lengths
check 'folders of src open with their purpose' purposes
check 'headers open with their purpose' headers
check 'no left-over marks' marks
check 'every test file is run by a suite' unrun
check 'shell scripts parse' shells
check 'python files parse' pythons
check 'documented make targets exist' commands
[ -n "${KPI_NO_TIDY:-}" ] || check 'clang-tidy' test/tools/tidy.py
echo "lint: $passed passed, $failed failed"
[ "$failed" = 0 ]
