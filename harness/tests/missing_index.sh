#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The missing index and its planted mistakes, all at once and cut short: a tenth of the waits, a sixteenth of the rows, and a
# replica for each slow statement, so that none waits for another however busy the machine is.
. "$(dirname "$0")/tap.sh"

sql='billing SELECT id, (SELECT sum(cents) FROM payments WHERE invoice = invoices.id) FROM invoices WHERE customer = ?'

# The shipped thresholds, scaled as the run is: 190 ms of waits are 18, and the 2 s of a statement over a sixteenth of the rows 125 ms on
# a core of its own, 60 where that is twice as fast. Both are bounds from below, which a busy machine does not break. What it does
# break is the one from above (typical < 500ms): that one, and all five as they stand, are judged by ci/scenario-set, which runs
# the file as it is; that takes 40 s and a quiet machine.
thresholds=$(sed -n 's/^    - \(critical_path\.\)/\1/p' scenarios/missing-index.yaml |
    sed 's/>= 190ms$/>= 18ms/; s/slow.p50_ns > 1s$/slow.p50_ns > 60ms/; /typical.p50_ns < 500ms$/d' | paste -sd, -)

run() # run NAME OPTION...
{
    name=$1
    shift
    begin "$name" scenarios/missing-index.yaml --set load.duration=9s --set faults.0.at=4s --set load.rate=2 \
        --set 'services.billing.database.5=WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
            INSERT INTO payments SELECT i, 1 + i % 4000, i % 10000 FROM n' --set services.billing.replicas=10 \
        --set 'services.shop.routes.GET /account.steps.0.wait=8ms' --set 'services.shop.routes.GET /account.steps.2.wait=4ms' \
        --set 'services.billing.routes.GET /invoices.steps.1.wait=6ms' \
        --set "expect.thresholds=[$thresholds]" "$@"
}
run whole &
run unused --set 'faults.0.statement=DROP INDEX invoices_by_day' &
run blind --set services.billing.tracing.enabled=false &
wait

whole()
{
    # claims on time are inconclusive (4) on a machine that others use
    [ "$(cat "$dir/whole.status")" -eq 4 ] || exited whole 0 || return 1
    json_is "$dir/whole/report.json" \
        "[c['id'] for c in r['expectations'] + r['checks'] if c['verdict'] == 'fail' or c['verdict'] != 'pass' and not c['id'].startswith('threshold')], r['critical_path']['service'] + ' ' + r['critical_path']['statement']" "([], '$sql')" &&
        json_is "$dir/whole/report.json" \
            "r['critical_path']['typical']['count'] + r['critical_path']['slow']['count'] == r['load']['requests']" True &&
        json_is "$dir/whole/report.json" \
            "{sum(p['end_ns'] - p['start_ns'] for p in t['pieces']) - t['duration_ns'] for t in r['critical_path']['paths']}" \
            "{0}" &&
        json_is "$dir/whole/report.json" "[e['text'].replace('critical_path.', '') for e in r['expectations'] if 'critical_path.' in e['text'] and e['observed'][:3] != 'not']" \
            "['ratio > 3', 'typical.p50_ns >= 18ms', 'slow.p50_ns > 60ms', 'named_after_symptom_s < 60s']" &&
        json_is "$dir/whole/report.json" \
            "all(t['unexplained_ns'] > 0 and any('gap' in p for p in t['path']) for t in r['exemplar_traces'])" True &&
        grep -q 'What makes slow traces slow' "$dir/whole/report.html" &&
        "$tracerig" report "$dir/whole" --format text | grep -q 'slow for .*SELECT sum(cents)'
}
# A statement that takes a second, eight times what it needs, is one that waited for the CPU: others then take as long.
check "an index is dropped: the critical path names the statement, piece by piece" undisturbed 1000 whole whole

planted() # planted NAME EXPRESSION: the claim fails, and what was observed is true of it
{
    exited "$1" 1 && json_is "$dir/$1/report.json" \
        "[(c['id'], (lambda seen: $2)(c['observed'])) for c in r['checks'] + r['expectations'] if c['verdict'] == 'fail']" \
        "[('critical_path', True)]"
}
# Where others use the machine five traces may be slow all the same, by 40 ms: for whatever reason, not for that statement.
check "... one that the statement does not use: nothing is slow, and the claim says so" planted unused \
    "'nothing to compare' in seen or r['critical_path']['slow']['count'] >= 5 and not seen.startswith('$sql')"
check "... the statement's span is missing: a gap is named, no statement" undisturbed 1000 blind planted blind "'(a gap): ' in seen"
done_testing
