#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Holds the counts of sdk/bench/instructions.sh under the limits of ci/bench/limits.txt: instructions, and mallocs
# once everything is warm. Counted, not timed: the machine's load does not matter.
set -u
cd "$(dirname "$0")/../.." || exit 3
keys="no_sdk not_sampled sampled_0 sampled_8 sampled_8_dropped batched_8 encode export_http export_grpc"
echo "1..9"
without() { # RESULT WHY
    i=0
    for key in $keys; do i=$((i + 1)); echo "$1 $i - instructions of $key$2"; done
}
if ! command -v valgrind > /dev/null; then
    without ok " # SKIP valgrind is not installed"
    exit 0
fi
make -s MODE=release build/release/bench/span_bench build/release/bench/export_bench > build/span_bench.log 2>&1 || {
    cat build/span_bench.log
    without "not ok" ": the benchmarks could not be built"
    exit 1
}
rows=$(sh sdk/bench/instructions.sh build/release/bench)
limit() { # KEY FIELD of ci/bench/limits.txt
    awk -F'|' -v key="$1" -v field="$2" '!/^#/ {gsub(/ /, "", $1); if ($1 == key) {sub(/^ +/, "", $field); sub(/ +$/, "", $field); print $field}}' \
        ci/bench/limits.txt
}
failed=0 n=0
for key in $keys; do
    n=$((n + 1))
    # shellcheck disable=SC2046 # split into words
    set -- $(printf '%s\n' "$rows" | grep "^$key ")
    counted=${2:-0} calls=${3:-none} most=$(limit "$key" 3) most_calls=$(limit "$key" 4) name=$(limit "$key" 5)
    if [ "$counted" -gt 0 ] && [ "$counted" -le "$most" ] && [ "$calls" != none ] &&
        awk "BEGIN { exit !($calls <= $most_calls) }"; then
        echo "ok $n - $name: $counted instructions, at most $most; $calls mallocs"
    else
        echo "not ok $n - $name: $counted instructions, at most $most; $calls mallocs, at most $most_calls"
        failed=1
    fi
done
exit $failed
