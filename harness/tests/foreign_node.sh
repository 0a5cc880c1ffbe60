#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Services on the official SDK for JavaScript in the place of ours, over HTTP and between topics: correct, then with their
# propagation broken. Their packages come by npm ci, into build/; without them this is skipped.
. "$(dirname "$0")/tap.sh"
scenario=scenarios/foreign/foreign-payment.yaml

. harness/foreign/npm.sh
why=$(why_not node-payment)
[ -n "$why" ] || why=$(why_not node-receipts)
if [ -n "$why" ]; then
    echo "ok 1 - a Node.js service on the official SDK # SKIP $why"
    echo "1..1"
    exit 0
fi
NODE_PATH=$top/build/node-payment/node_modules
export NODE_PATH

node_run() # node_run NAME STATUS OPTION...; however long the interpreter takes to start, and to answer
{
    name=$1 want=$2
    shift 2
    expect_exit "$want" "$tracerig" run $scenario --set load.duration=2s --set load.timeout=60s --set services.payment.start_timeout=120s \
        --quiet --out "$dir/$name" "$@"
}

broken_is() { json_is "$dir/$1/report.json" "[e['from'] + ' -> ' + e['to'] + ': ' + e['why'] for e in r['edges'] if e['broken']]" "$2"; }

correct()
{
    node_run correct 0 &&
        json_is "$dir/correct/report.json" "[e['complete'] == e['calls'] > 50 for e in r['edges']]" "[True, True, True, True]" &&
        json_is "$dir/correct/report.json" "r['spans']['foreign'] >= 3 * r['load']['requests'] > 150" True &&
        json_is "$dir/correct/report.json" "r['spans']['unexpected'], r['spans']['started'] == r['spans']['accounted']" "(0, True)"
}
check "every hop to and from it is complete; its spans are counted apart" correct

inject()
{
    node_run inject 1 --set services.payment.env.PAYMENT_BREAK=inject &&
        broken_is inject "['payment POST /charge -> acquirer POST /authorize: sent without context']"
}
check "without inject the edge behind it is named, and no other" inject

extract()
{
    node_run extract 1 --set services.payment.env.PAYMENT_BREAK=extract &&
        broken_is extract "['order POST /orders -> payment POST /charge: received, but the callee began a trace of its own']"
}
check "without extract the edge before it is named, and no other" extract

silent()
{
    node_run silent 4 --set services.payment.env.PAYMENT_BREAK=silent &&
        json_is "$dir/silent/report.json" "[c['id'] for c in r['checks'] + r['expectations'] if c['verdict'] != 'pass']" "['propagation', 'baggage']"
}
check "without tracerig-request its calls cannot be judged" silent

nowhere="--set services.payment.env.OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 --set services.payment.env.OTEL_EXPORTER_OTLP_TIMEOUT=1000"
lost()
{
    # shellcheck disable=SC2086
    node_run lost 4 $nowhere &&
        json_is "$dir/lost/report.json" "[c['id'] for c in r['checks'] + r['expectations'] if c['verdict'] != 'pass']" "['propagation', 'traces', 'required.2', 'required.3']" &&
        node_run excused 0 $nowhere --set expect.allow_unknown=true --set expect.required=[]
}
check "spans that it loses cannot be judged, which a scenario may allow" lost

sampled()
{
    node_run sampled 0 --set services.gateway.tracing.sampler=parentbased_traceidratio --set services.gateway.tracing.sampler_arg=0.3 &&
        json_is "$dir/sampled/report.json" "0 < r['traces']['not_sampled'] and 0 < r['traces']['complete'] == r['traces']['expected']" True
}
check "it follows its parent's sampling decision" sampled

# ---- between two topics: one that is right and two that are not, each in a group of its own ---------

between()
{
    mkdir "$dir/copy" && copy=$dir/copy/foreign-receipts.yaml # the name is for ci/scenario-table
    one=$(sed -n '/^  receipts:/,/^$/p' scenarios/foreign/foreign-receipts.yaml)
    sed '/^  mail:/,$d' scenarios/foreign/foreign-receipts.yaml > "$copy"
    for fault in inject extract; do
        printf '%s\n\n' "$one" | sed "s/^  receipts:/  $fault:/; s/RECEIPTS_BREAK: \"\"/RECEIPTS_BREAK: $fault/" >> "$copy"
    done
    sed -n '/^  mail:/,/^load:/p' scenarios/foreign/foreign-receipts.yaml >> "$copy"
    NODE_PATH=$top/build/node-receipts/node_modules expect_exit 1 "$tracerig" run "$copy" --set load.duration=1s --set load.timeout=60s --quiet --out "$dir/between" &&
        json_is "$dir/between/report.json" "[(e['from'].split()[0], e['to'].split()[0], e['why']) for e in r['edges'] if e['broken']]" \
            "[('order', 'extract', 'received, but the callee began a trace of its own'), ('inject', 'mail', 'sent without context')]" &&
        json_is "$dir/between/report.json" "[e['complete'] == e['calls'] > 10 for e in r['edges'] if 'receipts' in e['from'] + e['to']]" "[True, True]" &&
        json_is "$dir/between/report.json" "r['spans']['foreign'] >= 6 * r['load']['requests'], r['spans']['started'] == r['spans']['accounted'], r['spans']['unexpected']" "(True, True, 0)"
}
check "between two topics the right one is right, and each broken one is named at the edge it breaks" between
done_testing
