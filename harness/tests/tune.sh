#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tracerig tune: a promise that is proved, one that cannot be made, and what it refuses.
. "$(dirname "$0")/tap.sh"

# tuned CONCLUSION OPTION...: it concludes so; on a starved machine the burst may not be made (4), and it says so
tuned()
{
    conclusion=$1
    shift
    "$tracerig" tune "$@" > "$dir/out" 2>&1
    got=$?
    case $got in
    0) says "$conclusion" && says "burst   the burst was made: " ;;
    4) says "Not proved: the burst was not made: its " ;;
    *) echo "exit $got"; cat "$dir/out"; return 1 ;;
    esac
}

proved()
{
    tuned "Promised and proved" --rate 200 --spans-per-request 5 --burst 100 --collector-latency 20ms --seed 4 --out "$dir/tune" &&
        says "OTEL_BSP_MAX_QUEUE_SIZE=" && says "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=" &&
        says "OTEL_BSP_SCHEDULE_DELAY=" && says "OTEL_BSP_EXPORT_TIMEOUT=30000" &&
        says "OTEL_EXPORTER_OTLP_TIMEOUT=30000" &&
        json_is "$dir/tune/confirm-1-1/report.json" "r['sdk'][0]['drops']" "{}" &&
        json_is "$dir/tune/confirm-1-1/report.json" "r['spans']['lost_total']" 0 &&
        json_is "$dir/tune/confirm-1-1/report.json" "r['load']['arrival']" burst &&
        json_is "$dir/tune/confirm-1-1/report.json" "r['spans']['per_request']" 5.0 &&
        json_is "$dir/tune/confirm-1-1/report.json" "r['sdk'][0]['export_latency']['mean_ns'] > 20e6" True
}
check "a recommendation is proved by a run that drops nothing" proved

over_grpc()
{
    tuned "Promised and proved" --rate 150 --spans-per-request 5 --burst 60 --collector-latency 10ms --protocol grpc --confirm 2 \
        --seed 4 --out "$dir/grpc" &&
        says "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" && says "in 2 confirming runs" &&
        json_is "$dir/grpc/confirm-1-2/report.json" "r['sdk'][0]['drops'], r['spans']['lost_total']" "({}, 0)" &&
        grep -q '"protocol": *"grpc"\|protocol: grpc' "$dir/grpc/confirm-1-1/scenario.yaml"
}
check "the same over gRPC, confirmed twice" over_grpc

none()
{
    tuned "No promise: this memory does not hold" --rate 400 --spans-per-request 10 --burst 200 --memory 256KiB --seed 4 \
        --out "$dir/small" && says "costs   only of the " && says "of 4000 spans/s" &&
        json_is "$dir/small/confirm-1-1/report.json" "r['sdk'][0]['drops']['queue_full'] > 0" True &&
        json_is "$dir/small/confirm-1-1/report.json" "r['spans']['lost_unexplained']" 0
}
check "where memory does not hold a burst it promises nothing and says what it drops" none

# At random instants: this seed draws 63 requests where 80 are the mean. What was due is what must be made.
steady()
{
    expect_exit 0 "$tracerig" tune --rate 20 --spans-per-request 1 --memory 1KiB --seed 1 --out "$dir/steady" &&
        json_is "$dir/steady/confirm-1-1/report.json" "r['load']['arrival'], r['load']['requests']" "('poisson', 63)"
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
check "a directory that holds a tuning is not written over" expect_exit 2 "$tracerig" tune --rate 5 --spans-per-request 3 --out "$dir/tune"
done_testing
