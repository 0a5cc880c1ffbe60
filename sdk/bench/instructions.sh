#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# instructions.sh [PROGRAM]: instructions a span that the thread pays which makes it, counted by callgrind:
# "ROW INSTRUCTIONS" a line, rows as span_bench numbers them.
set -eu
program=${1:-build/release/bench/span_bench}
[ -x "$program" ] || { echo "instructions.sh: $program is not built (make bench-build)" >&2; exit 3; }
command -v valgrind > /dev/null || { echo "instructions.sh: valgrind is not installed" >&2; exit 3; }
row() {
    count=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect="$3" "$program" "$1" 10000 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p')
    printf '%d %d %s\n' "$1" $((count / 10000)) "$2"
}
row 1 "no SDK: start + end" spans_0
row 2 "not sampled: start + end" spans_0
row 3 "sampled, 0 attributes, to enqueued" spans_0
row 4 "sampled, 8 attributes, to enqueued" spans_8
row 5 "sampled, 8 attributes, dropped: queue full" spans_8
