# For scripts that judge by commands, one line each; sourced. They end with "$passed passed, $failed failed".
passed=0 failed=0
check() {  # check NAME COMMAND...: prints the output of a command that fails
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1)); echo "ok - $name"
    else
        failed=$((failed + 1)); echo "not ok - $name"; sed 's/^/    /' <<<"$output"
    fi
}
