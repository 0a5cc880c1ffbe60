#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Collectors between services and the recording one: what they refuse, repeat, drop, lose and copy is told apart. Short runs
# side by side.
. "$(dirname "$0")/tap.sh"

run() # run NAME OPTION...: of agents.yaml
{
    name=$1
    shift
    begin "$name" harness/tests/agents.yaml "$@"
}

side=agents.side
slow='faults=[{at: 0s, do: collector, fault: delay, delay: 200ms}]'
few='{queue_size: 2, num_consumers: 1}'
batches='{pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp_grpc]}}}'
run grpc --set services.shop.tracing.protocol=grpc --set services.shop.tracing.compression=gzip &
run again --set 'faults=[{at: 1s, do: restart, service: shop}]' &
run full --set "$slow" --set "$side.exporters.otlp_grpc.sending_queue=$few" --set load.rate=8 &
run drops --set "$slow" --set "$side.exporters.otlp_grpc.sending_queue=$few" --set "$side.service=$batches" \
    --set "$side.processors={batch: {timeout: 10ms}}" &
# The answer is far away when it is given up: the two must not cross each other, where others use the machine neither.
run late --set 'faults=[{at: 0s, do: collector, fault: delay, delay: 3s}]' --set "$side.exporters.otlp_grpc.timeout=100ms" \
    --set "$side.exporters.otlp_grpc.retry_on_failure={initial_interval: 50ms, max_interval: 100ms, max_elapsed_time: 600ms}" &
run copies --set 'faults=[{at: 0s, do: collector, agent: side, fault: duplicate, with: {count: 3}}]' &
run leaky --agent-option --broken=lose-after-ack:10 &
run wrong --set "$side.processors={batch: {tiemout: 1s}}" &
wait
begin command harness/tests/agents-command.yaml &
begin command-drops harness/tests/agents-command.yaml --set "$slow" --set "$side.exporters.otlp_grpc.sending_queue=$few" \
    --set "$side.service=$batches" --set "$side.processors={batch: {timeout: 10ms}}" &
wait

# told NAME STATUS EXPRESSION: of the agent a, the spans s and the checks c that do not pass
told()
{
    exited "$1" "$2" && json_is "$dir/$1/report.json" "(lambda a, s, c: $3)(r['agents'][0], r['spans'],
        [c['id'] for c in r['checks'] if c['verdict'] != 'pass'])" True
}

check "gRPC and gzip in, all of it out" told grpc 0 "a['accepted'] == a['sent'] > 0 and s['lost_total'] == 0"
check "a service that is restarted finds its agent again" told again 0 "a['accepted'] == a['sent'] > 0 and s['lost_total'] == 0"
check "what a full queue refuses is sent again" told full 0 "a['refused'] > 0 == s['lost_total'] and a['drops'] == {'queue_full': a['refused']}"
check "what it acknowledged and then has no room for is dropped, and counted" told drops 0 \
    "s['lost'] == {'agent_dropped': a['drops']['queue_full']} and a['accepted'] == a['sent'] + a['enqueue_failed']"
check "what it gave up may have arrived, often" told late 0 \
    "a['send_failed'] == s['delivered_reported_lost_counted'] > 0 and s['retry_duplicates'] > 0 == s['lost_total'] + s['duplicated']"
check "copies that it makes are its fault" told copies 1 "c == ['duplicates'] and s['duplicated'] > 0"
check "what it loses is, too" told leaky 1 "c == ['lost_after_ack'] and s['lost_after_ack'] > 0"
check "spans of a command go by way of it, too" told command 0 "a['accepted'] == a['sent'] == s['foreign'] == r['load']['requests'] > 0"
dropped() # what it dropped of them is held against what came out behind it; hops whose spans are missing are not judged
{
    # on a machine so slow that messages come in one batch there is room for it
    told command-drops "$([ "$(cat "$dir/command-drops.status")" -eq 0 ] && echo 0 || echo 4)" "'agents' not in c and a['accepted'] == s['foreign'] + a['enqueue_failed']" || return 1
    sed -i 's/^\(otelcol_exporter_enqueue_failed_spans.*\) \([0-9]*\)$/\1 1\2/' "$dir/command-drops/metrics/side.prom"
    expect_exit 1 "$tracerig" verify "$dir/command-drops" && says "the agent side counts 1"
}
check "... what it drops of them is counted, and a count that is wrong is named" dropped
check "a configuration that the Collector refuses is told with its place" exited wrong 3
check "... and the agent's name" grep -q "side ended before it was ready (exit 2).*agents/side.yaml:[0-9]*:[0-9]*: .*tiemout" "$dir/wrong.out"

stop_early() # STATUS: Ctrl-C in the middle leaves nobody
{
    "$tracerig" run harness/tests/agents.yaml --quiet --set load.duration=60s --out "$dir/early" > "$dir/early.out" 2>&1 &
    runner=$!
    while [ "$(stat -c %s "$dir/early/spans/side.tap.bin" 2> /dev/null || echo 0)" -lt 4000 ]; do
        kill -0 $runner 2> /dev/null || { cat "$dir/early.out"; return 1; }
        sleep 0.1
    done
    kill -INT $runner
    wait $runner
    status=$?
    [ $status -eq "$1" ] || { echo "exit $status"; cat "$dir/early.out"; return 1; }
    nothing_left "$dir/early" && [ -s "$dir/early/metrics/side.prom" ]
}
check "Ctrl-C ends agents, too, in order" stop_early 130
done_testing
