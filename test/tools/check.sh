#!/usr/bin/env bash
# Runs the named suites (make targets) one after the other, whatever fails, and sums their last lines.
# A suite ends with "name: N passed, N failed"; one that ends without it counts as one failure.
# Logs: build/results/<suite>.log
set -u
cd "$(dirname "$0")/../.."
results=build/results
mkdir -p "$results"
passed=0 failed=0 summary=
for suite in "$@"; do
    echo "=== $suite"
    start=$SECONDS
    ${MAKE:-make} -s "$suite" 2>&1 | tee "$results/$suite.log"
    line=$(grep -E "^$suite: [0-9]+ passed, [0-9]+ failed$" "$results/$suite.log" | tail -n 1)
    [ -n "$line" ] || { line="$suite: 0 passed, 1 failed"; echo "$suite did not come to its end"; }
    numbers=${line#"$suite: "}
    passed=$((passed + ${numbers%% *}))
    rest=${numbers#*, }
    failed=$((failed + ${rest%% *}))
    summary+="$line  ($((SECONDS - start)) s)"$'\n'
done
echo "=== all"
printf '%s' "$summary"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
