#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# overhead: in a scenario, with few short slices: what it measures, and what every report says.
. "$(dirname "$0")/tap.sh"

# Six blocks can show a difference; a slice may lose its figures on a machine that others use. Those without tracing have no
# exporter thread: that one costs something is a difference whatever the machine does. A request that failed would spoil its arm.
short="--set overhead.instructions=false --set overhead.blocks=8 --set overhead.slice=100ms --set overhead.warmup=20ms --set load.duration=300ms --set load.warmup=50ms
    --set load.timeout=60s"

measured()
{
    expect_exit 0 "$tracerig" run scenarios/overhead.yaml --seed 3 --out "$dir/cost" $short --set 'overhead.arms=[api, batch]' \
        --set "expect.thresholds=['overhead.arms[batch held].dropped == 0']" &&
        json_is "$dir/cost/report.json" "sorted(set((a['arm'], a['load']) for a in r['overhead']['arms']))" \
            "[('api', 'held'), ('api', 'saturation'), ('batch', 'held'), ('batch', 'saturation'), ('none', 'held'), ('none', 'saturation'), ('none_again', 'held'), ('none_again', 'saturation')]" &&
        json_is "$dir/cost/report.json" "[a['spans_per_request'] for a in r['overhead']['arms'] if a['arm'] == 'batch']" "[4.0, 4.0]" &&
        json_is "$dir/cost/report.json" "[x['name'] for x in r['overhead']['rows'] for a in r['overhead']['rows'] if a['arm'] == 'none_again' and (a['figure'], a['load']) == (x['figure'], x['load']) and x['detected'] and abs(x['difference']) <= max(abs(a['low']), abs(a['high']))]" "[]" &&
        json_is "$dir/cost/report.json" "r['overhead']['ledger_ns_per_span'] > 0" True
}
check "every arm is measured at both loads, the base twice" measured

exporter()
{
    json_is "$dir/cost/report.json" "[x['detected'] and x['difference'] > 0 for x in r['overhead']['rows'] if x['name'] == 'batch exporter_cpu_ns_per_request held']" "[True]" &&
        json_is "$dir/cost/report.json" "[x for x in r['overhead']['rows'] if x['name'].startswith('api exporter')]" "[]"
}
check "the exporter's thread is told apart from the application's" exporter

reports()
{
    says "overhead at saturation: application thread's CPU a request" && says "the harness's own ledger" &&
        grep -q 'What tracing adds' "$dir/cost/report.html" && grep -q '<circle' "$dir/cost/report.html" &&
        grep -q '## What tracing costs' "$dir/cost/summary.md" && [ ! -e "$dir/cost/overhead" ]
}
check "every report has it, and the slices leave nothing" reports

threshold()
{
    expect_exit 1 "$tracerig" run scenarios/overhead.yaml --seed 3 --quiet --out "$dir/limit" $short --set 'overhead.arms=[batch]' --set overhead.saturation_rate=0 \
        --set "expect.thresholds=['overhead.rows[batch exporter_cpu_ns_per_request held].difference < 1']" &&
        json_is "$dir/limit/report.json" "[e['verdict'] for e in r['expectations']]" "['fail']"
}
check "a threshold may name a row" threshold

collectors()
{
    expect_exit 0 "$tracerig" run scenarios/overhead.yaml --seed 3 --out "$dir/collectors" $short --set 'overhead.arms=[batch, batch_slow, batch_down]' \
        --set overhead.saturation_rate=0 --set overhead.instructions=true --set expect.thresholds=[] &&
        json_is "$dir/collectors/report.json" "[(a['arm'], 'disqualified' in a, a['blocks'], a['drops'].get('export_failed', 0) > 0) for a in r['overhead']['arms'] if a['arm'].startswith('batch_')]" \
            "[('batch_slow', False, 8.0, False), ('batch_down', True, 1.0, True)]" &&
        says "not compared at the held rate: batch, collector down, it dropped" && says "(export_failed" &&
        json_is "$dir/collectors/report.json" "sorted(set(x['arm'] for x in r['overhead']['rows']))" "['batch', 'batch_slow', 'none_again']"
}
check "a late collector is an arm, a refusing one drops and is not compared" collectors

