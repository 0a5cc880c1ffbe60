#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each shipped scenario, shortened, is judged as it claims.
. "$(dirname "$0")/tap.sh"

short="--set load.warmup=1s --set load.duration=4s --set load.rate=200"

holds()
{
    exited "$1" 0 &&
        json_is "$dir/$1/report.json" "r['verdict']" pass &&
        json_is "$dir/$1/report.json" "r['spans']['lost_unexplained']" 0 &&
        json_is "$dir/$1/report.json" "r['spans']['started'] == r['spans']['accounted']" True
}

# Some side by side: they wait more than they work.
for some in "checkout checkout-head-5" "kafka-context-lost independent-sampling" \
    "mixed-ratio-rules mixed-ratio-rules-parentbased consistent-probability"; do
    for scenario in $some; do
        # shellcheck disable=SC2086
        begin "$scenario" "scenarios/$scenario.yaml" $short &
    done
    wait
    for scenario in $some; do
        check "$scenario holds what it claims" holds "$scenario"
    done
done

whole()
{
    json_is "$dir/checkout/report.json" "r['traces']['complete'] == r['traces']['expected'] > 500" True &&
        json_is "$dir/checkout/report.json" "r['spans']['per_request'] >= 8" True &&
        json_is "$dir/checkout/report.json" "sorted(set(e['kind'] for e in r['edges']))" "['http', 'kafka']"
}
check "checkout is whole traces of at least eight spans over HTTP and Kafka" whole

# Whatever the machine does to the rate, what is said of spans stands.
fast()
{
    expect_exit 0 "$tracerig" run scenarios/checkout.yaml --set load.rate=2000 --set load.warmup=1s \
        --set load.duration=4s --quiet --out "$dir/fast" &&
        json_is "$dir/fast/report.json" "r['verdict']" pass &&
        json_is "$dir/fast/report.json" "r['spans']['lost_unexplained']" 0 &&
        json_is "$dir/fast/report.json" "r['spans']['started'] == r['spans']['accounted'] > 8000" True
}
check "checkout at 2,000 requests a second keeps its verdicts" fast

over_grpc()
{
    # shellcheck disable=SC2086
    expect_exit 0 "$tracerig" run scenarios/checkout.yaml $short --set tracing.protocol=grpc --quiet --out "$dir/grpc" &&
        json_is "$dir/grpc/report.json" "r['spans']['lost_unexplained']" 0 &&
        json_is "$dir/grpc/report.json" "r['spans']['delivered'] == r['collector']['accepted'] > 5000" True
}
check "the same over OTLP/gRPC" over_grpc

files()
{
    for f in report.html report.json junit.xml summary.md scenario.yaml environment.json \
        spans/tap.bin hdr/response.hlog metrics/collector.prom; do
        [ -s "$dir/checkout/$f" ] || { echo "missing: $f"; return 1; }
    done
}
check "a run leaves every file that the design names" files

again()
{
    expect_exit 0 "$tracerig" verify "$dir/checkout" && expect_exit 0 "$tracerig" report "$dir/checkout" --format text
}
check "a recorded run can be judged and reported again" again

replay()
{
    # shellcheck disable=SC2086
    expect_exit 0 "$tracerig" run "$dir/checkout/scenario.yaml" --set load.duration=1s --quiet --out "$dir/replay"
}
check "the resolved scenario of a run is itself a scenario" replay

schema()
{
    expect_exit 0 "$tracerig" report "$dir/checkout" --format json && says tracerig.report/1
}
check "report.json follows its schema" schema
done_testing
