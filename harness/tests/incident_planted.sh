#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The incident, its variants, its control and its remedies fail for the stated reason when their mistake is planted: whole
# runs, side by side, as they wait far more than they work.
. "$(dirname "$0")/tap.sh"

run() # run NAME OPTION...: scenarios/slow-consumer-NAME.yaml
{
    name=$1
    shift
    begin "$name" "scenarios/slow-consumer-$name.yaml" --seed 8 "$@"
}

image='version: 1.3.0, consumers.results.max_poll_interval: 3100ms'
stale="3: {$image, consumers.results.steps.1.probability: 0.04}"
# The slow calls end before the load does, so that what is left can be handled. Two of them name nobody, and rounds of the group that
# drag on (12 s of the first 20 were seen) leave no more: so they go on for 36 s.
ends='faults=[{at: 36s, do: set, service: projector, set: {consumers.results.steps.1.probability: 0.0}}]'

run pod --set services.projector.replica_settings={} --set 'faults=[]' --set load.duration=8s &
run interval --set 'services.projector.replica_settings.3={version: 1.3.0}' &
run hot-partition --set 'services.projector.consumers.results.steps.1={call: rules POST /replay, probability: 0.0}' \
    --set 'services.rules.routes.POST /replay.steps.0.wait=4200ms' --set "services.projector.replica_settings={$stale}" --set "$ends" --set load.duration=40s &
run downstream --set "services.projector.replica_settings={$stale}" --set "$ends" --set load.duration=40s &
run healthy --set 'faults=[{at: 6s, do: restart, service: projector, replica: 3}]' &
run remedies --set 'faults.1.set={consumers.results.max_poll_interval: 3100ms}' --set faults.1.at=34s --set faults.2.at=54s --set load.duration=57s &
run removed --set 'faults=[{at: 14s, do: set, service: projector, replica: 3, set: {consumers.results.steps.1.probability: 0.04}}, '"\
{at: 31s, do: set, service: projector, replica: 3, set: {consumers.results.steps.1.probability: 0.0}}]" &
run arms --set "services.patient.replica_settings.2={$image, consumers.results.steps.1.probability: 0.04}" &
begin backlog harness/tests/backlog.yaml --seed 8 &
wait

caught() # caught NAME CLAIM OBSERVED...: these failed and no others, and what was observed begins so
{
    name=$1
    shift
    exited "$name" 1 && json_is "$dir/$name/report.json" \
        "[x for c in r['checks'] + r['expectations'] if c['verdict'] != 'pass' for x in (c.get('text', c['id']), c['observed'].split(':')[0])]" \
        "$(python3 -c 'import sys; print(sys.argv[1:])' "$@")"
}

missed() # missed NAME CLAIM...: such thresholds failed and no others
{
    name=$1
    shift
    exited "$name" 1 && json_is "$dir/$name/report.json" \
        "[c.get('text', c['id']) for c in r['checks'] + r['expectations'] if c['verdict'] != 'pass']" \
        "$(python3 -c 'import sys; print(sys.argv[1:])' "$@")"
}

check "the incident without a stale image: nobody is named" undisturbed 900 pod caught pod "the spans name projector-3" none
check "the same poll interval for all: nobody is named" undisturbed 900 interval caught interval "the spans name projector-3" none
check "no slow key, but a stale pod: it is named" undisturbed 900 hot-partition caught hot-partition "the spans name no instance" projector-3
check "a stale pod before a slow downstream: it is named" undisturbed 900 downstream caught downstream "the spans name no instance" projector-3
check "a healthy group, one member restarted: messages are handled again" undisturbed 900 healthy missed healthy "spans.redelivered == 0"
check "the remedy that is none: the pod is put out as before" undisturbed 900 remedies missed remedies "groups[standings].windows[after 2].expelled == 0"
check "the pod that is not removed is put out as before" undisturbed 900 removed missed removed "groups[standings].windows[after 1].expelled == 0"
check "side by side, the patient group impatient: its pod is put out too" undisturbed 900 arms missed arms "groups[patient].expelled == 0" "groups[patient].redelivered == 0"

patient()
{
    exited backlog 0 && json_is "$dir/backlog/report.json" "[p['end_s'] - p['start_s'] > 31 for p in r['phases'] if p['name'] == 'drain']" "[True]"
}
check "a group that still handles what is in its topic is waited for, beyond half a minute" patient
done_testing
