#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# overhead: in a scenario, with few short slices: what it measures, and what every report says.
. "$(dirname "$0")/tap.sh"

short="--set overhead.blocks=6 --set overhead.slice=60ms --set overhead.warmup=20ms --set load.duration=300ms --set load.warmup=50ms"

measured()
{
    expect_exit 0 "$tracerig" run scenarios/overhead.yaml --seed 3 --out "$dir/cost" $short --set 'overhead.arms=[api, batch]' &&
        json_is "$dir/cost/report.json" "sorted(set((a['arm'], a['load']) for a in r['overhead']['arms']))" \
            "[('api', 'held'), ('api', 'saturation'), ('batch', 'held'), ('batch', 'saturation'), ('none', 'held'), ('none', 'saturation'), ('none_again', 'held'), ('none_again', 'saturation')]" &&
        json_is "$dir/cost/report.json" "[a['spans_per_request'] for a in r['overhead']['arms'] if a['arm'] == 'batch']" "[4.0, 4.0]" &&
        json_is "$dir/cost/report.json" "any(x['detected'] for x in r['overhead']['rows'] if x['arm'] == 'none_again')" False &&
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

check "an unknown arm is told with its place" sh -c "
    '$tracerig' validate scenarios/overhead.yaml --set 'overhead.arms=[batches]' > '$dir/out' 2>&1; [ \$? -eq 2 ] && grep -q \"did you mean 'batch'\" '$dir/out'"
check "too few blocks are refused" sh -c "
    '$tracerig' validate scenarios/overhead.yaml --set overhead.blocks=2 > '$dir/out' 2>&1; [ \$? -eq 2 ] && grep -q 'blocks' '$dir/out'"
done_testing
