#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The services' log lines carry the ids of the spans that they were written in: each is joined with
# ledger and tap by logs.py. A service that logs under stale ids is caught.
. "$(dirname "$0")/tap.sh"

run() # run NAME WANTED-EXIT OPTION...
{
    name=$1 want=$2
    shift 2
    expect_exit "$want" "$tracerig" run harness/tests/players.yaml --seed 7 --quiet --out "$dir/$name" \
        --set load.duration=1s \
        --set 'services.payment.routes.POST /charge.steps.1={exception: {type: Timeout, message: no answer, probability: 0.3, pass_on: false}}' \
        --set 'expect.spans_per_request_min=4' "$@"
}

joined() # joined NAME WANTED-EXIT KIND...: each kind is there; $dir/joined says how often
{
    name=$1 want=$2
    shift 2
    expect_exit "$want" python3 harness/tests/logs.py "$dir/$name" || return 1
    for kind in "$@"; do
        grep -q "\"$kind\": " "$dir/out" || { echo "no line is '$kind'"; cat "$dir/out"; return 1; }
    done
}

# report.json counts the same lines as logs.py, kind by kind.
reported() # reported NAME
{
    python3 - "$dir/$1" "$dir/out" << 'EOF' || return 1
import json, sys
counted = json.loads(open(sys.argv[2]).readline())
said = json.load(open(sys.argv[1] + "/report.json"))["logs"]
names = {"received": "received", "not sampled": "not_sampled", "dropped": "not_received",
         "untraced": "untraced", "unknown": "unknown"}
wanted = {name: counted.get(kind, 0) for kind, name in names.items()}
wanted["lines"] = sum(wanted.values())
if said != wanted:
    sys.exit("report.json says %s, the lines are %s" % (said, wanted))
EOF
}

healthy()
{
    run healthy 0 --set load.incoming.sampled=0.5 --set load.incoming.not_sampled=0.5 &&
        joined healthy 0 received "not sampled" && reported healthy
}
check "each line joins to a received span, or says that it is not sampled" healthy

untraced()
{
    run untraced 0 --set 'services.payment.routes.POST /charge.span=false' \
        --set 'services.payment.routes.POST /charge.steps.0={work: 1us}' && joined untraced 0 untraced
}
check "where there is no span there are no ids" untraced

without()
{
    run without 0 --set services.payment.tracing.enabled=false && joined without 0 received
}
check "a service without SDK logs under its caller's ids" without

dropped()
{
    run dropped 0 --set services.payment.tracing.max_queue_size=1 --set services.payment.tracing.max_export_batch_size=1 \
        --set load.rate=1000
    joined dropped 0 dropped && reported dropped
}
check "a line of a dropped span is joined to the drop record" dropped

stale()
{
    run stale 0 --set services.payment.broken.stale_log_ids=true &&
        joined stale 1 unknown && reported stale && says "payment-0.log" && says "ids of request "
}
check "a service that logs under the ids of the request before is caught" stale

lost() # one line without its ids, one with a digit changed
{
    sed -i '0,/,"trace_id":.*"trace_flags":"01"/s///' "$dir/healthy/logs/payment-0.log" &&
        joined healthy 1 untraced && says "without ids" &&
        sed -i '0,/"span_id":"./s//"span_id":"x/' "$dir/healthy/logs/payment-0.log" &&
        joined healthy 1 unknown && says "ids that no span of payment-0 has"
}
check "so are a line without ids and one with an unknown id" lost
done_testing
