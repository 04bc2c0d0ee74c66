#!/usr/bin/env bash
# Runs the named suites (make targets), whatever fails, and sums their last lines. Two run side by side: one of a pair waits for
# servers most of its time while the other computes. The output of a suite is shown as a whole when it ends.
# A suite ends with "name: N passed, N failed"; one that ends without it counts as one failure.
#   check.sh suite...               KPI_LANES=1 check.sh ...   one after the other       KPI_BUILT=1   nothing is built first
# Logs: build/results/<suite>.log. Suites are started in the order given; the sum is in that order too.
set -u
cd "$(dirname "$0")/../.."
results=build/results
mkdir -p "$results"
for suite in "$@"; do rm -f "$results/$suite".{log,time}; done
# What suites share is built once, before they run beside each other: none may replace the library under another's server.
if [ -z "${KPI_BUILT:-}" ]; then
    echo "=== build"
    shared=test-modules
    case " $* " in *" wire "*) shared+=" deliverer" ;; esac
    case " $* " in *" web-check "*) shared+=" web" ;; esac
    # shellcheck disable=SC2086  (a list of words)
    ${MAKE:-make} -s $shared || { echo "the extension could not be built"; echo "0 passed, 1 failed"; exit 1; }
fi

run() {  # run SUITE: in a lane of its own
    local suite=$1 start=$SECONDS
    # Compilers give way to the servers of the other lane, and take both cores where those wait.
    case $suite in lint | unit | asan) renice -n 10 -p $BASHPID >/dev/null ;; esac
    echo "=== $suite: started"
    KPI_BUILT=1 ${MAKE:-make} -s "$suite" >"$results/$suite.log" 2>&1
    echo $((SECONDS - start)) >"$results/$suite.time"
    # One write: lines of two lanes must not mix.
    printf '=== %s: ended\n%s\n' "$suite" "$(cat "$results/$suite.log")"
}
export -f run
export results
printf '%s\n' "$@" | xargs -P "${KPI_LANES:-2}" -I{} bash -c 'run {}'

passed=0 failed=0
echo "=== all"
for suite in "$@"; do
    line=$(grep -E "^$suite: [0-9]+ passed, [0-9]+ failed$" "$results/$suite.log" | tail -n 1)
    [ -n "$line" ] || { line="$suite: 0 passed, 1 failed"; echo "$suite did not come to its end"; }
    echo "$line  ($(cat "$results/$suite.time" 2>/dev/null || echo '?') s)"
    numbers=${line#"$suite: "}
    passed=$((passed + ${numbers%% *}))
    rest=${numbers#*, }
    failed=$((failed + ${rest%% *}))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
