#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The scenarios of tuning hold what they claim, and fail for the stated reason with their planted mistake.
. "$(dirname "$0")/tap.sh"

brief="--set overhead.blocks=6 --set overhead.slice=80ms --set overhead.warmup=30ms --set overhead.arms=[batch] --set overhead.saturation_rate=0"

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
    "r['spans']['lost']['queue_full'] == r['sdk'][0]['drops']['queue_full'] == r['spans']['lost_total'] > 1000"
check "... the application waits for nothing" json_is "$dir/queue-overflow/report.json" \
    "r['load']['errors'] == {} and r['sdk'][0]['queue_high_water'] == 64" True
check "... drops that are not named are a lie" planted queue-overflow counter_lies --set services.shop.broken.lose_and_overcount=50
check "... and a queue that holds the burst overflows not" planted queue-overflow "spans.lost.queue_full > 0" \
    --set tracing.max_queue_size=8192 --set tracing.max_export_batch_size=512
check "settings that fit drop nothing" holds bsp-tuning "r['spans']['lost_total'] == 0"
check "... a queue too small for the bursts does" planted bsp-tuning "spans.lost_total == 0" \
    --set tracing.max_queue_size=64 --set tracing.max_export_batch_size=64 --set load.arrival=burst
# shellcheck disable=SC2086
check "the overhead scenario holds" holds overhead "len(r['overhead']['rows']) >= 5" $brief
# shellcheck disable=SC2086
check "... an arm that drops is not compared" planted overhead "overhead.arms[batch held].dropped == 0" $brief \
    --set tracing.max_queue_size=8 --set tracing.max_export_batch_size=8
disqualified()
{
    json_is "$dir/overhead-planted/report.json" "[a['disqualified'][:10] for a in r['overhead']['arms'] if a['name'] == 'batch held']" "['it dropped']" &&
        json_is "$dir/overhead-planted/report.json" "[x for x in r['overhead']['rows'] if x['arm'] == 'batch']" "[]"
}
check "... and the report says why" disqualified
done_testing
