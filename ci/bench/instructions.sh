#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# instructions.sh DIRECTORY: instructions of the rows outside of sdk/, counted by callgrind: "KEY INSTRUCTIONS -" a line,
# KEY of ci/bench/limits.txt. DIRECTORY holds the benchmarks. What is not counted is said on standard error (status 1).
set -u
benches=$1
command -v valgrind > /dev/null || { echo "instructions.sh: valgrind is not installed" >&2; exit 3; }
work=$(mktemp -d "${TMPDIR:-/tmp}/instructions.XXXXXX") || exit 3
trap 'rm -rf "$work"' EXIT
failed=0
say() { # KEY INSTRUCTIONS PIECES
    if [ "${2:-0}" -gt 0 ] && [ "${3:-0}" -gt 0 ]; then
        echo "$1 $(($2 / $3)) -"
    else
        echo "instructions.sh: $1 could not be counted" >&2
        failed=1
    fi
}
collected() { sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$1" | head -n 1; }
valgrind() { command valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@"; }
# A collector that gets so many requests of 512 spans: the difference of two runs, so that its start and end drop out.
received() { # ROW
    for requests in 20 60; do
        "$benches/receive_bench" count "$1" $requests "$work/$requests" > /dev/null || return
    done
    few=$(collected "$work/20") many=$(collected "$work/60")
    say "$2" $((${many:-0} - ${few:-0})) $((40 * 512))
}
received http receive_http
received grpc receive_grpc
received tail_http tail_http
received tail_grpc tail_grpc
# The client alone: its server is another process.
for requests in 4000 12000; do
    valgrind --log-file="$work/load.%p" "$benches/load_bench" count $requests > "$work/load.said" || failed=1
    cat "$work"/load.[0-9]* > "$work/load$requests"
    rm -f "$work"/load.[0-9]*
done
few=$(collected "$work/load4000") many=$(collected "$work/load12000")
say load_client $((${many:-0} - ${few:-0})) 8000
# Only what the thread of the service does.
hop() { # KEY ROW MILLIS
    valgrind --log-file="$work/hop" --toggle-collect=handle_requests "$benches/hop_bench" "$2" "$3" > "$work/hop.said" || failed=1
    say "$1" "$(collected "$work/hop")" "$(sed -n 's/^requests: //p' "$work/hop.said")"
}
hop hop_bare 1 2000
hop hop_ledger 2 2000
hop hop_sampled 4 2000
valgrind --log-file="$work/verify.%p" --toggle-collect=hx_verify_run "$benches/verify_bench" 20000 1 > "$work/verify.said" || failed=1
cat "$work"/verify.[0-9]* | grep 'Collected : [1-9]' > "$work/verify"
say verify "$(collected "$work/verify")" "$(sed -n 's/^spans: //p' "$work/verify.said")"
exit $failed
