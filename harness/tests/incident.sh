#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The slow consumer pod: a whole run, what it recorded under other labels, and the healthy control. FULL=1: its variants and
# its remedies too. Runs that have nothing to do with each other are made side by side: they wait more than they work.
. "$(dirname "$0")/tap.sh"

run=$dir/pod
for name in pod healthy ${FULL:+interval hot-partition downstream}; do
    begin $name scenarios/slow-consumer-$name.yaml --seed 8 &
done
wait

storm()
{
    exited pod 0 &&
        json_is "$run/report.json" "r['namer']['instance']" projector-3 &&
        json_is "$run/report.json" "0 < r['namer']['after_s'] < 60 and r['namer']['after_s'] < r['duration_s']" True &&
        { [ -z "${FULL:-}" ] || json_is "$run/report.json" "r['duration_s'] < 60" True; } &&
        json_is "$run/report.json" \
            "any('version 1.3.0' in e for e in r['namer']['evidence'])" True
}

axis()
{
    json_is "$run/report.json" \
        "len([e for e in r['events'] if e['what'] == 'rebalance' and e['at_s'] > 0]) > 1" True &&
        json_is "$run/report.json" \
            "{e['target'] for e in r['events'] if e['what'] == 'expelled'}" "{'projector-3'}" &&
        json_is "$run/report.json" \
            "sorted({s['panel'] for s in r['series'] if 'tags' in s})" \
            "['handler', 'lag', 'redelivered', 'staleness']" &&
        json_is "$run/report.json" \
            "max(max(p[1] for p in s['points']) for s in r['series'] if s['id'] == 'staleness') > 4e9" True &&
        json_is "$run/report.json" \
            "{s['tags']['instance'] for s in r['series'] if s['panel'] == 'handler' and max(p[1] for p in s['points']) > 4e9}" \
            "{'projector-3'}" &&
        json_is "$run/report.json" \
            "[(g['name'], g['expelled'] > 2, g['rounds'] > 2) for g in r['groups']]" \
            "[('standings', True, True)]" &&
        json_is "$run/report.json" "'simulated' in r['broker']['note']" True &&
        grep -q 'projector-3, named' "$run/report.html"
}

blind()
{
    json_is "$run/report.json" "r['namer']['without_instance_id']['named']" False
}
incident() { storm && axis && blind; } # of one run
check "one pod of six on a stale image is named, within a minute" undisturbed 1000 pod incident
check "rounds, lag, handlings, redeliveries and staleness lie on one axis" axis
check "without service.instance.id the same spans name nobody" blind

# relabelled PERMUTATION: the run judged again under these labels, in $dir/relabelled.json
relabelled()
{
    rm -rf "$dir/relabelled"
    cp -R "$run" "$dir/relabelled" &&
        python3 harness/tests/relabel.py projector "$1" "$dir/relabelled/spans/tap.bin" || return 1
    "$tracerig" verify --json "$dir/relabelled" > "$dir/relabelled.json"
    [ $? -eq 1 ] || [ "$1" = 0,1,2,3,4,5 ]
}

swapped()
{
    relabelled 3,1,2,0,4,5 &&
        json_is "$dir/relabelled.json" \
            "[(e['verdict'], e['expected'], e['observed'].split(':')[0]) for e in r['expectations'] if e['id'] == 'namer']" \
            "[('fail', 'projector-3', 'projector-0')]"
}
check "labels swapped on the way: the claim fails and says who was named" swapped

follows() # follows COUNT: so many permutations
{
    python3 -c 'import random, sys
r = random.Random(4)
for _ in range(int(sys.argv[1])):
    print(",".join(map(str, r.sample(range(6), 6))))' "$1" > "$dir/permutations"
    while read -r permutation; do
        label=$(echo "$permutation" | cut -d, -f4)
        relabelled "$permutation" || [ "$label" = 3 ] || return 1
        json_is "$dir/relabelled.json" "r['namer']['instance']" "projector-$label" || return 1
    done < "$dir/permutations"
}
check "the named instance follows its label" follows "${PERMUTATIONS:-5}"

healthy()
{
    exited healthy 0 &&
        json_is "$dir/healthy/report.json" "r['namer']['named']" False &&
        json_is "$dir/healthy/report.json" \
            "[e for e in r['events'] if e['at_s'] > 0]" "[]"
}
check "a healthy group: no rebalance, nobody named" undisturbed 1000 healthy healthy

