#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The scenarios that only make check-full runs whole, cut short: what is left of their claims is judged.
. "$(dirname "$0")/tap.sh"

# Too short to tell anything of anybody: nobody may be named.
brief="--set load.warmup=500ms --set load.duration=3s --set load.rate=100 --set expect.namer=none --set expect.thresholds=[]"

holds() # holds NAME OPTION...
{
    name=slow-consumer-$1
    shift
    # shellcheck disable=SC2086
    expect_exit 0 "$tracerig" run "scenarios/$name.yaml" --seed 8 --quiet --out "$dir/$name" $brief "$@" &&
        json_is "$dir/$name/report.json" "r['spans']['lost_unexplained'] == 0 < r['spans']['delivered'] == r['spans']['started']" True &&
        json_is "$dir/$name/report.json" "r['namer']['named']" False
}
check "the slow downstream, cut short" holds downstream
check "the hot partition, cut short" holds hot-partition
# Where slow calls expel somebody, they are left out: he would be named, and rightly so.
check "the short poll interval, cut short" holds interval --set 'faults=[]' \
    --set services.projector.consumers.results.steps.1.probability=0
check "the remedies, cut short to the first" holds remedies \
    --set 'faults=[{at: 1s, do: restart, service: projector, grace: 30s}]' \
    --set 'services.projector.replica_settings.3={version: 1.3.0}'

check "the remedies side by side, cut short" holds arms --set 'faults=[]' \
    --set 'services.eager.replica_settings.2={version: 1.3.0}' \
    --set 'services.cooperative.replica_settings.2={version: 1.3.0}' \
    --set 'services.static.replica_settings.2={version: 1.3.0}' \
    --set 'services.patient.replica_settings.2={version: 1.3.0}'

# A claim on time: only a quiet machine can judge it (4), and only a fast one holds it (1).
bare()
{
    "$tracerig" run scenarios/bare-service.yaml --quiet --out "$dir/bare" --set load.warmup=200ms --set load.duration=2s > "$dir/out" 2>&1
    got=$?
    case $got in 0 | 1 | 4) ;; *) cat "$dir/out"; return 1 ;; esac
    json_is "$dir/bare/report.json" "[c['id'] for c in r['checks'] if c['verdict'] != 'pass']" "[]" &&
        json_is "$dir/bare/report.json" "r['load']['requests'] > 5000 and r['load']['errors'] == {}" True
}
check "5,000 requests a second at one bare service, cut short" bare
done_testing
