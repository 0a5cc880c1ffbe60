#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tracerig sweep: every combination once, what it writes, what it refuses.
. "$(dirname "$0")/tap.sh"

scenario=scenarios/bsp-tuning.yaml
short="--set load.duration=200ms --set load.warmup=50ms"

# Large queues hold all spans of a run, so that none is dropped whatever the machine does.
product()
{
    expect_exit 0 "$tracerig" sweep $scenario --vary tracing.max_queue_size=64,16384 \
        --vary tracing.max_export_batch_size=16,64 --vary load.arrival=constant,burst $short --seed 5 --noise 1 \
        --out "$dir/sweep" --quiet && says "8 combinations, 1 run each, and 2 loads without tracing, 1 run each: 10 runs" &&
        sweep_is "len(r['points'])" 8 &&
        sweep_is "r['points'][3]['values']" "['64', '64', 'burst']" &&
        sweep_is "sorted(x['order'] for p in r['points'] + r['bases'] for x in p['runs']) == list(range(1, 11))" True &&
        sweep_is "[x['order'] for p in r['points'] + r['bases'] for x in p['runs']] != list(range(1, 11))" True &&
        sweep_is "r['complete']" True
}
sweep_is() # sweep_is EXPRESSION VALUE
{
    found=$(json "$dir/sweep/sweep.json" "$1") || return 1
    [ "$found" = "$2" ] && return 0
    echo "$1 is $found, expected $2"
    return 1
}
check "every combination is run once, in an order of its own" product

runs()
{
    for n in 0001 0004 0008; do
        [ -f "$dir/sweep/run-$n-1/report.html" ] || { echo "no run-$n-1"; return 1; }
    done
    json_is "$dir/sweep/run-0004-1/report.json" "r['sdk'][0]['queue_capacity']" 64 &&
        json_is "$dir/sweep/run-0004-1/report.json" "r['load']['arrival']" burst &&
        json_is "$dir/sweep/run-0004-1/report.json" "r['seed']" 5
}
check "each in a directory of its own, with its settings" runs

without() # the same loads without a span, to compare with
{
    sweep_is "[p['values'] for p in r['bases']]" "[[None, None, 'constant'], [None, None, 'burst']]" &&
        sweep_is "[p['figures']['started'] for p in r['bases']]" "[0.0, 0.0]" &&
        json_is "$dir/sweep/base-0002-1/report.json" "r['load']['arrival'], r['seed'], r['load']['requests'] > 100" "('burst', 5, True)"
}
check "each load is run without tracing, too" without

added() # 1,250 requests tell a p99
{
    expect_exit 0 "$tracerig" sweep $scenario --vary tracing.protocol=http/protobuf,grpc \
        --vary load.arrival=poisson,burst --set load.rate=5000 --set load.duration=250ms --set load.warmup=50ms --seed 5 \
        --set tracing.max_queue_size=32768 --out "$dir/added" --quiet || return 1
    says "2 loads without tracing, 8 runs each: 20 runs" && says "no difference detected. 8 measurements" &&
        json_is "$dir/added/sweep.json" "[len(b['noise']['p99_ns']) == 8 and b['noise']['band_ns'] == max(b['noise']['p99_ns']) - min(b['noise']['p99_ns']) > 0 for b in r['bases']]" \
            "[True, True]" &&
        json_is "$dir/added/sweep.json" "[(abs(p['figures']['added_p99_ns']) <= r['bases'][i % 2]['noise']['band_ns']) == ('undetected' in p) for i, p in enumerate(r['points'])]" \
            "[True, True, True, True]" &&
        json_is "$dir/added/sweep.json" "[p['figures']['added_p99_ns'] == p['figures']['request_p99_ns'] - r['bases'][i % 2]['figures']['request_p99_ns'] for i, p in enumerate(r['points'])]" \
        "[True, True, True, True]" &&
        json_is "$dir/added/sweep.json" "[p['figures']['export_requests'] > 0 == p['figures']['dropped'] for p in r['points']]" \
            "[True, True, True, True]" &&
        json_is "$dir/added/run-0003-1/report.json" "r['sdk'][0]['exported'] == r['collector']['accepted'] > 9000" True || return 1
    command -v gnuplot > /dev/null || return 0
    grep -q 'what tracing adds to the p99 of requests' "$dir/added/index.html" && [ -s "$dir/added/plots/heat-added_p99_ns-1.svg" ]
}
check "what tracing adds to the p99 is mapped, over HTTP and gRPC, steady and in bursts, with the noise below which it is none" added

drops()
{
    sweep_is "r['points'][1]['figures']['dropped'] > 0" True &&
        sweep_is "[p['figures']['dropped'] for p in r['points'][4:]]" "[0.0, 0.0, 0.0, 0.0]" &&
        sweep_is "all(p['figures']['dropped'] == sum(p['drops'].values()) for p in r['points'])" True
}
check "a queue too small for the burst drops, one large enough does not" drops

told() # each run in a line, with the reason where it did not pass
{
    expect_exit 0 "$tracerig" sweep $scenario --vary tracing.max_export_batch_size=16,64 $short --seed 5 --noise 1 \
        --set "expect.thresholds=['spans.started < 1']" --out "$dir/told" || return 1
    says ' tracing.enabled=false: no spans to judge' && says ' tracing.max_export_batch_size=16: fail: 1 failed: "spans.started < 1" (' &&
        says ' tracing.max_export_batch_size=64: fail: 1 failed: "spans.started < 1" ('
}
check "a threshold that a combination misses is told, and no failure of the sweep" told