# A broker that the runner did not start: here the embedded one, started by hand from the run's role.
external()
{
    "$tracerig" broker --role "$run/roles/broker.json" > "$dir/address" 2> "$dir/broker.err" &
    broker=$!
    until [ -s "$dir/address" ]; do
        kill -0 "$broker" || { cat "$dir/broker.err"; return 1; }
        sleep 0.1
    done
    address=$(cat "$dir/address")
    expect_exit 0 "$tracerig" run scenarios/slow-consumer-healthy.yaml --seed 8 --quiet --out "$dir/external" \
        --set "broker=$address" --set load.duration=3s --set services.projector.consumers.results.session_timeout=9s
    ok=$?
    # A topic that is there is left as it is; other partitions than the scenario's are not for its claims.
    expect_exit 3 "$tracerig" run scenarios/slow-consumer-healthy.yaml --quiet --out "$dir/partitions" --set "broker=$address" \
        --set topics.results.partitions=7 &&
        says "broker $address: topic 'results': has 12 partitions, the scenario says 7"
    ok=$((ok + $?))
    kill "$broker"
    wait "$broker"
    [ "$ok" -eq 0 ] &&
        json_is "$dir/external/report.json" \
            "(r['broker']['kind'], r['broker']['address'], 'simulated' in r['broker']['note'])" "('external', '$address', False)" &&
        expect_exit 0 "$tracerig" validate scenarios/foreign/slow-consumer-pod-kafka.yaml
}
begin nobody scenarios/slow-consumer-healthy.yaml --set broker=127.0.0.1:1 & # takes the 10 s that a Kafka is given to answer
check "broker: HOST:PORT runs on somebody else's broker, and the report says so" external
wait $!
check "... and where no broker is, says that" eval 'exited nobody 3 && grep -q "broker 127.0.0.1:1: no Kafka answers there: " "$dir/nobody.out"'

attributes()
{
    json_is "$run/report.json" \
        "[sorted(k for k in s['attributes'] if k.startswith(('messaging', 'kafka'))) for t in r['exemplar_traces'] for s in t['spans'] if s['kind'] == 'consumer'][0]" \
        "['kafka.consumer.max.poll.interval.ms', 'messaging.client.id', 'messaging.consumer.group.name', 'messaging.destination.name', 'messaging.destination.partition.id', 'messaging.kafka.offset', 'messaging.message.body.size', 'messaging.operation.name', 'messaging.operation.type', 'messaging.system']" &&
        grep -qa 'service.instance.id' "$run/spans/tap.bin" && grep -qa 'service.version' "$run/spans/tap.bin"
}
check "consumer spans say group, partition, offset, instance and version" attributes

# The embedded broker is librdkafka's mock cluster, whose assertions end it now and then.
broker_gone()
{
    "$tracerig" run scenarios/slow-consumer-healthy.yaml --quiet --out "$dir/gone" > "$dir/out" 2>&1 &
    runner=$!
    until [ -s "$dir/gone/hdr/response.hlog" ]; do
        kill -0 "$runner" || { cat "$dir/out"; return 1; }
        sleep 0.2
    done
    pid=$(pgrep -f -- "broker --role $dir/gone/roles/broker.json") && kill -ABRT "$pid" || return 1
    wait "$runner"
    got=$?
    [ "$got" -eq 3 ] || { echo "exit $got"; cat "$dir/out"; return 1; }
    nothing_left "$dir/gone" &&
        json_is "$dir/gone/report.json" "'broker died during the run' in r['reason']" True
}
check "a broker that ends by itself: no verdict" broker_gone

if [ -n "${FULL:-}" ]; then
    begin remedies scenarios/slow-consumer-remedies.yaml --seed 8 &
    begin removed scenarios/slow-consumer-removed.yaml --seed 8 &
    begin arms scenarios/slow-consumer-arms.yaml --seed 8 &
    wait
    variant() # variant NAME INSTANCE-OR-NONE [SECONDS]
    {
        exited "$1" 0 &&
            json_is "$dir/$1/report.json" "r.get('namer', {}).get('instance', 'none')" "$2" &&
            json_is "$dir/$1/report.json" "r['duration_s'] < ${3:-60}" True
    }
    check "all are as slow, one has a short poll interval: named" variant interval projector-3
    check "a hot partition names no instance" variant hot-partition none
    check "a downstream that is slow for all names no instance" variant downstream none

    remedies()
    {
        variant remedies none 75 &&
            json_is "$dir/remedies/report.json" \
                "[(w['expelled'] > 0, w['long_handlings'] > 0) for w in r['groups'][0]['windows']][:3]" \
                "[(True, True), (True, True), (False, True)]"
    }
    check "all restarted: the storm goes on; a longer interval, or without the pod: it ends" remedies
    check "the pod is removed, and nothing else: it ends" variant removed none
    check "remedies side by side: the longer interval and the removal end it, others only change it" \
        variant arms none
fi
done_testing
