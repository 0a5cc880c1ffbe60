#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Faults on a timeline: what they do to a real fleet, what the books say of it, and which mistakes are refused.
. "$(dirname "$0")/tap.sh"

# A static member whose commit is refused as another's: librdkafka gives its handle up for good. While the others run.
cat > "$dir/static.yaml" << 'END'
# Whoever is fenced joins anew.
tracing: {schedule_delay: 300ms}
services:
  order: {routes: {POST /orders: {steps: [{publish: t, bytes: 200}]}}}
  audit: {consumers: {t: {static_membership: true}}}
topics: {t: {partitions: 2}}
load: {route: order POST /orders, rate: 50, warmup: 0s, duration: 3s, timeout: 5s}
faults: [{at: 1s, do: broker, fault: error, request: commit, error: FENCED_INSTANCE_ID}]
END
begin static "$dir/static.yaml" --seed 3 &

fleet=harness/tests/faults.yaml

# refused TEXT... -- OPTION...: exit 2 with these words, before anything is started
refused()
{
    words=
    while [ "$1" != -- ]; do
        words="$words$1
"
        shift
    done
    shift
    expect_exit 2 "$tracerig" run "$fleet" --out "$dir/refused" "$@" || return 1
    printf '%s' "$words" | while IFS= read -r word; do says "$word" || exit 1; done || return 1
    [ ! -e "$dir/refused" ] || { echo "a run directory was made"; return 1; }
}

check "a fault after the end of the load is refused" refused "impossible time" "at 9s" -- --set faults.0.at=9s
check "an unknown service is refused with the nearest" refused "unknown service 'ordre'" "order" -- \
    --set faults.0.service=ordre
check "a replica that is not there is refused" refused "there is no replica 5" -- --set faults.0.replica=5
check "restarting the embedded broker is refused with the reason" refused "embedded broker" "broker: HOST:PORT" -- \
    --set faults.0.service=broker --set faults.0.replica=0 --set broker=embedded
check "a setting that a running service cannot take is refused" refused "cannot be changed during a run" -- \
    --set 'faults.4.set={http: lean}'
check "a condition on nothing is refused" refused "spans_received" -- --set "faults.4.when=spans_recieved > 5"

expect_run() # expect_run NAME STATUS OPTION...
{
    name=$1 want=$2
    shift 2
    expect_exit "$want" "$tracerig" run "$fleet" --seed 5 --quiet --out "$dir/$name" "$@"
}

timeline()
{
    expect_run timeline 0 &&
        json_is "$dir/timeline/report.json" "[e['what'] for e in r['events'] if e['what'] != 'set']" \
            "['kill', 'restart', 'stop', 'continue', 'restart']" &&
        json_is "$dir/timeline/report.json" "[e['target'] for e in r['events'] if e['what'] == 'set']" "['order-1']" &&
        json_is "$dir/timeline/report.json" "[(s['instance'], s['incarnation'], s.get('killed', False)) for s in r['services'] if s['name'] == 'order']" \
            "[('order-0', 0, True), ('order-1', 0, False), ('order-0', 1, False), ('order-1', 1, False)]" &&
        json_is "$dir/timeline/report.json" "r['spans']['started'] == r['spans']['accounted']" True &&
        json_is "$dir/timeline/report.json" "list(r['spans']['lost'])" "['process_killed']" &&
        json_is "$dir/timeline/report.json" "r['spans']['lost_unexplained']" 0 &&
        json_is "$dir/timeline/report.json" "all('until_s' in e for e in r['events'] if e['what'] in ('kill', 'stop', 'restart'))" True
}
check "kill, stop, continue, set and restart happen, and the books balance" timeline

incarnations()
{
    for f in order-0.0 order-0.1 order-1.0 order-1.1; do
        ls "$dir/timeline/ledger/$f".*.led > /dev/null || return 1
    done
    nothing_left "$dir/timeline"
}
check "... each incarnation has its own ledger, and nothing is left running" incarnations

again() { expect_exit 0 "$tracerig" verify "$dir/timeline"; }
check "... judged again, the verdict is the same" again

shown()
{
    expect_exit 0 "$tracerig" report "$dir/timeline" --format text && says "kill order-0" &&
        expect_exit 0 "$tracerig" report "$dir/timeline" --format markdown && says "## Events" &&
        grep -q "Events on the timeline" "$dir/timeline/report.html" || return 1
    command -v gnuplot > /dev/null || return 0
    grep -q "fillcolor rgb fault" "$dir/timeline/plots/time-rate.gp"
}
check "... the reports name the faults, and shade their windows on the time axis" shown

