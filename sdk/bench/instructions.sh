#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# instructions.sh [DIRECTORY]: instructions a span, counted by callgrind, and mallocs a span once everything is warm:
# "ROW INSTRUCTIONS MALLOCS NAME" a line. DIRECTORY holds span_bench and export_bench.
set -eu
benches=${1:-build/release/bench}
for program in span_bench export_bench; do
    [ -x "$benches/$program" ] || { echo "instructions.sh: $program is not built (make bench-build)" >&2; exit 3; }
done
command -v valgrind > /dev/null || { echo "instructions.sh: valgrind is not installed" >&2; exit 3; }
work=$(mktemp -d "${TMPDIR:-/tmp}/instructions.XXXXXX")
trap 'rm -rf "$work"' EXIT
counted() { # FILE PROGRAM ROW SPANS [FUNCTION]: of that function and what it calls, or of the whole process
    valgrind --tool=callgrind --callgrind-out-file=/dev/null ${5:+--toggle-collect="$5"} "$benches/$2" "$3" "$4" > "$work/$1" 2>&1
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$work/$1"
}
say() { # ROW INSTRUCTIONS NAME
    printf '%d %d %s %s\n' "$1" "$2" "$(sed -n 's/^mallocs a span: //p' "$work/$1")" "$3"
}
# What one thread pays inside of a function.
row() { # ROW PROGRAM ITS_ROW FUNCTION NAME
    say "$1" $(($(counted "$1" "$2" "$3" 10000 "$4") / 10000)) "$5"
}
# What all threads pay: the difference of two runs, so that start and end of the program drop out.
whole() { # ROW PROGRAM ITS_ROW NAME
    few=$(counted few "$2" "$3" 8192)
    many=$(counted "$1" "$2" "$3" 24576)
    say "$1" $(((many - few) / 16384)) "$4"
}
{
    row 1 span_bench 1 spans_0 "no SDK: start + end"
    row 2 span_bench 2 spans_0 "not sampled: start + end"
    row 3 span_bench 3 spans_0 "sampled, 0 attributes, to enqueued"
    row 4 span_bench 4 spans_8 "sampled, 8 attributes, to enqueued"
    row 5 span_bench 5 spans_8 "sampled, 8 attributes, dropped: queue full"
} > "$work/producer" &
whole 6 span_bench 4 "sampled, 8 attributes, through the batch processor, all threads" > "$work/rest"
row 7 span_bench 6 otl_otlp_encode_batch "sampled, 8 attributes, encoded" >> "$work/rest"
whole 8 export_bench 1 "sampled, 8 attributes, exported over HTTP, all threads" >> "$work/rest"
whole 9 export_bench 2 "sampled, 8 attributes, exported over gRPC, all threads" >> "$work/rest"
wait $!
cat "$work/producer" "$work/rest"
