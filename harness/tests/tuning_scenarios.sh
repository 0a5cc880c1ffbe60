#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The scenarios of tuning hold what they claim, and fail for the stated reason with their planted mistake. FULL=1: overhead with
# the arms that get stuck, and with instructions, which takes two minutes more.
. "$(dirname "$0")/tap.sh"

# What is claimed of the overhead are counts: short slices, at the held rate, several runs at a time.
overhead() # overhead NAME ARMS OPTION...
{
    name=$1 arms=$2
    shift 2
    begin "overhead-$name" scenarios/overhead.yaml --set load.timeout=60s --set overhead.blocks=6 --set overhead.slice=80ms --set overhead.warmup=30ms \
        --set overhead.saturation_rate=0 --set load.warmup=50ms --set load.duration=300ms --set "overhead.arms=[$arms]" "$@"
}
if [ -n "${FULL:-}" ]; then
    overhead whole "api, not_sampled, simple, batch, batch_slow, batch_down, simple_slow, simple_down"
    overhead sending "simple" --set services.shop.broken.lose_one_in=1
    overhead sampling "not_sampled" --set services.shop.broken.sample_on_its_own=true
    overhead baggage "api, batch" --set "load.headers={baggage: '$(seq -f 'k%g=v' -s , 60)'}"
fi
counts="--set overhead.instructions=false"
# shellcheck disable=SC2086
{
    overhead counts "api, not_sampled, simple, batch, batch_slow" $counts &
    overhead drops "batch, batch_slow" $counts --set tracing.max_queue_size=8 --set tracing.max_export_batch_size=8 &
    overhead lies "simple, simple_down, batch_down" $counts --set services.shop.broken.lose_one_in=1 &
    overhead samples "not_sampled" $counts --set services.shop.broken.sample_on_its_own=true &
    overhead punctual "simple_slow" $counts --set overhead.collector_delay=1ms --set load.rate=100 &
}
wait

holds() # holds NAME EXPRESSION OPTION...
{
    name=$1 expression=$2
    shift 2
    expect_exit 0 "$tracerig" run "scenarios/$name.yaml" --quiet --out "$dir/$name" "$@" &&
        json_is "$dir/$name/report.json" "$expression" True
}

planted() # planted NAME CLAIM OPTION...: that claim fails, and what else does is not the books
{
    name=$1 text=$2
    shift 2
    [ ! -e "$dir/$name-planted" ] || mv "$dir/$name-planted" "$dir/$name-planted-$tests" # stays for ci/scenario-table
    expect_exit 1 "$tracerig" run "scenarios/$name.yaml" --quiet --out "$dir/$name-planted" "$@" &&
        json_is "$dir/$name-planted/report.json" \
            "'$text' in [c.get('text', c['id']) for c in r['checks'] + r['expectations'] if c['verdict'] == 'fail']" True
}

check "a burst above the queue loses exactly what was named" holds queue-overflow \
    "r['spans']['lost']['queue_full'] == r['sdk'][0]['drops']['queue_full'] == r['spans']['lost_total'] > 1000" --set load.timeout=60s
check "... the application waits for nothing" json_is "$dir/queue-overflow/report.json" \
    "r['load']['errors'] == {} and r['sdk'][0]['queue_high_water'] == 64" True
check "... drops that are not named are a lie" planted queue-overflow counter_lies --set services.shop.broken.lose_and_overcount=50
# Queues that hold all spans of the run: a machine that stands still lets the bursts of that time come at once.
check "... and a queue that holds the burst overflows not" planted queue-overflow "spans.lost.queue_full > 0" \
    --set tracing.max_queue_size=65536 --set tracing.max_export_batch_size=512
check "settings that fit drop nothing" holds bsp-tuning "r['spans']['started'] > 5000 > r['spans']['lost_total'] == 0" --set load.rate=300
check "... a queue too small for the bursts does" planted bsp-tuning "spans.lost_total == 0" \
    --set tracing.max_queue_size=64 --set tracing.max_export_batch_size=64 --set load.arrival=burst

# claims NAME VERDICT: those of overhead's thresholds that have it, without "overhead."
claims() { json "$dir/overhead-$1/report.json" "[e['text'].replace('overhead.', '') for e in r['expectations'] if e['verdict'] == '$2']"; }

counts() # each claim on an arm that was run was judged, and held
{
    exited overhead-counts 4 && json_is "$dir/overhead-counts/report.json" "len(r['overhead']['rows']) >= 5" True || return 1
    [ "$(claims counts fail)" = "[]" ] && [ "$(claims counts inconclusive)" = "['arms[batch_down held].drops.export_failed > 0', \
'arms[simple_slow held].blocks == 1', 'arms[simple_down held].blocks == 1', 'instructions[api].app_difference < 4000', \
'instructions[not_sampled].app_difference < 6000', 'instructions[simple].app_difference > 25000', \
'instructions[batch].app_difference < 20000']" ] && return 0
    claims counts fail
    claims counts inconclusive
    return 1
}
check "the overhead scenario's counts hold" counts

caught() # caught NAME CLAIMS: these fail
{
    exited "overhead-$1" 1 && json_is "$dir/overhead-$1/report.json" \
        "[c for c in [$2] if ('overhead.' + c, 'fail') not in [(e['text'], e['verdict']) for e in r['expectations']]]" "[]"
}
check "... an arm that drops is not compared" caught drops "'arms[batch held].dropped == 0', \
'arms[batch held].spans_per_export > 64', 'arms[batch_slow held].dropped == 0', 'arms[batch_slow held].queue_high_water > 700'"
disqualified()
{
    json_is "$dir/overhead-drops/report.json" "[a['disqualified'][:10] for a in r['overhead']['arms'] if a['name'] == 'batch held']" "['it dropped']" &&
        json_is "$dir/overhead-drops/report.json" "[x for x in r['overhead']['rows'] if x['arm'] == 'batch']" "[]"
}
check "... and the report says why" disqualified
check "... spans that are said to be sent and are not" caught lies "'arms[simple held].spans_per_export == 1', \
'arms[simple held].bytes_per_span > 400B', 'arms[batch_down held].drops.export_failed > 0', 'arms[simple_down held].blocks == 1'"
check "... spans where nothing is sampled" caught samples "'arms[not_sampled held].spans_per_request == 0'"
check "... a late collector that is not late" caught punctual "'arms[simple_slow held].blocks == 1'"

whole() { exited overhead-whole 0 && [ "$(claims whole pass | grep -c 'arms.*instructions')" = 1 ]; }
if [ -n "${FULL:-}" ]; then
    check "the overhead scenario holds, instructions and stuck arms included" whole
    check "... the simple processor's instructions are those of sending" caught sending "'arms[simple held].spans_per_export == 1', \
'arms[simple held].bytes_per_span > 400B', 'instructions[simple].app_difference > 25000'"
    check "... not sampled takes less than sampled" caught sampling "'arms[not_sampled held].spans_per_request == 0', \
'instructions[not_sampled].app_difference < 6000'"
    check "... what every request carries costs API and batch processor" caught baggage \
        "'instructions[api].app_difference < 4000', 'instructions[batch].app_difference < 20000'"
fi
done_testing
