#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# On a Kafka of one's own, KAFKA=HOST:PORT: the scenarios that use topics, their planted mistakes, and the incident unscaled
# (11 minutes; SHORT=1 leaves it out). Topics that are missing are made; a topic that is there must have the scenario's partitions.
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
done_testing