# The database takes a while to fill, and of a process that was killed nothing stays in its way.
# In front of it one that lives on: some spans always arrive.
lives="[(s['incarnation'], s['exit']) for s in r['services'] if s['name'] == 'order']"
again_and_again()
{
    cat > "$dir/again.yaml" << 'END'
tracing: {schedule_delay: 300ms}
services:
  gateway: {routes: {POST /in: {steps: [{call: order POST /orders}]}}}
  order:
    database:
      - CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)
      - WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
        INSERT INTO items SELECT i, i FROM n
    routes: {POST /orders: {steps: [{sql: SELECT name FROM items WHERE id = 7}]}}
load: {route: gateway POST /in, rate: 100, warmup: 0s, duration: 700ms, timeout: 9s}
faults:
  - {at: 100ms, do: kill, service: order}
  - {at: 200ms, do: restart, service: order}
  - {at: 220ms, do: restart, service: order}
  - {at: 221ms, do: restart, service: order}
END
    expect_exit 0 "$tracerig" run "$dir/again.yaml" --seed 5 --quiet --out "$dir/again" &&
        json_is "$dir/again/report.json" "['overtaken by the next' in e['text'] for e in r['events']]" "[False, True, True, False]" &&
        json_is "$dir/again/report.json" "all('until_s' in e for e in r['events'])" True &&
        if [ "$(json "$dir/again/report.json" "any('before the new one was ready' in e['text'] for e in r['events'])")" = True ]; then
            json_is "$dir/again/report.json" "$lives" "[(0, 'killed by signal 9'), (1, 'exit 0'), (2, 'exit 0')]"
        else # the machine stood still, and all were due before the process was seen to have ended
            json_is "$dir/again/report.json" "$lives" "[(0, 'killed by signal 9'), (1, 'exit 0')]"
        fi
}
check "a service that is restarted before it is ready becomes so, and starts again once" again_and_again

accident()
{
    # the same death without a fault behind it
    "$tracerig" run "$fleet" --quiet --out "$dir/accident" --set 'faults=[]' > "$dir/out" 2>&1 &
    runner=$!
    while [ ! -s "$dir/accident/roles/load.json" ]; do kill -0 $runner || return 1; done
    while ! pid=$(pgrep -f -- "--role $dir/accident/roles/order-1.json"); do kill -0 $runner || return 1; done
    while [ "$(stat -c %s "$dir/accident/spans/tap.bin" 2> /dev/null || echo 0)" -lt 1000 ]; do
        kill -0 $runner 2> /dev/null || { cat "$dir/out"; return 1; }
    done
    kill -9 "$pid"
    wait $runner
    [ $? -eq 1 ] || { cat "$dir/out"; return 1; }
    json_is "$dir/accident/report.json" "r['reason'].index('Every process ran') < r['reason'].index('Every process stopped cleanly')" True
}
check "the same death by accident is a verdict" accident

never()
{
    expect_run never 1 --set "faults.4.when=handled(order-1) > 100000" &&
        json_is "$dir/never/report.json" "[e['text'] for c in r['checks'] if c['id'] == 'processes' for e in c['evidence']]" \
            "['the fault \\'set order-1 routes.POST /orders.steps.0.steps.0.wait=\"20ms\"\\' never happened: handled(order-1) > 100000']"
}
check "a condition that never comes true is told" never

# Each fault is there for half a second, and must meet somebody: not on a machine that stands still meanwhile.
begin collector "$fleet" --seed 5 --set 'faults=[{at: 200ms, do: collector, fault: partial_success, with: {rejected: 3, count: 2}},
    {at: 500ms, do: collector, fault: delay, delay: 50ms, for: 700ms},
    {at: 1300ms, do: collector, fault: status, status: 503, retry_after: 1s, for: 700ms, probability: 0.7},
    {at: 2200ms, do: collector, fault: stall, for: 500ms}, {at: 3s, do: collector, fault: refuse, for: 500ms},
    {when: spans_received > 200, do: collector, fault: status, status: 429, for: 100ms}]'
