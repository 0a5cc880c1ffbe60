#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tracerig tune: a promise that is proved, one that cannot be made, and what it refuses.
. "$(dirname "$0")/tap.sh"

# tuned NAME CONCLUSION RATE SPANS BURST OPTION...: it concludes so, and tells a burst that was made from one that was not (4, on a
# starved machine) as its own confirming runs do. $last: those it concludes from, behind those after which it doubled the queue
tuned()
{
    name=$1 conclusion=$2 rate=$3 spans=$4 burst=$5
    shift 5
    "$tracerig" tune --rate "$rate" --spans-per-request "$spans" --burst "$burst" --seed 4 --out "$dir/$name" "$@" > "$dir/out" 2>&1
    got=$?
    last=$(ls -d "$dir/$name"/confirm-*-1 | sort -V | tail -n 1) && last=${last%-1}
    made=$(burst_made "$last" "$rate" "$burst")
    case "$made $got" in
    "True 0") says "$conclusion" && says "burst   the burst was made: " ;;
    "False 4") says "Not proved: the burst was not made: " ;;
    *) echo "exit $got, the burst was made: $made"; cat "$dir/out"; return 1 ;;
    esac
}

# burst_made RUNS RATE BURST: did these answer all that was due, the last of a burst within a quarter of the time to the next?
burst_made()
{
    python3 - "$@" << 'EOF'
import glob, json, sys
loads = [json.load(open(path))["load"] for path in glob.glob(sys.argv[1] + "-*/report.json")]
within_ns = max(load["latency"].get("p99", load["latency"].get("max", 0)) for load in loads)
answered = all(load["requests"] == load["ok"] > 0 for load in loads)
print(answered and 0 < within_ns <= float(sys.argv[3]) / float(sys.argv[2]) * 1e9 / 4)
EOF
}

# Whether or not the burst was made: the queue holds one, and dropped nothing of what came. $spans and $burst as tuned has them.
dropped_nothing() # dropped_nothing REPORT
{
    json_is "$1" "r['sdk'][0]['queue_capacity'] >= $spans * $burst, r['sdk'][0]['drops'], r['spans']['lost_total']" "(True, {}, 0)"
}

proved()
{
    tuned tune "Promised and proved" 200 5 100 --collector-latency 20ms &&
        says "OTEL_BSP_MAX_QUEUE_SIZE=" && says "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=" &&
        says "OTEL_BSP_SCHEDULE_DELAY=" && says "OTEL_BSP_EXPORT_TIMEOUT=30000" &&
        says "OTEL_EXPORTER_OTLP_TIMEOUT=30000" &&
        dropped_nothing "$last-1/report.json" &&
        json_is "$last-1/report.json" "r['load']['arrival']" burst &&
        json_is "$last-1/report.json" "r['spans']['per_request']" 5.0 &&
        json_is "$last-1/report.json" "r['sdk'][0]['export_latency']['mean_ns'] > 20e6" True
}
check "a recommendation is proved by a run that drops nothing" proved

over_grpc()
{
    tuned grpc "Promised and proved" 150 5 60 --collector-latency 10ms --protocol grpc --confirm 2 &&
        says "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" && says "in 2 confirming runs" &&
        dropped_nothing "$last-1/report.json" && dropped_nothing "$last-2/report.json" &&
        grep -q '"protocol": *"grpc"\|protocol: grpc' "$last-1/scenario.yaml"
}
check "the same over gRPC, confirmed twice" over_grpc

none()
{
    tuned small "No promise: this memory does not hold" 400 10 200 --memory 256KiB &&
        says "costs   only of the " && says "of 4000 spans/s" && says "memory  at most 256 KiB" &&
        json_is "$last-1/report.json" "r['sdk'][0]['drops']['queue_full'] > 0" True &&
        json_is "$last-1/report.json" "r['spans']['lost_unexplained']" 0
}
check "where memory does not hold a burst it promises nothing and says what it drops" none

# At random instants: this seed draws 63 requests where 80 are the mean. What was due is what must be made.
steady()
{
    "$tracerig" tune --rate 20 --spans-per-request 1 --memory 2KiB --seed 1 --out "$dir/steady" > "$dir/out" 2>&1
    got=$? # 4: a machine that stood still did not make what was due, which it says then
    made=$(json "$dir/steady/confirm-1-1/report.json" "r['load']['rate_achieved'] >= 0.97 * r['load']['requests'] / r['load']['measured_s']")
    case "$made $got" in
    "True 0") says "No promise: this memory does not hold" ;;
    "False 4") says "of the 16 requests/s that were due" ;;
    *) echo "exit $got, what was due was made: $made"; cat "$dir/out"; return 1 ;;
    esac && json_is "$dir/steady/confirm-1-1/report.json" "r['load']['arrival'], r['load']['requests']" "('poisson', 63)"
}
check "a steady load is held against what was due, not against the mean" steady

wrong() # wrong TEXT OPTION...
{
    text=$1
    shift
    expect_exit 2 "$tracerig" tune --out "$dir/wrong" "$@" && says "$text" && [ ! -e "$dir/wrong" ]
}
check "a protocol that is none" wrong "expected http/protobuf or grpc" --rate 5 --spans-per-request 3 --protocol thrift
check "no rate" wrong "--rate is missing" --spans-per-request 3
check "no spans" wrong "--spans-per-request is missing" --rate 5
check "a rate that is no number" wrong "--rate 'fast'" --rate fast --spans-per-request 3
check "a latency without a unit" wrong "a duration up to 60s" --rate 5 --spans-per-request 3 --collector-latency 5
check "memory without a number" wrong "expected bytes, such as 16MiB" --rate 5 --spans-per-request 3 --memory lots
check "memory whose unit was forgotten" wrong "16 bytes hold no span that waits and one under way" --rate 5 --spans-per-request 3 --memory 16
check "memory that holds one span" wrong "a unit, such as 16MiB?" --rate 5 --spans-per-request 3 --memory 2047
: > "$dir/file"
check "a directory that cannot be made is the environment's fault" expect_exit 3 "$tracerig" tune --rate 5 --spans-per-request 3 \
    --out "$dir/file/below"
check "a directory that holds a tuning is not written over" expect_exit 2 "$tracerig" tune --rate 5 --spans-per-request 3 --out "$dir/tune"
done_testing
