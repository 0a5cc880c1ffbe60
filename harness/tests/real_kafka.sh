#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# On a Kafka of one's own, KAFKA=HOST:PORT: the scenarios that use topics, their planted mistakes, the incident in all its variants
# with its remedies (7 minutes), and unscaled (11 more; SHORT=1 leaves it out). Topics that are missing are made; a topic that is there
# must have the scenario's partitions. The brokers must let members in with the scenarios' session of 3.1 s:
# group.min.session.timeout.ms=3000 or less.
. "$(dirname "$0")/tap.sh"

[ -n "${KAFKA:-}" ] || { echo "1..0 # SKIP KAFKA names no broker"; exit 0; }

run() # run NAME SCENARIO OPTION...
{
    name=$1 file=$2
    shift 2
    begin "$name" "$file" --set "broker=$KAFKA" "$@"
}

holds() # holds NAME: and the report speaks of no simulation
{
    exited "$1" 0 && json_is "$dir/$1/report.json" "r['spans']['lost_unexplained']" 0 &&
        json_is "$dir/$1/report.json" "r['broker']['kind'], 'simulated' in r['broker']['note']" "('external', False)"
}

# One name has one number of partitions, and one run at a time.
for scenario in batch-consumer baggage mixed-incoming checkout; do
    case $scenario in
    batch-consumer) run $scenario scenarios/$scenario.yaml --set topics.results.partitions=12 ;;
    checkout) run $scenario scenarios/$scenario.yaml --set 'topics={order.created: {partitions: 4}}' ;;
    *) run $scenario scenarios/$scenario.yaml ;;
    esac
    check "$scenario holds what it claims on a Kafka" holds $scenario
done
[ -n "${SHORT:-}" ] || run unscaled scenarios/foreign/slow-consumer-pod-kafka.yaml &
run again scenarios/baggage.yaml
check "... again, though the topics are full of an earlier run's messages" holds again

run lost scenarios/baggage.yaml --set 'services.order.broken={drop_context: publish order.created}'
lost()
{
    exited lost 1 && json_is "$dir/lost/report.json" \
        "'baggage' in [c['id'] for c in r['checks'] if c['verdict'] == 'fail']" True
}
check "a producer that forgets the headers is found there, too" lost

wait
# Behind the incident, for they have one topic and one group; without the slow calls, which last longer than this does.
run producer scenarios/foreign/slow-consumer-pod-kafka.yaml --set load.duration=20s --set 'faults=[]' \
    --set 'services.projector.replica_settings={3: {version: 1.3.0}}' \
    --set 'services.push.broken={drop_context: publish results}'
producer()
{
    exited producer 1 && json_is "$dir/producer/report.json" "[(e['from'].split()[0], e['to'].split()[0]) for e in r['edges'] if e['broken']]" \
        "[('push', 'projector')]"
}
check "of the incident, too, a producer that forgets the headers is found" producer
incident()
{
    holds unscaled && json_is "$dir/unscaled/report.json" "r['namer']['named'], r['namer']['instance']" "(True, 'projector-3')" &&
        json_is "$dir/unscaled/report.json" "r['namer']['without_instance_id']['named']" False
}
[ -n "${SHORT:-}" ] || check "unscaled, the stale pod of six is named" incident

# ---- scaled, one after the other: they share the topic, and most the group ---------------------------

for name in pod interval hot-partition downstream healthy remedies removed arms; do
    run $name scenarios/slow-consumer-$name.yaml
done
named() # named NAME INSTANCE: by the spans alone; None: nobody
{
    holds "$1" && json_is "$dir/$1/report.json" "r['namer'].get('instance') if r['namer']['named'] else None" "$2"
}
check "a stale pod of six is named" named pod projector-3
check "all are as slow, one has a shorter interval: that one is named" named interval projector-3
check "a slow key names no instance" named hot-partition None
check "a slow downstream names none" named downstream None
check "nor does a healthy group, in which nobody is put out" named healthy None
check "the deployment is restarted and the storm goes on; a longer interval ends it, and so does removing the pod" holds remedies
check "the pod is removed, and nothing else: nobody is put out" holds removed
check "side by side: a longer interval or no stale pod, and nobody is put out" holds arms

# What a round costs the others, which the embedded broker cannot show: members that were given partitions anew, and how many.
costs()
{
    python3 - "$dir/arms/report.json" <<'PY'
import json, re, sys
cost = {g: [0, 0] for g in ("eager", "cooperative", "static")}
for event in json.load(open(sys.argv[1]))["events"]:
    found = re.fullmatch(r"rebalance round \d+ of (\w+): (\d+) members?, (\d+) partitions?", event["text"])
    if found and found[1] in cost and event["at_s"] > 0:
        cost[found[1]] = [a + int(b) for a, b in zip(cost[found[1]], found.groups()[1:])]
print("members, partitions:", cost)
assert 0 < cost["cooperative"][1] < cost["eager"][1] and 0 < cost["static"][0] < cost["eager"][0], cost
PY
}
check "... a cooperative group moves fewer partitions in its rounds, a static one wakes fewer members" costs

run no-remedy scenarios/slow-consumer-remedies.yaml --set 'faults.1.set={consumers.results.max_poll_interval: 3100ms}'
run impatient scenarios/slow-consumer-arms.yaml --set 'services.patient.replica_settings.2={version: 1.3.0, consumers.results.max_poll_interval: 3100ms, consumers.results.steps.1.probability: 0.04}'
run spared scenarios/slow-consumer-pod.yaml --set services.projector.replica_settings={} --set 'faults=[]' --set load.duration=8s
missed() # missed NAME CLAIM: it failed, and what else did is a claim, too
{
    exited "$1" 1 && json_is "$dir/$1/report.json" "'$2' in [c['text'] for c in r['expectations'] if c['verdict'] == 'fail'], [c['id'] for c in r['checks'] if c['verdict'] == 'fail']" "(True, [])"
}
check "the remedy that is none is caught there, too" missed no-remedy "groups[standings].windows[after 2].expelled == 0"
check "... and a patient group that is not" missed impatient "groups[patient].expelled == 0"
check "... and an incident without its stale pod" missed spared "the spans name projector-3"
done_testing