figures() # every percentage says of what, and at which load; memory, bytes a span and both threads are there
{
    json_is "$dir/cost/report.json" "[x['name'] for x in r['overhead']['rows'] if '%' in x['text'] and not ('without tracing at' in x['text'] and x['text'].split('; contains what sleeping')[0].endswith('requests/s'))]" "[]" &&
        json_is "$dir/cost/report.json" "[a['name'] for a in r['overhead']['arms'] if a['arm'] == 'batch' and not (a['bytes_per_span'] > 50 and a['rss_anon_bytes'] > 0 and a['rss_mapped_bytes'] > a['rss_ledger_bytes'] > 0 and a['rss_peak_bytes'] > a['rss_anon_bytes'] and a['app_cpu_ns_per_request'] > 0 and a['exporter_cpu_ns_per_request'] > 0)]" "[]" &&
        json_is "$dir/cost/report.json" "sorted(set(x['figure'] for x in r['overhead']['rows']) & {'app_cpu_ns_per_request', 'exporter_cpu_ns_per_request', 'rate', 'rss_anon_bytes', 'rss_mapped_bytes', 'rss_peak_bytes'})" \
            "['app_cpu_ns_per_request', 'exporter_cpu_ns_per_request', 'rate', 'rss_anon_bytes', 'rss_mapped_bytes']"
}
check "figures name base and load; bytes, memory and threads are told" figures

instructions()
{
    json_is "$dir/collectors/report.json" "[(i['name'], i['detected']) for i in r['overhead']['instructions']]" "[('none', False), ('none_again', False), ('batch', True)]" &&
        says "instructions a request, application's thread (callgrind)" && grep -q '<h3>Instructions</h3>' "$dir/collectors/report.html" &&
        expect_exit 3 env PATH=/nowhere "$tracerig" run scenarios/overhead.yaml --quiet --out "$dir/without" $short --set overhead.saturation_rate=0 \
            --set 'overhead.arms=[api]' --set overhead.instructions=true && says "needs valgrind"
}
check "instructions a request are counted, or it is said what is missing" instructions

interrupted() # while the arms are measured
{
    # a shell starts what it does not wait for with SIGINT ignored
    env --default-signal=INT "$tracerig" run scenarios/overhead.yaml --quiet --out "$dir/cut" $short > "$dir/out" 2>&1 &
    runner=$!
    until [ -e "$dir/cut/overhead" ]; do
        kill -0 $runner 2> /dev/null || { cat "$dir/out"; return 1; }
        sleep 0.1
    done
    kill -INT $runner
    wait $runner
    got=$?
    [ $got -eq 130 ] || { echo "exit $got"; cat "$dir/out"; return 1; }
    expect_exit 130 "$tracerig" verify "$dir/cut" && says "verdict: none: The run was interrupted"
}
check "interrupted meanwhile it has no verdict, and none when it is judged again" interrupted
check "an arm with a cost needs one" sh -c "
    '$tracerig' validate scenarios/overhead.yaml --set 'overhead.arms=[injected]' > '$dir/out' 2>&1; [ \$? -eq 2 ] && grep -q 'needs overhead.inject' '$dir/out'"
check "an unknown arm is told with its place" sh -c "
    '$tracerig' validate scenarios/overhead.yaml --set 'overhead.arms=[batches]' > '$dir/out' 2>&1; [ \$? -eq 2 ] && grep -q \"did you mean 'batch'\" '$dir/out'"
check "too few blocks are refused" sh -c "
    '$tracerig' validate scenarios/overhead.yaml --set overhead.blocks=2 > '$dir/out' 2>&1; [ \$? -eq 2 ] && grep -q 'blocks' '$dir/out'"
done_testing
