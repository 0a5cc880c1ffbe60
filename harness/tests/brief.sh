#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The scenarios that only make check-full runs whole, cut short: what is left of their claims is judged. Side by side, as they
# wait far more than they work.
. "$(dirname "$0")/tap.sh"

run() # run NAME OPTION...: too short to tell anything of anybody: nobody may be named
{
    name=$1
    shift
    begin "$name" "scenarios/slow-consumer-$name.yaml" --seed 8 --set load.warmup=500ms --set load.duration=3s --set load.rate=100 \
        --set expect.namer=none --set 'expect.thresholds=[]' "$@"
}
run downstream &
run hot-partition &
# Where slow calls expel somebody, they are left out: he would be named, and rightly so.
run interval --set 'faults=[]' --set services.projector.consumers.results.steps.1.probability=0 &
run remedies --set 'faults=[{at: 1s, do: restart, service: projector, grace: 30s}]' \
    --set 'services.projector.replica_settings.3={version: 1.3.0}' &
begin assignor harness/tests/assignor.yaml &
run arms --set 'faults=[]' --set 'services.eager.replica_settings.2={version: 1.3.0}' \
    --set 'services.cooperative.replica_settings.2={version: 1.3.0}' --set 'services.static.replica_settings.2={version: 1.3.0}' \
    --set 'services.patient.replica_settings.2={version: 1.3.0}' &
wait

holds()
{
    exited "$1" 0 && json_is "$dir/$1/report.json" "r['spans']['lost_unexplained'] == 0 < r['spans']['delivered'] == r['spans']['started']" True &&
        json_is "$dir/$1/report.json" "r['namer']['named']" False
}
check "the slow downstream, cut short" holds downstream
check "the hot partition, cut short" holds hot-partition
check "the short poll interval, cut short" holds interval
check "the remedies, cut short to the first" holds remedies
check "the remedies side by side, cut short" holds arms
regrouped() # each member came back when all were gone: what they wrote last is older than what the new ones were told
{
    exited assignor 0 && json_is "$dir/assignor/report.json" \
        "[(e['target'], 'assignor=\"cooperative-sticky\"' in e['text'], 'until_s' in e) for e in r['events'] if e['what'] == 'restart']" \
        "[('keeper-0', True, True), ('keeper-1', True, True), ('keeper-2', True, True), ('keeper-1', False, True)]" || return 1
    for role in "$dir"/assignor/roles/keeper-?.[1-9].json; do
        grep -q '"assignor": "cooperative-sticky"' "$role" || { echo "$role: another assignor"; return 1; }
        late=$(find "$dir/assignor/ledger" -name 'keeper-?.0.*' -newer "$role")
        [ -z "$late" ] || { echo "written when $role was there: $late"; return 1; }
    done
}
check "a group changes its assignor, and a member that is restarted later keeps the new one" regrouped

# A claim on time: only a quiet machine can judge it (4), and only a fast one holds it (1). What waits on a slow one is answered.
bare()
{
    begin bare scenarios/bare-service.yaml --set load.warmup=200ms --set load.duration=2s --set load.timeout=60s
    [ "$(cat "$dir/bare.status")" -eq 4 ] || [ "$(cat "$dir/bare.status")" -eq 1 ] || exited bare 0 || return 1
    json_is "$dir/bare/report.json" "[c['id'] for c in r['checks'] if c['verdict'] != 'pass']" "[]" &&
        json_is "$dir/bare/report.json" "r['load']['requests'] > 5000 and r['load']['errors'] == {}" True
}
check "5,000 requests a second at one bare service, cut short" bare

slow_service() # each waits until one of the 32 connections is free
{
    begin slow scenarios/bare-service.yaml --set load.warmup=0s --set load.duration=1s --set load.timeout=60s \
        --set 'services.echo.routes.GET /.steps=[{wait: 20ms}]'
    [ "$(cat "$dir/slow.status")" -eq 4 ] || exited slow 1 || return 1
    json_is "$dir/slow/report.json" "[c['text'] for c in r['checks'] + r['expectations'] if c['verdict'] != 'pass']" "['load.send_lag.p99 < 1ms']"
}
check "... one that takes 20 ms for each is sent them late, and the claim fails" slow_service
done_testing
