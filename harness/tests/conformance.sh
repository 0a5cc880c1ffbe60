#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each conformance scenario holds, and fails for the stated reason when its mistake is planted.
. "$(dirname "$0")/tap.sh"

run() # run NAME SCENARIO WANTED-EXIT OPTION...
{
    name=$1 scenario=$2 want=$3
    shift 3
    rm -rf "${dir:?}/$name"
    expect_exit "$want" "$tracerig" run "scenarios/$scenario.yaml" --quiet --out "$dir/$name" --set load.duration=2s "$@"
}

holds() { run "$1" "$1" 0 && json_is "$dir/$1/report.json" "r['spans']['lost_unexplained']" 0; }

# failed NAME: what did not pass, sorted
failed() { json "$dir/$1/report.json" "' '.join(sorted(c['id'] for c in r['checks'] + r['expectations'] if c['verdict'] == 'fail'))"; }

caught() # caught NAME WANTED: these and no others failed
{
    found=$(failed "$1")
    [ "$found" = "$2" ] && return 0
    echo "failed: $found, expected: $2"
    json "$dir/$1/report.json" "[(c['id'], c['observed'], c.get('evidence', [])[:2]) for c in r['checks'] + r['expectations'] if c['verdict'] == 'fail']"
    return 1
}

evidence() # evidence NAME CHECK TEXT
{
    json "$dir/$1/report.json" "[e for c in r['checks'] if c['id'] == '$2' for e in c['evidence']]" | grep -qF -- "$3" ||
        { echo "no evidence of $2 says: $3"; json "$dir/$1/report.json" "[c for c in r['checks'] if c['id'] == '$2']"; return 1; }
}

for s in baggage mixed-incoming health-endpoints; do
    check "$s holds what it claims" holds $s
done

lost_at_kafka()
{
    run kafka baggage 1 --set 'services.order.broken={drop_context: publish order.created}' &&
        caught kafka "baggage propagation required.3" && evidence kafka baggage "is not there" &&
        evidence kafka baggage "'service': 'fulfilment"
}
check "baggage: a producer that forgets the headers is named by the last reader" lost_at_kafka

members() # members N: a scenario in which the gateway sets N members
{
    python3 - "$1" "$dir/members.yaml" <<'PY'
import sys
n, text = int(sys.argv[1]), open("scenarios/baggage.yaml").read()
first, rest = text.split("          - set_baggage:\n              tenant.id", 1)
rest = rest.split("          - call: order POST /orders\n", 1)[1]
names = ["member.%d" % i for i in range(n)]
chunks = [names[i:i + 60] for i in range(0, n, 60)]
sets = "".join("          - set_baggage: {%s}\n" % ", ".join('%s: "värde %d"' % (m, i) for i, m in enumerate(c)) for c in chunks)
text = first + sets + "          - call: order POST /orders\n" + rest
for old in ("[tenant.id, feature.flags, note, empty]", "[tenant.id, note, order.channel]",
            "[tenant.id, feature.flags, note, empty, order.channel]"):
    text = text.replace("read_baggage: " + old, "read_baggage: [member.0, member.%d]" % (n - 1))
text = text.replace('          - set_baggage: {order.channel: "web, app"}\n', "").replace(">= 5000", ">= 1")
open(sys.argv[2], "w").write(text)
PY
}
limits()
{
    members 64 && expect_exit 0 "$tracerig" run "$dir/members.yaml" --quiet --out "$dir/m64" --set load.duration=1s &&
        members 65 && expect_exit 1 "$tracerig" run "$dir/members.yaml" --quiet --out "$dir/m65" --set load.duration=1s &&
        caught m65 baggage && evidence m65 baggage "member.64 was set to 'värde 4' and is not there"
}
check "baggage: 64 members arrive whole, the 65th is left out and named" limits

not_honoured()
{
    run always mixed-incoming 1 --set tracing.sampler=always_on && caught always threshold.1 &&
        json_is "$dir/always/report.json" "[e['observed'] for e in r['expectations'] if e['id'] == 'threshold.1']" "['0']"
}
check "mixed-incoming: a fleet that ignores the flag 'not sampled' misses its threshold" not_honoured

trusting()
{
    run trusting mixed-incoming 1 --set services.gateway.broken.trust_malformed=true &&
        failed trusting | grep -q traces && evidence trusting traces "does not lead up to the root"
}
check "mixed-incoming: a service that trusts malformed headers leaves orphans" trusting

hidden()
{
    run hidden health-endpoints 1 --set 'services.plans.routes.GET /health-plans.span=false' &&
        failed hidden | grep -q threshold.1 && failed hidden | grep -q required.1
}
check "health-endpoints: a prefix that also hides /health-plans is caught" hidden

traced()
{
    run traced health-endpoints 1 --set 'services.plans.routes.GET /health.span=true' && caught traced threshold.1 &&
        json_is "$dir/traced/report.json" "r['spans']['per_request']" 9.0
}
check "health-endpoints: a health endpoint that is traced is caught" traced
done_testing
