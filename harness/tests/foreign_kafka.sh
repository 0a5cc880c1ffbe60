#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs without ledger that read and write topics: the relay carries the messages over, the referee judges each hop.
. "$(dirname "$0")/tap.sh"
cp "$(dirname "$tracerig")/plain-service" "$dir/plain-service" || exit 3
PATH=$dir:$PATH
export PATH

# Of each program: are all its hops whole, what is wrong with them, could none be judged?
verdicts='[(n, all(e["complete"] == e["calls"] > 5 for e in es), sorted(set(e.get("why", "") for e in es)), all(e.get("not_judged") == e["calls"] for e in es))
    for n in ("healthy", "drop", "silent", "alone", "keyed") for es in [[e for e in r["edges"] if e["from"].startswith(n)]]]'

broken()
{
    expect_exit 1 "$tracerig" run harness/tests/plain-topics-broken.yaml --quiet --out "$dir/broken" && none_runs "$dir/plain-service" &&
        json_is "$dir/broken/report.json" "$verdicts" \
            "[('healthy', True, [''], False), ('drop', False, ['an untraced service did not pass the context on'], False), ('silent', False, [''], True), ('alone', True, [''], False), ('keyed', True, [''], False)]"
}
check "one that drops it is named at both its edges; one that hides its request is not judged, alone or by a key it is" broken

faults()
{
    expect_exit 0 "$tracerig" run harness/tests/foreign-faults.yaml --quiet --out "$dir/faults" && none_runs "$dir/plain-service" &&
        json_is "$dir/faults/report.json" "[(e['to'], e['complete'] == e['calls'] > 20) for e in r['edges'] if e['from'].startswith('audit')]" \
            "[('rules POST /check', True), ('archive process order.audited', True)]" &&
        json_is "$dir/faults/report.json" "[s['requests'] == r['edges'][0]['calls'] for s in r['services'] if s['instance'] == 'audit-0' and s['incarnation']]" "[True]" &&
        json_is "$dir/faults/report.json" "sorted((e['what'], e['target']) for e in r['events'] if e['what'] not in ('rebalance', 'expelled'))" \
            "[('broker', 'broker'), ('broker', 'broker'), ('broker', 'broker'), ('continue', 'payment-0'), ('kill', 'audit-0'), ('restart', 'audit-0'), ('restart', 'payment-0'), ('slow', 'order-0'), ('slow', 'payment-0'), ('stop', 'payment-0')]" &&
        json_is "$dir/faults/report.json" "all('until_s' in e for e in r['events'] if e['what'] in ('kill', 'stop', 'restart', 'slow', 'broker'))" True &&
        json_is "$dir/faults/report.json" "[e['requests'] for e in r['events'] if 'NOT_ENOUGH_REPLICAS' in e['text']]" "[5]" &&
        json_is "$dir/faults/report.json" "[e['max_ns'] > 80e6 for e in r['edges'] if 'payment' in e['to']], r['edges'][0]['max_ns'] > 120e6" "([True], True)" &&
        json_is "$dir/faults/report.json" "sorted((s['instance'], s['incarnation'], s.get('killed', False)) for s in r['services'] if s.get('ledger'))" \
            "[('audit-0', 0, True), ('audit-0', 1, False), ('payment-0', 0, False), ('payment-0', 1, False)]" &&
        json_is "$dir/faults/report.json" "[s['version'] for s in r['services'] if s['instance'] == 'payment-0' and s['incarnation'] == 1]" "['2.0.0']"
}
check "a program between two topics is right, though it is killed, the broker fails and routes are slow" faults

ends()
{
    expect_exit 3 "$tracerig" run harness/tests/plain-topics.yaml --quiet --out "$dir/ends" --set services.audit.env.PLAIN_MODE=exit &&
        none_runs "$dir/plain-service" && says "harness/tests/plain-topics.yaml:9:14: audit-0 ended before it was ready (exit 7); its output ends: no licence found"
}
check "one that ends at once is named with its last words" ends

leaves() # what is in its topics is not waited for: half a minute, were it
{
    expect_exit 1 "$tracerig" run harness/tests/plain-topics.yaml --quiet --out "$dir/leaves" --set services.audit.env.PLAIN_MODE=leave --set load.duration=60s &&
        none_runs "$dir/plain-service" && json_is "$dir/leaves/report.json" \
        "(lambda texts: (texts[0].split(':')[0], [t for t in texts if 'still had work' in t], r['duration_s'] < 60))(
            [i['text'] for c in r['checks'] if c['id'] == 'processes' for i in c['evidence']])" "('audit-0 left (exit 0) during the run', [], True)"
}
check "one that leaves with messages in hand is named, and nothing is waited for" leaves

refused() # refused TEXT OPTION...
{
    text=$1
    shift
    expect_exit 2 "$tracerig" validate harness/tests/plain-topics.yaml "$@" && says "$text"
}
check "a bound on messages in hand of several replicas is refused" refused "max_in_flight counts for each replica" \
    --set services.audit.max_in_flight=1 --set services.audit.replicas=2
check "an unknown topic behind a command names the nearest" refused "did you mean 'order.created'?" \
    --set 'services.audit.consumers={order.craeted: {}}'

fault() # fault TEXT FAULT: refused at its place
{
    expect_exit 2 "$tracerig" validate harness/tests/foreign-faults.yaml --set "faults=[$1]" && says "--set faults=" && says "$2"
}
check "a setting of a running program is refused" fault '{at: 1s, do: set, service: payment, set: {env.PLAIN_MODE: drop}}' "'do: restart' with 'set: {env.NAME: TEXT}'"
check "a slow route that nobody serves names the nearest" fault '{at: 1s, do: slow, service: payment, route: POST /chrage, delay: 1s}' "did you mean 'POST /charge'?"
check "a slow route without a delay is refused" fault '{at: 1s, do: slow, service: payment, route: POST /charge}' "'do: slow' needs 'delay'"
check "a broker that is down for ever is refused" fault '{at: 1s, do: broker, fault: down}' "'fault: down' needs 'for'"
check "the collector's faults are not the broker's" fault '{at: 1s, do: broker, fault: refuse, for: 1s}' "did you mean 'down'?"
check "a broker's error that there is not names the nearest" fault '{at: 1s, do: broker, fault: error, request: produce, error: NOT_COORDINATR}' "did you mean 'NOT_COORDINATOR'?"
check "an error of no kind of request is refused" fault '{at: 1s, do: broker, fault: error, error: DISCONNECT}' "'fault: error' needs 'request'"
check "a figure that is not known of a program is refused" fault "{when: committed(audit-0) > 5, do: kill, service: audit}" "'handled' and 'in_hand' are known"
check "restarting the embedded broker is refused, with what there is instead" fault '{at: 1s, do: restart, service: broker}' "fault: down is an outage"
elsewhere()
{
    expect_exit 2 "$tracerig" validate harness/tests/foreign-faults.yaml --set broker=127.0.0.1:9092 && says "was not started by the runner" && says "foreign-faults.yaml:27:21"
}
check "a broker that is not ours cannot be disturbed" elsewhere
done_testing
