#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Thresholds, from the scenario file to the report.
. "$(dirname "$0")/tap.sh"

scenario=harness/tests/players.yaml

thresholds() # thresholds NAME WANTED-EXIT THRESHOLDS OPTION...: one run
{
    name=$1 want=$2 list=$3
    shift 3
    expect_exit "$want" "$tracerig" run $scenario --seed 11 --quiet --out "$dir/$name" --set "expect.thresholds=[$list]" "$@"
}

row() # row RUN N FIELD VALUE: of expectation threshold.N
{
    json_is "$dir/$1/report.json" "[e for e in r['expectations'] if e['id'] == 'threshold.$2'][0].get('$3')" "$4"
}

hold()
{
    thresholds hold 0 "'spans.lost_unexplained == 0', 'traces.broken == 0', 'sdk[*].queue_high_water <= 8192', 'load.errors.timeout == 0'" &&
        row hold 1 verdict pass && row hold 1 text "spans.lost_unexplained == 0" && row hold 4 observed 0
}
check "thresholds that hold" hold

missed()
{
    thresholds missed 1 "'spans.started < 10', 'spans.lost_unexplained == 0'" &&
        row missed 1 verdict fail && row missed 1 expected "< 10" && row missed 2 verdict pass &&
        json_is "$dir/missed/report.json" "r['reason']" "1 failed: threshold.1." &&
        grep -q 'threshold.1: spans.started &lt; 10' "$dir/missed/junit.xml" &&
        grep -q 'expected &lt; 10; observed' "$dir/missed/junit.xml" &&
        grep -q 'spans.started &lt; 10' "$dir/missed/report.html"
}
check "a threshold missed is a verdict, in every report" missed

judged_again()
{
    expect_exit 1 "$tracerig" verify "$dir/missed" && says "threshold.1" && says "expected < 10" &&
        expect_exit 0 "$tracerig" verify "$dir/hold" && says "spans.lost_unexplained == 0"
}
check "a recorded run's thresholds are judged again" judged_again

unknown()
{
    thresholds unknown 4 "'load.latency.p999 < 60s'" && row unknown 1 verdict inconclusive &&
        grep -q '<skipped message=".* requests are too few' "$dir/unknown/junit.xml"
}
check "a percentile that so few requests cannot tell is skipped, not passed" unknown

place()
{
    { cat $scenario; printf '  thresholds:\n    - spans.started > 0\n    - load.latncy.p99 < 5ms\n'; } > "$dir/place.yaml"
    line=$(grep -n 'latncy' "$dir/place.yaml" | cut -d: -f1)
    expect_exit 2 "$tracerig" validate "$dir/place.yaml" && says "place.yaml:$line:7: threshold" &&
        says "character 6" && says "did you mean 'latency'?"
}
check "a wrong path is told with file, line and column" place
done_testing