files()
{
    [ "$(wc -l < "$dir/sweep/sweep.csv")" -eq 9 ] &&
        head -1 "$dir/sweep/sweep.csv" | grep -q '^tracing.max_queue_size,tracing.max_export_batch_size,load.arrival,runs,started,dropped,' &&
        grep -q 'href="run-0001-1/report.html"' "$dir/sweep/index.html" || return 1
    command -v gnuplot > /dev/null || return 0
    # four figures (300 requests tell no p99) at two arrivals
    [ "$(grep -c 'data:image/svg+xml;base64,' "$dir/sweep/index.html")" -eq 8 ] || { grep -o 'not drawn[^<]*' "$dir/sweep/index.html"; return 1; }
}
check "a table for programs, a page with heat maps for people" files

maps() # each point is a cell of a map, and what is not drawn is told
{
    maps="python3 harness/tests/heat_maps.py"
    expect_exit 0 $maps "$dir/sweep" dropped_share app_cpu_ns_per_span exporter_cpu_ns_per_span export_requests &&
        says "export_requests: 2 maps, 8 cells of 8 points" &&
        expect_exit 0 $maps "$dir/added" dropped_share added_p99_ns && says "added_p99_ns: 1 maps, 4 cells of 4 points" &&
        expect_exit 1 $maps "$dir/sweep" added_p99_ns && says "8 points have no added_p99_ns" || return 1
    mkdir "$dir/spoilt" && cp -r "$dir/sweep/sweep.json" "$dir/sweep/plots" "$dir/spoilt/" || return 1
    cd "$dir/spoilt/plots" && sed -i '0,/<polygon /s/<polygon /<path /' heat-dropped_share-2.svg && : > heat-app_cpu_ns_per_span-1.svg &&
        rm heat-export_requests-2.svg && cd "$top" || return 1
    expect_exit 1 $maps "$dir/spoilt" dropped_share && says "heat-dropped_share-2.svg has 3 cells, not 4" &&
        expect_exit 1 $maps "$dir/spoilt" app_cpu_ns_per_span && says "heat-app_cpu_ns_per_span-1.svg: no element found" &&
        expect_exit 1 $maps "$dir/spoilt" export_requests && says "No such file or directory"
}
if command -v gnuplot > /dev/null; then
    check "the maps hold as many cells as the sweep has points" maps
fi

again() # drawn again from sweep.json alone
{
    rm "$dir/sweep/index.html" "$dir/sweep/sweep.csv"
    expect_exit 0 "$tracerig" report "$dir/sweep" && says "max_queue_size" && files
}
check "... and drawn again" again

refused() # refused TEXT OPTION...
{
    text=$1
    shift
    expect_exit 2 "$tracerig" sweep $scenario --out "$dir/refused" "$@" && says "$text" &&
        [ ! -e "$dir/refused" ]
}
check "a path that does not exist is told before anything runs" \
    refused "--vary tracing.max_queue_sizes=1,2: no key 'max_queue_sizes' here (did you mean 'max_queue_size'?)" \
    --vary tracing.max_queue_sizes=1,2
check "a value that does not fit is told before anything runs" \
    refused "--vary load.rate=100,fast: rate: expected a number, found the text 'fast'" --vary load.rate=100,fast
check "a noise that is no number" refused "--noise: expected a whole number from 1 to 100" --noise 0 --vary load.rate=1,2
check "nothing to vary" refused "nothing to vary"
check "more than can be run" refused "--repeat: expected a whole number from 1 to 100" --repeat 101 --vary load.rate=1,2
check "the same value twice" refused "the same value" --vary load.rate=100,100
: > "$dir/file"
check "a directory that cannot be made is the environment's fault" expect_exit 3 "$tracerig" sweep $scenario \
    --vary load.rate=100,200 --out "$dir/file/below"

interrupted()
{
    # a shell starts what it does not wait for with SIGINT ignored
    env --default-signal=INT "$tracerig" sweep $scenario --vary load.rate=100,200 --set load.duration=60s --noise 1 \
        --out "$dir/interrupted" --quiet > "$dir/out" 2>&1 &
    runner=$!
    until [ -n "$(find "$dir/interrupted" -name tap.bin -size +1 2> /dev/null)" ]; do
        kill -0 $runner 2> /dev/null || { cat "$dir/out"; return 1; }
        sleep 0.1
    done
    kill -INT $runner
    wait $runner
    got=$?
    [ $got -eq 130 ] || { echo "exit $got"; cat "$dir/out"; return 1; }
    says "tracerig: interrupted in run 1 of 2: what was measured is kept" && nothing_left "$dir/interrupted" &&
        json_is "$dir/interrupted/sweep.json" "r['complete'], sum(len(p['runs']) for p in r['points'])" "(False, 1)"
}
check "Ctrl-C ends the run and the sweep, and says so" interrupted
check "a directory that holds a sweep is not written over" expect_exit 2 "$tracerig" sweep $scenario \
    --vary load.rate=100,200 --out "$dir/sweep"
done_testing
