#!/usr/bin/env bash
# The page of kpi_web (src/web/page), built by Node.js from the packages that package-lock.json pins.
#   page.sh build    type-checks and builds it into build/page, when a source is newer than what is there
#   page.sh check    builds, runs the unit tests, and judges what was built; ends with "page-check: N passed, N failed"
set -u
cd "$(dirname "$0")/../../src/web/page"
root=../../..
place=$root/build/page
. $root/test/tools/checks.sh

packages() {  # npm ci, again only when the lock changes
    cmp -s package-lock.json node_modules/.installed.json && return
    echo "installing the page's packages"
    npm ci --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.installed.json
}
is_current() { [ -e $place/index.html ] && [ -z "$(find . -path ./node_modules -prune -o -type f -newer $place/index.html -print -quit)" ]; }
# Two suites that run side by side both want it.
build() {
    mkdir -p $root/build && exec 8>$root/build/.page.lock && flock 8
    packages && { is_current || { npx --no-install tsc && npx --no-install vite build --logLevel error; }; }
    local code=$?
    exec 8>&-
    return $code
}

# What a strict content security policy would refuse, and what would need the internet.
policy() {
    local bad=0
    grep -nE '<script[^>]*>[^<]|<style|[[:space:]](style|on[a-z]+)=' $place/index.html && bad=1
    grep -nE 'https?://' $place/index.html && bad=1
    grep -nE 'url\(["'\'']?(data:|https?:)' $place/assets/*.css && bad=1
    grep -noE '\beval\(|new Function\(|document\.write\(' $place/assets/*.js && bad=1
    return $bad
}
# Data is text: the sources (libraries can do it, and are not asked to) make no markup from strings.
markup() { ! grep -rnE '(inner|outer)HTML|dangerouslySet|insertAdjacent|createContextualFragment|DOMParser' src public; }
# The licence of every package in the build, the font's too.
licences() {
    local name bad=0
    for name in preact uplot @fontsource-variable/inter; do
        grep -q "^$name [0-9]" $place/licences.txt || { echo "licences.txt lacks $name"; bad=1; }
    done
    return $bad
}
sizes() {  # bytes that a phone loads before it sees numbers
    local size
    size=$(cat $place/assets/*.js $place/assets/*.css | gzip -c | wc -c)
    [ "$size" -lt 81920 ] || { echo "script and style sheet: $size bytes compressed, 80 KiB at most"; return 1; }
}
twice() {  # the same sources give the same bytes
    local again
    again=$(mktemp -d) && npx --no-install vite build --logLevel warn --outDir "$again" --emptyOutDir && diff -r "$again" $place
    local code=$?
    rm -rf "$again"
    return $code
}

case ${1:-} in
build) build ;;
check)
    if ! build; then
        echo "page-check: 0 passed, 1 failed"; exit 1
    fi
    rm -f $root/build/page-tests.json
    npx --no-install vitest run --reporter=default --reporter=json --outputFile.json=$root/build/page-tests.json
    # A file that does not load fails no test of its own: the whole run is not a success then.
    unit=$(node -p 'const r = JSON.parse(require("fs").readFileSync(process.argv[1]));
        const failed = r.numTotalTests - r.numPassedTests; `${r.numPassedTests} ${r.success ? failed : Math.max(1, failed)}`' \
        $root/build/page-tests.json) || unit="0 1"
    passed=${unit% *} failed=${unit#* }
    check 'the built page needs no inline script, style or foreign server' policy
    check 'no markup is made from strings' markup
    check 'licences of what is built in' licences
    check 'small enough for a phone' sizes
    check 'the build is reproducible' twice
    echo "page-check: $passed passed, $failed failed"
    [ "$failed" = 0 ]
    ;;
*) sed -n '2,4p' "$0"; exit 2 ;;
esac
