#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Thresholds, from the scenario file to the report.
. "$(dirname "$0")/tap.sh"

# Spans leave when there are enough of them and at the end, not after a time, and no request has too little of it: how many bytes a
# span takes, and how many requests fail, does not hang on how busy the machine is.
scenario=$dir/players.yaml
sed 's/^  schedule_delay: .*/  schedule_delay: 60s\n  max_export_batch_size: 64/; s/^  timeout: 5s/  timeout: 60s/' harness/tests/players.yaml > "$scenario"

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

held="'spans.lost_unexplained == 0', 'traces.broken == 0', 'sdk[*].queue_high_water <= 8192', 'load.errors.timeout == 0'"
hold()
{
    thresholds hold 0 "$held" &&
        row hold 1 verdict pass && row hold 1 text "spans.lost_unexplained == 0" && row hold 4 observed 0
}
check "thresholds that hold" hold

missed()
{
    thresholds missed 1 "'spans.started < 10', 'spans.lost_unexplained == 0'" &&
        says "fail $dir/missed: 1 failed: \"spans.started < 10\" (" &&
        row missed 1 verdict fail && row missed 1 expected "< 10" && row missed 2 verdict pass &&
        json_is "$dir/missed/report.json" "r['reason'].startswith('1 failed: \"spans.started < 10\" (')" True &&
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

killed() # before it wrote its report
{
    cp -r "$dir/hold" "$dir/killed" && rm "$dir/killed/report.json" &&
        expect_exit 4 "$tracerig" verify "$dir/killed" && says "killed holds no report.json" &&
        says "pass         threshold.1          spans.lost_unexplained == 0" &&
        says "inconclusive threshold.3          sdk[*].queue_high_water <= 8192"
}
check "of a run that was killed the books are judged, and nothing that they do not hold" killed

endless() # nobody knows how it ended
{
    cp -r "$dir/hold" "$dir/endless" && rm "$dir/endless/run.json" && expect_exit 4 "$tracerig" verify "$dir/endless" &&
        says "pass         threshold.1          spans.lost_unexplained == 0" && says "it has no run.json" || return 1
    cp -r "$dir/missed" "$dir/worse-end" && rm "$dir/worse-end/run.json" && expect_exit 4 "$tracerig" verify "$dir/worse-end"
}
check "a run of which nobody knows how it ended neither passes nor fails" endless

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
against() # against NAME WANTED-EXIT OPTION...: a run held against the run "hold"
{
    name=$1 want=$2
    shift 2
    expect_exit "$want" "$tracerig" run $scenario --seed 12 --quiet --out "$dir/$name" --baseline "$dir/hold" "$@"
}

no_worse()
{
    against same 0 --set "expect.thresholds=[$held]" && json_is "$dir/same/report.json" \
        "[e['verdict'] for e in r['expectations'] if e['id'] == 'baseline.spans_lost']" "['pass']" &&
        json_is "$dir/same/report.json" "r['baseline']['runs'], r['baseline']['differences']" "(1, [])"
}
check "a run that is no worse than its baseline" no_worse

lossy="--set services.order.tracing.max_queue_size=4 --set services.order.tracing.max_export_batch_size=4"
worse()
{
    # every lost span is explained, so that the run alone passes
    # shellcheck disable=SC2086
    expect_exit 0 "$tracerig" run $scenario --seed 12 --quiet --out "$dir/lossy" $lossy &&
        json_is "$dir/lossy/report.json" "r['spans']['lost_total'] > 0 == r['spans']['lost_unexplained']" True &&
        against worse 1 $lossy && json_is "$dir/worse/report.json" \
        "[e['observed'].split(' of ')[0] != '0' for e in r['expectations'] if e['id'] == 'baseline.spans_lost' and e['verdict'] == 'fail']" "[True]"
}
check "spans lost where there were none are a regression, though each is explained" worse

other()
{
    expect_exit 2 "$tracerig" run scenarios/checkout.yaml --baseline "$dir/hold" --out "$dir/never" &&
        says "--baseline: is a run of the scenario 'players', not of 'checkout'" && [ ! -e "$dir/never" ] || return 1
    echo '{"schema": "tracerig.report/9"}' > "$dir/nine.json"
    expect_exit 2 "$tracerig" run $scenario --baseline "$dir/nine.json" --out "$dir/never" &&
        says "nine.json: no report of schema tracerig.report/1 (it says 'tracerig.report/9')" &&
        expect_exit 2 "$tracerig" run $scenario --baseline "$dir/nowhere" --out "$dir/never" && says "nowhere"
}
check "a baseline of another scenario or schema is refused before anything runs" other

compared()
{
    expect_exit 1 "$tracerig" compare "$dir/hold" "$dir/lossy/report.json" --gate && says "spans lost" &&
        says "worse: there was none before" && says "quiet runs; 5 on each side are needed" &&
        expect_exit 0 "$tracerig" compare "$dir/hold" "$dir/same" --gate --counts &&
        expect_exit 4 "$tracerig" compare "$dir/hold" "$dir/same" --gate &&
        expect_exit 0 "$tracerig" compare "$dir/hold" "$dir/lossy" --json &&
        json_is "$dir/out" "r['schema'], r['worse'] > 0" "('tracerig.compare/1', True)"
}
check "compare names what is worse and what one run cannot tell" compared

elsewhere()
{
    mkdir -p "$dir/elsewhere" && python3 - "$dir/same/report.json" "$dir/elsewhere/report.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
r["environment"]["cpu_model"] = "Another CPU"
json.dump(r, open(sys.argv[2], "w"))
PY
    expect_exit 4 "$tracerig" compare "$dir/hold" "$dir/elsewhere" --gate && says "another machine: cpu_model" &&
        says "not judged: other machines: cpu_model differs" &&
        expect_exit 0 "$tracerig" compare "$dir/hold" "$dir/elsewhere" --gate --counts
}
check "wall-clock rows of another machine are refused, counts are not" elsewhere

counted() # counted NAME CPU INSTRUCTIONS: the run "same" with a count of instructions, 0: with none
{
    mkdir -p "$dir/$1" && python3 - "$dir/same/report.json" "$dir/$1/report.json" "$2" "$3" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
r["environment"]["cpu_model"] = sys.argv[3]
if int(sys.argv[4]):
    r["overhead"] = {"base": "none", "blocks": 1, "slice_s": 1, "seed": 1, "held_rate": 1, "saturation_rate_asked": 0, "arms": [], "rows": [],
                     "instructions": [{"name": "batch", "title": "batch", "app_per_request": int(sys.argv[4]), "exporter_per_request": 1,
                                       "app_difference": 1, "smallest_seen": 1, "detected": True, "rate": 1, "text": ""}]}
json.dump(r, open(sys.argv[2], "w"))
PY
}
instructions()
{
    counted here CPU 50000 && counted few Other 50500 && counted many Other 52000 && counted uncounted Other 0 &&
        expect_exit 0 "$tracerig" compare "$dir/here" "$dir/few" --gate --counts && says "another machine: cpu_model" &&
        expect_exit 1 "$tracerig" compare "$dir/here" "$dir/many" --gate --counts && says "worse: more than 2 %" &&
        grep -q 'instructions, batch .*50,000.*52,000' "$dir/out" &&
        expect_exit 4 "$tracerig" compare "$dir/here" "$dir/uncounted" --gate --counts && says "not judged: one side does not know it"
}
check "instructions are gated on between machines: kept, exceeded, counted on one side only" instructions

nothing_in_common()
{
    mkdir -p "$dir/renamed" && python3 - "$dir/same/report.json" "$dir/renamed/report.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
r["scenario"]["name"] = "shop"
json.dump(r, open(sys.argv[2], "w"))
PY
    expect_exit 2 "$tracerig" compare "$dir/hold" "$dir/renamed" && says "A has 'players', B has 'shop'" &&
        mkdir -p "$dir/empty" && expect_exit 2 "$tracerig" compare "$dir/hold" "$dir/empty" && says "holds no report.json"
}
check "runs that have nothing in common are wrong usage" nothing_in_common
set_of_runs()
{
    mkdir -p "$dir/claims" && cp $scenario "$dir/claims/players.yaml" &&
        sed 's/^# .*/# A fleet that drops context./; s/^  order:/&\n    broken: {drop_context: call payment POST \/charge}/' $scenario > "$dir/claims/wrong.yaml" || return 1
    expect_exit 1 "$tracerig" run "$dir/claims" --out "$dir/set" --quiet --set load.duration=1s \
        --set "expect.thresholds=['spans.started > 5000000']" && says "2 did not" || return 1
    for f in index.html set.json junit.xml summary.md players/report.html wrong/report.html; do
        [ -s "$dir/set/$f" ] || { echo "missing: $f"; return 1; }
    done
    grep -q 'href="./wrong/report.html"' "$dir/set/index.html" && grep -q 'A fleet that drops context' "$dir/set/index.html" &&
        python3 - "$dir/set/junit.xml" <<'PY'
import sys, xml.etree.ElementTree as e
suites = e.parse(sys.argv[1]).getroot().findall("testsuite")
assert [s.get("name").split(":")[0] for s in suites] == ["players", "wrong"], suites
assert all(int(s.get("tests")) == len(s.findall("testcase")) for s in suites)
failed = [{c.get("name") for c in s.findall("testcase") if c.find("failure") is not None} for s in suites]
assert len(failed[0]) == int(suites[0].get("failures")) == 1 and failed[0] < failed[1], failed
assert any("ontext" in name for name in failed[1] - failed[0]), failed
PY
}
check "a set of scenarios ends with one page and one JUnit file" set_of_runs

taken() { expect_exit 2 "$tracerig" run "$dir/claims" --out "$dir/set" && says "holds a set of runs already"; }
check "a set is not written over another" taken

repeats()
{
    expect_exit 0 "$tracerig" run $scenario --repeat 2 --out "$dir/twice" --quiet --set load.duration=500ms &&
        expect_exit 0 "$tracerig" compare "$dir/twice" "$dir/twice" && says "players: 2 against 2 runs" &&
        [ -s "$dir/twice/players-2/report.json" ]
}
check "repeats are a set, and a set can be compared" repeats

unfinished() # as if the runner had been killed
{
    cp -r "$dir/twice" "$dir/half" && rm "$dir/half/players-2/report.json" &&
        expect_exit 4 "$tracerig" compare "$dir/twice" "$dir/half" --gate --counts &&
        says "players: 2 against 1 run, 1 run of B without a verdict" && says "0 worse, 1 not judged"
}
check "a run that has no verdict does not pass a gate" unfinished
cheap() # cheap SET: what its runs took of the CPU becomes some 10 us a span, unless LIVE=1 leaves what was measured
{
    [ "${LIVE:-0}" = 1 ] || python3 - "$1" <<'PY'
import json, pathlib, sys
for n, path in enumerate(sorted(pathlib.Path(sys.argv[1]).glob("*/report.json"))):
    r = json.loads(path.read_text())
    for s in r["services"]:
        s["cpu_s"] = (10 + n / 4) * 1e-6 * r["spans"]["started"] / len(r["services"])
    path.write_text(json.dumps(r))
PY
}
stolen() # stolen SET: most of the time of one of its runs that others were given, in percent; from here on it is none
{
    python3 - "$1" <<'PY'
import json, pathlib, sys
most = 0
for path in pathlib.Path(sys.argv[1]).glob("*/report.json"):
    r = json.loads(path.read_text())
    most = max(most, r["environment"].get("steal_percent", 0))
    r["environment"]["steal_percent"] = 0
    path.write_text(json.dumps(r))
print(int(most))
PY
}
slower()
{
    # 1 ms of CPU more a request is 111 us more a span, however noisy the machine is; and payment did take it
    expect_exit 0 "$tracerig" run $scenario --repeat 6 --out "$dir/before" --quiet --set load.duration=700ms && cheap "$dir/before" &&
        stolen "$dir/before" || return 1
    "$tracerig" run $scenario --repeat 6 --out "$dir/after" --quiet --set load.duration=700ms \
        --baseline "$dir/before" --set 'services.payment.routes.POST /charge.steps.1.steps.0={work: 1ms}' > "$dir/out" 2>&1
    got=$? most=$(stolen "$dir/after") # a run of which a twentieth was stolen does not count (4)
    case $got in
    1) grep -q 'fleet CPU a span .*worse (p ' "$dir/out" ;;
    4) [ "$most" -ge 5 ] ;;
    *) false ;;
    esac && says "0 did not" && for n in 1 2 3 4 5 6; do
            json_is "$dir/after/players-$n/report.json" \
                "sum(s['cpu_s'] for s in r['services'] if s['name'] == 'payment') >= r['load']['requests'] * 1e-3" True || return 1
        done &&
        expect_exit 1 "$tracerig" compare "$dir/before" "$dir/after" --gate --json && json_is "$dir/out" \
            "[w['verdict'] for w in r['scenarios'][0]['rows'] if w['id'] == 'fleet_cpu_per_span']" "['worse']" &&
        expect_exit 0 "$tracerig" compare "$dir/before" "$dir/after" --gate --counts
}
check "six runs against six find what each request costs more" slower

odd()
{
    cat > "$dir/odd.yaml" << 'YAML'
title: What is odd about it
services:
  shop: {command: [/bin/false], ledger: none, routes: {GET /: {}}}
load: {route: shop GET /, rate: 10, duration: 1s}
expect: {thresholds: ["load.latency.p99 < 1s"]}
YAML
    expect_exit 3 "$tracerig" run "$dir/odd.yaml" --out "$dir/odd" &&
        says "warning: 'load.latency.p99 < 1s' cannot be judged" &&
        expect_exit 3 "$tracerig" run "$dir/odd.yaml" --quiet --out "$dir/odd" && ! says "warning" &&
        expect_exit 3 "$tracerig" verify "$dir/odd" && says "verdict: none: The environment failed, so there is no verdict: "
}
check "a run tells what validate warns of, but with --quiet; and one that came to nothing has no verdict later" odd
done_testing
