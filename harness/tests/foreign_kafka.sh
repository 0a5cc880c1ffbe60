#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs without ledger that read and write topics: the relay carries the messages over, the referee judges each hop.
. "$(dirname "$0")/tap.sh"
cp "$(dirname "$tracerig")/plain-service" "$dir/plain-service" || exit 3
PATH=$dir:$PATH
export PATH

none_left()
{
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        left=$(for p in /proc/[0-9]*; do
            [ "$(readlink "$p/exe" 2> /dev/null)" != "$dir/plain-service" ] || echo "$p"
        done)
        [ -n "$left" ] || return 0
        sleep 0.2
    done
    echo "left running: $left"
    return 1
}

healthy()
{
    expect_exit 0 "$tracerig" run harness/tests/plain-topics.yaml --quiet --out "$dir/healthy" && none_left &&
        json_is "$dir/healthy/report.json" "[(e['to'], e['complete'] == e['calls'] > 20) for e in r['edges'] if e['from'].startswith('audit')]" \
            "[('rules POST /check', True), ('archive process order.audited', True)]" &&
        json_is "$dir/healthy/report.json" "[s['requests'] == r['edges'][0]['calls'] for s in r['services'] if s['name'] == 'audit']" "[True]"
}
check "a program between two topics that hands the context on is right, its offsets end its entries" healthy

# Of each program: are all its hops whole, what is wrong with them, could none be judged?
verdicts='[(n, all(e["complete"] == e["calls"] > 5 for e in es), sorted(set(e.get("why", "") for e in es)), all(e.get("not_judged") == e["calls"] for e in es))
    for n in ("healthy", "drop", "silent", "alone", "keyed") for es in [[e for e in r["edges"] if e["from"].startswith(n)]]]'

broken()
{
    expect_exit 1 "$tracerig" run harness/tests/plain-topics-broken.yaml --quiet --out "$dir/broken" && none_left &&
        json_is "$dir/broken/report.json" "$verdicts" \
            "[('healthy', True, [''], False), ('drop', False, ['an untraced service did not pass the context on'], False), ('silent', False, [''], True), ('alone', True, [''], False), ('keyed', True, [''], False)]"
}
check "one that drops it is named at both its edges; one that hides its request is not judged, alone or by a key it is" broken

ends()
{
    expect_exit 3 "$tracerig" run harness/tests/plain-topics.yaml --quiet --out "$dir/ends" --set services.audit.env.PLAIN_MODE=exit &&
        none_left && says "harness/tests/plain-topics.yaml:9:14: audit-0 ended before it was ready (exit 7); its output ends: no licence found"
}
check "one that ends at once is named with its last words" ends

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
done_testing
