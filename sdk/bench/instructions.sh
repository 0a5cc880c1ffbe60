#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# instructions.sh [DIRECTORY]: instructions a span, counted by callgrind, and mallocs a span once everything is warm:
# "KEY INSTRUCTIONS MALLOCS" a line, KEY of ci/bench/limits.txt. DIRECTORY holds span_bench, export_bench and
# spec_bench; with SPEC=1 the spans of the specification's benchmark are counted, too.
set -eu
benches=${1:-build/release/bench}
for program in span_bench export_bench; do
    [ -x "$benches/$program" ] || { echo "instructions.sh: $program is not built (make bench-build)" >&2; exit 3; }
done
command -v valgrind > /dev/null || { echo "instructions.sh: valgrind is not installed" >&2; exit 3; }
work=$(mktemp -d "${TMPDIR:-/tmp}/instructions.XXXXXX")
trap 'rm -rf "$work"' EXIT
counted() { # FILE PROGRAM ROW SPANS [FUNCTION]: of that function and what it calls, or of the whole process
    valgrind --tool=callgrind --callgrind-out-file=/dev/null ${5:+--toggle-collect="$5"} "$benches/$2" "$3" "$4" > "$work/$1" 2>&1 || {
        echo "instructions.sh: $2 $3 $4 ended with $?" >&2
        tail -n 20 "$work/$1" >&2
        return 1
    }
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$work/$1"
}
say() { # KEY INSTRUCTIONS
    printf '%s %d %s\n' "$1" "$2" "$(sed -n 's/^mallocs a span: //p' "$work/$1")"
}
# What one thread pays inside of a function.
row() { # KEY PROGRAM ITS_ROW FUNCTION
    say "$1" $(($(counted "$1" "$2" "$3" 10000 "$4") / 10000))
}
# What all threads pay: the difference of two runs, so that start and end of the program drop out.
whole() { # KEY PROGRAM ITS_ROW
    few=$(counted few "$2" "$3" 8192)
    many=$(counted "$1" "$2" "$3" 24576)
    say "$1" $(((many - few) / 16384))
}
{
    row no_sdk span_bench 1 spans_0
    row not_sampled span_bench 2 spans_0
    row sampled_0 span_bench 3 spans_0
    row sampled_8 span_bench 4 spans_8
    row sampled_8_dropped span_bench 5 spans_8
} > "$work/producer" &
whole batched_8 span_bench 4 > "$work/rest"
row encode span_bench 6 otl_otlp_encode_batch >> "$work/rest"
whole export_http export_bench 1 >> "$work/rest"
whole export_grpc export_bench 2 >> "$work/rest"
if [ "${SPEC:-0}" = 1 ]; then
    row spec_span spec_bench 1 make_small >> "$work/rest"
    whole spec_export spec_bench 2 >> "$work/rest"
fi
wait $!
cat "$work/producer" "$work/rest"
