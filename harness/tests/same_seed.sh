#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same seed gives the same plan, the same request sequence and the same injected failures.
. "$(dirname "$0")/tap.sh"

run()
{
    expect_exit 0 "$tracerig" run scenarios/checkout.yaml --seed "$2" --set load.warmup=0s --set load.duration=2s \
        --set load.rate=100 --quiet --out "$dir/$1"
}
check "first run" run a 7
check "second run with the same seed" run b 7
check "third run with another seed" run c 8

same_plan() { cmp "$dir/a/scenario.yaml" "$dir/b/scenario.yaml"; }
check "the resolved scenario is the same" same_plan

facts() # the sequence of requests and which of them failed, without times
{
    python3 - "$dir/$1" <<'PY'
import json, sys
r = json.load(open(sys.argv[1] + "/report.json"))
print(r["load"]["requests"], sorted(r["load"]["errors"].items()), r["spans"]["started"],
      [(e["from"], e["to"], e["calls"], e["errors"]) for e in r["edges"]])
PY
}
same_requests() { facts a > "$dir/fa" && facts b > "$dir/fb" && cmp "$dir/fa" "$dir/fb" || { cat "$dir/fa" "$dir/fb"; return 1; }; }
check "the same requests, calls and injected failures" same_requests

other_requests() { facts c > "$dir/fc" && ! cmp -s "$dir/fa" "$dir/fc"; }
check "another seed gives others" other_requests
done_testing
