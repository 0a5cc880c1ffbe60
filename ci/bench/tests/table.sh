#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The speed table, from recorded figures and from benchmarks that are made up here: nothing is timed.
cd "$(dirname "$0")/../../.." || exit 3
work=$(mktemp -d "${TMPDIR:-/tmp}/table.XXXXXX") || exit 3
trap 'rm -rf "$work"' EXIT
echo "1..10"
n=0 failed=0
check() { # NAME COMMAND...
    name=$1
    shift
    n=$((n + 1))
    if "$@" > "$work/why" 2>&1; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' "$work/why"
        failed=1
    fi
}
table() { # STATUS OPTION...: prints the table of $work/run
    want=$1
    shift
    python3 ci/bench/table "$@" --from "$work/run" > "$work/table"
    status=$?
    [ "$status" -eq "$want" ] || { echo "exit status $status, not $want"; return 1; }
}
line() { # ROW PATTERN: the row that begins so
    grep -q "^$1.*$2" "$work/table" || { echo "no '$1...$2' in:"; cat "$work/table"; return 1; }
}
keys() { awk -F'|' '!/^#/ && NF > 1 {print $5}' ci/bench/limits.txt | sed 's/^ *//; s/ *$//'; }

each_row()
{
    : > "$work/run"
    table 0 || return 1
    [ "$(keys | grep -c .)" -ge 30 ] || return 1
    keys | while IFS= read -r what; do
        grep -qF "$what  " "$work/table" || { echo "no row '$what'"; exit 1; }
    done
    line "API without SDK" "not measured"
}
reached()
{
    printf '= no_sdk 4.9 ns 0.1 0\n~ no_sdk 60 0\n= encode 190 ns 3 -\n~ encode 250 0.000\n' > "$work/run"
    table 0 && line "API without SDK" "4.9.* ns  *<= 5 ns .* 60 (60)  *0 (0)  reached$" && line "encode a batch" "5,263,158 spans/s .*reached$"
}
time_not_reached()
{
    printf '= no_sdk 5.1 ns 0.1 0\n~ no_sdk 60 0\n= encode 210 ns 3 -\n~ encode 250 0\n' > "$work/run"
    table 0 && line "API without SDK" "NOT REACHED: figure$" && line "encode a batch" "NOT REACHED: figure$"
}
count_over()
{
    printf '= no_sdk 4.9 ns 0.1 0\n~ no_sdk 61 0\n= not_sampled 20 ns 1 0\n~ not_sampled 400 0.01\n' > "$work/run"
    table 1 && line "API without SDK" "NOT REACHED: instructions$" && line "not sampled" "NOT REACHED: mallocs$"
}
reasons()
{
    printf '= two_producers 1.2 x - -\n' > "$work/run"
    table 0 && line "2 producers" "not counted .*reached$" && grep -q "^  2 producers.*: what two cores do" "$work/table"
}
skipped()
{
    echo '! standing_http needs 10100 descriptors, 4096 are allowed' > "$work/run"
    table 0 && line "collector-mock: receive, record, 100 of 10,000.*HTTP" "skipped: needs 10100 descriptors, 4096 are allowed$"
}
unknown_row()
{
    echo '= no_such_row 1 ns 1 -' > "$work/run"
    ! python3 ci/bench/table --from "$work/run" > "$work/table" 2>&1 && grep -q "no row 'no_such_row'" "$work/table"
}
missing_peer()
{
    printf '= receive_http 500 ns 10 -\n= hop_bare 10000 ns 10 -\n= hop_bare@evhttp 25000 ns 10 -\n' > "$work/run"
    table 0 --peers || return 1
    lines=$(awk '!/^#/ && NF' ci/bench/peers.txt | grep -c .)
    [ "$(grep -c 'not measured here' "$work/table")" -eq $((lines - 1)) ] || { echo "$lines peers, one of them measured"; return 1; }
    line "collector-mock: receive.*HTTP" "otelcol, file exporter  *not measured here .* 137,000 spans/s, 2025-11" &&
        line "lean service hop" "evhttp 2.1.12 .*40,000 requests/s  2.5x as fast"
}
measured_peer()
{
    printf '= %s ns 10 -\n' 'plain_http 500' 'plain_http@otelcol 5100' 'no_sdk 4' 'no_sdk@cpp 8' > "$work/run"
    table 0 --peers && line "collector-mock: receive.*HTTP" "10.2x as fast  *reached: 10x" && line "API without SDK" "2.0x as fast  *-" || return 1
    printf '= %s ns 10 -\n' 'plain_http 500' 'plain_http@otelcol 4900' > "$work/run"
    table 0 --peers && line "collector-mock: receive.*HTTP" "9.8x as fast  NOT REACHED: 10x"
}
# Programs in the place of benchmarks: the peers that are there are named to them, and one that fails is not passed over.
live()
{
    mkdir -p "$work/build/bench" "$work/path"
    for bench in load_bench receive_bench span_bench; do
        printf '#!/bin/sh\necho "%s: $*" >> %s\n' $bench "$work/asked" > "$work/build/bench/$bench"
        chmod +x "$work/build/bench/$bench"
    done
    printf 'echo "= load_client 6000 ns 10 -"\n[ $# -eq 0 ] || echo "= load_client@wrk 5000 ns 9 -"\n' >> "$work/build/bench/load_bench"
    printf '#!/bin/sh\n' > "$work/path/wrk"
    chmod +x "$work/path/wrk"
    PATH="$work/path:$PATH" OTELCOL=/nowhere/otelcol python3 ci/bench/table --peers "$work/build" load_bench receive_bench spec_bench \
        > "$work/table" || return 1
    cat "$work/asked"
    grep -qx "load_bench: wrk $work/path/wrk" "$work/asked" && grep -qx "receive_bench: peer /nowhere/otelcol -" "$work/asked" &&
        line "load client, ledger on" "200,000 requests/s  0.8x as fast" || return 1
    echo 'exit 1' >> "$work/build/bench/span_bench"
    env -u OTELCOL python3 ci/bench/table --peers "$work/build" span_bench > "$work/table" 2>&1
    [ $? -eq 3 ] && grep -q "span_bench: failed" "$work/table"
}
check "each row of the limits is printed, also when nothing was measured" each_row
check "what holds is reached: figure, instructions, mallocs" reached
check "a time that is too long reads NOT REACHED, which is no error" time_not_reached
check "a count that is too high is one" count_over
check "rows that are not counted say why" reasons
check "a row that cannot be measured here says what it needs" skipped
check "a row without a limit's line is refused" unknown_row
check "a peer that is not there reads 'not measured here' beside its dated figure" missing_peer
check "a peer that was measured is compared, and held against its limit" measured_peer
check "peers that are there are named to the benchmarks; a benchmark that fails is told" live
exit $failed
