#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tail sampling is predicted exactly, and a collector that decides otherwise is caught.
. "$(dirname "$0")/tap.sh"

run()
{
    name=$1
    shift
    "$tracerig" run scenarios/tail-sampling.yaml --set load.warmup=1s --set load.duration=2s \
        --set load.rate=100 --seed 5 --quiet --out "$dir/$name" "$@"
}

holds()
{
    expect_exit 0 run good &&
        json_is "$dir/good/report.json" "r['verdict']" pass &&
        json_is "$dir/good/report.json" \
            "[c['verdict'] for c in r['checks'] if c['id'] == 'tail_sampling']" "['pass']"
}
check "the scenario holds: decisions, what stands behind, and the ledger agree with the oracles" holds

again()
{
    expect_exit 0 "$tracerig" verify "$dir/good"
}
check "... also when the recorded run is judged again" again

predicts()
{
    expect_exit 0 "$tracerig" predict "$dir/good" --quiet --kept "$dir/good/spans/kept.bin" \
        --decisions "$dir/good/spans/decisions.jsonl" &&
        expect_exit 0 "$tracerig" predict --config "$dir/good/collector.yaml" \
            "$dir/good/spans/spans.bin" --quiet --kept "$dir/good/spans/kept.bin" &&
        expect_exit 0 "$tracerig" predict "$dir/good" --quiet --kept "$dir/good/spans/kept.json" &&
        expect_exit 0 "$tracerig" predict --config "$dir/good/collector.yaml" \
            "$dir/good/spans/kept.json" --quiet --kept "$dir/good/spans/kept.bin" &&
        says ", drop 0, depends on timing 0" &&
        expect_exit 0 "$tracerig" predict "$dir/good" --quiet --as-version latest &&
        expect_exit 2 "$tracerig" predict "$dir/good" --quiet --as-version 9.9 &&
        expect_exit 0 "$tracerig" predict "$dir/good" --quiet --workers 4 &&
        expect_exit 2 "$tracerig" predict "$dir/good" --quiet --workers 0 &&
        expect_exit 2 "$tracerig" predict "$dir/good/spans/spans.bin"
}
check "predict answers from the run, and from files of spans without times, protobuf and JSON" predicts

# all of its policies are stateless
answers()
{
    expect_exit 0 "$tracerig" predict "$dir/good" --quiet &&
        awk '/ traces of / { sub(/.*: keep /, ""); split($0, n, /[^0-9]+/)
            traces = n[1] + n[2] + n[3]; depends = n[3] }
            END { print depends + 0 " of " traces + 0 " traces depend on timing"
                exit !(traces > 200 && depends * 1000 <= traces) }' "$dir/out"
}
check "... keep or drop for 999 of 1000 traces, as they came" answers

# 100 ms to the nanosecond: latency took its threshold in until v0.156
versions()
{
    printf '%s\n' 'processors: {tail_sampling: {policies: [{name: slow, type: latency, latency: {threshold_ms: 100}}]}}' \
        'service: {pipelines: {traces: {processors: [tail_sampling]}}}' > "$dir/old.yaml"
    printf '%s%s\n' '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",' \
        '"name":"x","startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000100000000"}]}]}]}' > "$dir/old.json"
    expect_exit 0 "$tracerig" predict --as-version 0.156 --config "$dir/old.yaml" "$dir/old.json" && says "keep 1, drop 0" &&
        expect_exit 0 "$tracerig" predict --as-version v0.157.0 --config "$dir/old.yaml" "$dir/old.json" && says "keep 0, drop 1" &&
        expect_exit 0 "$tracerig" predict --config "$dir/old.yaml" "$dir/old.json" && says "keep 0, drop 1" &&
        sed -i 's/policies:/num_shards: 2, policies:/' "$dir/old.yaml" &&
        expect_exit 2 "$tracerig" predict --as-version 0.158 --config "$dir/old.yaml" "$dir/old.json" &&
        says "old.yaml:1:30: the Collector of v0.158 refuses 'num_shards': only v0.159 and later take it" &&
        expect_exit 0 "$tracerig" predict --help && says "tracerig predict --as-version 0.143 --config"
}
check "predict decides, and refuses, as the Collector of a version did" versions

# the same spans under another configuration: what was kept then differs
differs()
{
    sed 's/"sampling_percentage": *10/"sampling_percentage": 30/' "$dir/good/collector.yaml" \
        > "$dir/other.yaml" &&
        ! cmp -s "$dir/other.yaml" "$dir/good/collector.yaml" &&
        expect_exit 1 "$tracerig" predict --config "$dir/other.yaml" "$dir/good" --quiet \
            --kept "$dir/good/spans/kept.bin"
}
check "predict --kept finds what another configuration would have kept" differs

# caught NAME WORDS: exactly tail_sampling fails, and says so
caught()
{
    [ "$(cat "$dir/$1.exit")" = 1 ] || { echo "exit $(cat "$dir/$1.exit")"; tail -n 60 "$dir/$1.log"; return 1; }
    json_is "$dir/$1/report.json" \
        "','.join(c['id'] for c in r['checks'] + r['expectations'] if c['verdict'] != 'pass')" \
        tail_sampling &&
        json_is "$dir/$1/report.json" \
            "any('$2' in e['text'] for c in r['checks'] if c['verdict'] == 'fail' for e in c['evidence'])" True
}

# side by side: they have nothing in common. On a slow machine all traces are slow, and kept for that: what another policy is to keep
# would be, too.
for broken in flip-decision:25 flip-silently:25 blind:errors blind:slow blind:baseline; do
    slow_ms=60
    case $broken in blind:errors | blind:baseline) slow_ms=60000 ;; esac
    (
        run "$broken" --collector-option --broken --collector-option "$broken" \
            --set "collector.processors.tail_sampling.policies.1.latency.threshold_ms=$slow_ms" > "$dir/$broken.log" 2>&1
        echo $? > "$dir/$broken.exit"
    ) &
done
wait
check "a collector that turns every 25th decision round is caught" \
    caught flip-decision:25 "the collector recorded"
check "... also when it records what it should have decided" \
    caught flip-silently:25 "stand behind the collector"
check "a collector that overlooks errors is caught" \
    caught blind:errors "predicted keep (errors: the policy samples it); the collector recorded not sampled"
check "a collector that overlooks slow traces is caught" \
    caught blind:slow "predicted keep (slow: the policy samples it); the collector recorded not sampled"
check "a collector that leaves out its share of the rest is caught" \
    caught blind:baseline "predicted keep (baseline: the policy samples it); the collector recorded not sampled"
done_testing