collector()
{
    exited collector 0 &&
        json_is "$dir/collector/report.json" "sorted(e['text'].split(' (')[0] for e in r['events'])" \
            "['collector delay 50ms', 'collector partial_success', 'collector refuse', 'collector stall', 'collector status 429', 'collector status 503']" &&
        json_is "$dir/collector/report.json" "sum(e['requests'] for e in r['events']) == sum('\"hit\"' in l and '\"request\":0,' not in l for l in open('$dir/collector/spans/faults.jsonl')) > 5" True &&
        json_is "$dir/collector/report.json" "[sum('\"%s\"' % w in l and '\"refuse\"' in l for l in open('$dir/collector/spans/faults.jsonl')) for w in ('begin', 'hit', 'end')] == [1, sum(e['connections'] for e in r['events']), 1]" True &&
        json_is "$dir/collector/report.json" "[e['connections'] > 0 for e in r['events'] if e['text'] == 'collector refuse']" "[True]" &&
        json_is "$dir/collector/report.json" "r['spans']['started'] == r['spans']['accounted']" True &&
        json_is "$dir/collector/report.json" "r['spans']['retry_duplicates'] > 0" True &&
        json_is "$dir/collector/report.json" "0 < r['spans']['delivered_reported_lost_counted'] <= 6" True &&
        json_is "$dir/collector/report.json" "['by count only' in c['observed'] for c in r['checks'] if c['id'] == 'counter_lies']" "[True]" &&
        expect_exit 0 "$tracerig" report "$dir/collector" --format text && says "delivered, reported lost by count" &&
        grep -q 'collector_mock_fault_requests_total{fault="stall"} [1-9]' "$dir/collector/metrics/collector.prom"
}
check "the collector refuses in part, delays, refuses, stalls and goes away, and says what it did to which request" undisturbed 300 collector collector

cat > "$dir/components.yaml" << 'END'
# What faults of the collector's components cost is paid by trying again.
tracing: {schedule_delay: 100ms, export_timeout: 20s}
services: {order: {routes: {POST /orders: {steps: []}}}}
load: {route: order POST /orders, rate: 100, warmup: 0s, duration: 600ms, timeout: 9s}
collector:
  receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}
  processors: {memory_limiter: {check_interval: 1s, limit_mib: 100000}}
  exporters: {file: {path: spans/traces.bin, format: proto}}
  service:
    telemetry: {metrics: {address: '127.0.0.1:0'}}
    pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], exporters: [file]}}
faults:
  - {at: 10ms, do: collector, fault: memory_pressure, with: {count: 1}}
  - {at: 10ms, do: collector, fault: disk_full, with: {count: 1}}
END

components()
{
    expect_exit 0 "$tracerig" run "$dir/components.yaml" --seed 5 --quiet --out "$dir/components" &&
        json_is "$dir/components/report.json" "sorted((e['text'], e['requests']) for e in r['events'])" \
            "[('collector disk_full', 1), ('collector memory_pressure', 1)]" &&
        json_is "$dir/components/report.json" "(r['spans']['lost_total'], r['spans']['lost_unexplained'], r['spans']['started'] == r['spans']['accounted'])" "(0, 0, True)" &&
        json_is "$dir/components/report.json" "r['spans']['retry_duplicates'] > 0" True &&
        grep -q 'memory_limiter_refused_spans_total{processor="memory_limiter"} [1-9]' "$dir/components/metrics/collector.prom" &&
        grep -q 'send_failed_spans_total{exporter="file"} [1-9]' "$dir/components/metrics/collector.prom" &&
        grep -q '"event":"hit".*"kind":"memory_pressure".*"request":[1-9]' "$dir/components/spans/faults.jsonl" &&
        grep -q '"event":"hit".*"kind":"disk_full".*"exporter":"file"' "$dir/components/spans/faults.jsonl"
}
check "memory pressure meets the limiter and a full disk the file exporter, and both are survived" components

# A fault of a service does not care how many workers the collector has.
workers()
{
    expect_exit 0 "$tracerig" run "$dir/components.yaml" --seed 5 --quiet --out "$dir/workers" --set collector_workers=3 \
            --set 'faults=[{at: 200ms, do: slow, service: order, route: POST /orders, delay: 2ms, for: 100ms}]' &&
        json_is "$dir/workers/report.json" "(r['spans']['lost_total'], r['spans']['started'] == r['spans']['accounted'] > 0)" "(0, True)" &&
        grep -q 'ready: .* 3 workers' "$dir/workers/logs/collector.log"
}
check "several workers of the collector, and a fault of a service" workers
check "a fault of the collector wants one worker" refused "with faults of the collector it has one worker" -- \
    --set collector_workers=2 --set 'faults=[{at: 1s, do: collector, fault: stall, for: 1s}]'

wait
static() # all is handled by the new one, what the old one could not commit for the second time
{
    exited static 0 && json_is "$dir/static/report.json" \
        "[e['complete'] == e['calls'] > 50 and e['redelivered'] > 0 for e in r['edges'] if e['kind'] == 'kafka']" "[True]" &&
        grep -q 'its consumer gave up; a new one joins' "$dir/static/logs/audit-0.log"
}
check "a static member that is fenced gets a new consumer, and every message is handled" static
done_testing
