#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# instructions.sh [PROGRAM]: instructions a span of each row of span_bench, counted by callgrind as the
# difference of a long and a short run.
set -eu
program=${1:-build/release/bench/span_bench}
[ -x "$program" ] || { echo "instructions.sh: $program is not built (make bench-build)" >&2; exit 3; }
command -v valgrind > /dev/null || { echo "instructions.sh: valgrind is not installed" >&2; exit 3; }
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
row() {
    short=$(count "$1" 4000)
    long=$(count "$1" 12000)
    printf '%-52s %6d instructions\n' "$2" $(((long - short) / 8000))
}
row 1 "no SDK: start + end"
row 2 "not sampled: start + end"
row 3 "sampled, 0 attributes, with its share of the worker"
row 4 "sampled, 8 attributes, with its share of the worker"
