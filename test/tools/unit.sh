#!/usr/bin/env bash
# Builds and runs the unit tests of the floors without PostgreSQL (CMakeLists.txt).
#   unit.sh unit [gtest arguments]    plain          unit.sh asan   under AddressSanitizer and UBSan
set -u
cd "$(dirname "$0")/../.."
suite=$1
shift
folder=build/$suite
mkdir -p build
sanitize=OFF
[ "$suite" = asan ] && sanitize=ON
if ! { cmake -S . -B "$folder" -DCMAKE_BUILD_TYPE=Test -DKPI_SANITIZE=$sanitize >"$folder.log" 2>&1 &&
    cmake --build "$folder" --target kpi_unit -j "${KPI_JOBS:-2}" >>"$folder.log" 2>&1; }; then
    grep -E 'error|Error' -A 5 "$folder.log" | head -60
    echo "$suite: 0 passed, 1 failed"
    exit 1
fi
# LSan needs ptrace, which containers may forbid: leaks are looked for where that works.
output=$("$folder/kpi_unit" --gtest_brief=1 "$@" 2>&1)
code=$?
echo "$output"
ran=$(sed -n 's/^\[==========\] \([0-9]*\) tests\{0,1\} from .* ran.*/\1/p' <<<"$output")
failed=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) tests\{0,1\}, listed below:*/\1/p' <<<"$output")
failed=${failed:-0}
# A crash or a sanitizer's report ends the program early.
if [ -z "$ran" ]; then ran=1 failed=1; elif [ $code != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
echo "$suite: $((ran - failed)) passed, $failed failed"
[ "$failed" = 0 ]
