#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same seed gives the same plan, the same request sequence and the same injected failures.
. "$(dirname "$0")/tap.sh"
dump=$top/build/${MODE:-release}/bin/ledger-dump

run()
{
    expect_exit 0 "$tracerig" run scenarios/checkout.yaml --seed "$2" --set load.warmup=0s --set load.duration=2s \
        --set load.rate=100 --set load.incoming.sampled=0.3 --set load.incoming.malformed=0.1 --quiet --out "$dir/$1" \
        --set load.timeout=60s &&
        "$dump" "$dir/$1" > "$dir/$1.rows" && sort -u "$dir/$1.rows" > "$dir/$1.lines"
}
check "first run" run a 7
check "second run with the same seed" run b 7
check "third run with another seed" run c 8

same_plan() { cmp "$dir/a/scenario.yaml" "$dir/b/scenario.yaml"; }
check "the resolved scenario is the same" same_plan

# each request: intended instant, headers (traceparent, baggage), how it ended
whole()
{
    [ "$(grep -c '^load [0-9]* +[0-9]*ns .* status [0-9]' "$dir/a.lines")" -gt 100 ] &&
        grep -q "^load .* '00-[0-9a-f-]*' outcome" "$dir/a.lines" && grep -q "^load .* '' outcome" "$dir/a.lines" &&
        grep -q "^baggage .* set 'tenant.id' '" "$dir/a.lines"
}
check "the ledger holds requests with and without context, and baggage" whole
same_requests() { diff "$dir/a.lines" "$dir/b.lines"; }
check "the same instants, headers, baggage and outcomes, request by request" same_requests

facts() # how many calls there were on each edge, and which failed
{
    python3 - "$dir/$1" <<'PY'
import json, sys
r = json.load(open(sys.argv[1] + "/report.json"))
print(r["load"]["requests"], sorted(r["load"]["errors"].items()), r["spans"]["started"],
      [(e["from"], e["to"], e["calls"], e["errors"]) for e in r["edges"]])
PY
}
same_calls() { facts a > "$dir/fa" && facts b > "$dir/fb" && cmp "$dir/fa" "$dir/fb" || { cat "$dir/fa" "$dir/fb"; return 1; }; }
check "the same calls and injected failures" same_calls

other_requests() # every request is intended for another instant, and other values are drawn
{
    sed -n 's/^load \([0-9]* +[1-9][0-9]*ns\) .*/\1/p' "$dir/a.lines" | sort > "$dir/ia"
    sed -n 's/^load \([0-9]* +[1-9][0-9]*ns\) .*/\1/p' "$dir/c.lines" | sort > "$dir/ic"
    [ "$(comm -12 "$dir/ia" "$dir/ic" | wc -l)" -lt 5 ] || { comm -12 "$dir/ia" "$dir/ic"; return 1; }
    grep '^baggage .* set' "$dir/a.lines" > "$dir/ba"
    grep '^baggage .* set' "$dir/c.lines" > "$dir/bc"
    ! cmp -s "$dir/ba" "$dir/bc"
}
check "another seed gives others" other_requests
done_testing
