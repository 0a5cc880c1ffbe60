#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What goes wrong around a run is told clearly, with the right exit status, and leaves nothing behind.
. "$(dirname "$0")/tap.sh"

short="--set load.warmup=0s --set load.duration=2s --set load.rate=50"

missing_file() { expect_exit 2 "$tracerig" run "$dir/none.yaml" && says "none.yaml" && says "No such file"; }
check "a scenario file that is not there" missing_file

misspelt()
{
    expect_exit 2 "$tracerig" run scenarios/chekout.yaml && says "did you mean 'scenarios/checkout.yaml'?" &&
        expect_exit 2 "$tracerig" validate bagage && says "did you mean 'scenarios/baggage.yaml'?"
}
check "... the nearest that is" misspelt

unreadable()
{
    mkdir -p "$dir/adir.yaml"
    expect_exit 2 "$tracerig" validate "$dir/adir.yaml" && says "adir.yaml"
}
check "a scenario that cannot be read" unreadable

# A file without permission: as root by a user who may not read it.
forbidden()
{
    echo "services: {}" > "$dir/forbidden.yaml"
    chmod 000 "$dir/forbidden.yaml"
    if [ "$(id -u)" -eq 0 ]; then
        chmod 711 "$dir" && cp "$tracerig" "$dir/tracerig" && chmod 755 "$dir/tracerig" || return 1
        expect_exit 2 setpriv --reuid 65534 --clear-groups "$dir/tracerig" validate "$dir/forbidden.yaml"
    else
        expect_exit 2 "$tracerig" validate "$dir/forbidden.yaml"
    fi && says "forbidden.yaml" && says "Permission denied"
}
if [ "$(id -u)" -ne 0 ] || setpriv --reuid 65534 --clear-groups true 2> /dev/null; then
    check "a scenario without permission to read" forbidden
else
    tests=$((tests + 1))
    echo "ok $tests - a scenario without permission to read # SKIP root reads everything, and cannot be anybody else here"
fi

bad_set() { expect_exit 2 "$tracerig" run scenarios/checkout.yaml --set load.raet=5 && says "rate"; }
check "an override of something that does not exist names the nearest" bad_set

bad_option() { expect_exit 2 "$tracerig" run scenarios/checkout.yaml --quite && says "did you mean --quiet?"; }
check "an unknown option names the nearest" bad_option

bad_command() { expect_exit 2 "$tracerig" rnu && says "run"; }
check "an unknown command names the nearest" bad_command

# ---- what cannot be claimed or done: told at its place, and nothing is started -------------------

cannot() # cannot TEXT PATH=VALUE: of scenarios/checkout.yaml, whose load lasts 17 s
{
    expect_exit 2 "$tracerig" run scenarios/checkout.yaml --out "$dir/cannot" --set "$2" && says "--set ${2%%=*}=" && says "$1" || return 1
    [ ! -e "$dir/cannot" ] || { echo "a run directory was made"; return 1; }
}

claims()
{
    cannot "did you mean 'latency'?" "expect.thresholds=['load.latncy.p99 < 50ms']" &&
        cannot "no row 'paymnt' in services (did you mean 'payment'?)" "expect.thresholds=['services[paymnt].cpu_s < 1s']" &&
        cannot "'load' is not one figure" "expect.thresholds=['load < 5ms']" &&
        cannot "the unit 'MB' does not fit: the figure is a time" "expect.thresholds=['load.latency.p99 < 50MB']" &&
        cannot "a time needs a unit" "expect.thresholds=['load.latency.p99 < 50']" &&
        cannot "the figure is a count, which has no unit" "expect.thresholds=['spans.lost_unexplained == 0ms']" &&
        cannot "unknown operator '<<'" "expect.thresholds=['load.latency.p99 << 5ms']"
}
check "thresholds on paths that do not exist, with units that do not fit" claims

when()
{
    cannot "impossible time: at 99s the load is over" "faults=[{at: 99s, do: kill, service: order}]" &&
        cannot "expected a duration such as 250ms, found the text '-1s'" "faults=[{at: -1s, do: kill, service: order}]" &&
        cannot "expected a duration such as 250ms, found the number 5" "faults=[{at: 5, do: kill, service: order}]" &&
        cannot "not both 'at' and 'when'" "faults=[{at: 1s, when: spans_received > 5, do: kill, service: order}]" &&
        cannot "a fault needs 'at: TIME'" "faults=[{do: kill, service: order}]" &&
        cannot "order-0 is already dead at that time" "faults=[{at: 1s, do: kill, service: order}, {at: 2s, do: kill, service: order}]" &&
        cannot "order-0 is not stopped at that time" "faults=[{at: 2s, do: continue, service: order}]" &&
        cannot "the run could not end" "faults=[{at: 2s, do: stop, service: order}]" &&
        cannot "is no condition" "faults=[{when: spans_received = 5, do: kill, service: order}]"
}
check "faults at impossible times" when

whom()
{
    cannot "unknown service 'ordre' (did you mean 'order'?)" "faults=[{at: 1s, do: kill, service: ordre}]" &&
        cannot "there is no replica 7" "faults=[{at: 1s, do: kill, service: order, replica: 7}]" &&
        cannot "there is no 'ordre-0' (did you mean 'order-0'?)" "faults=[{when: handled(ordre-0) > 5, do: kill, service: order}]" &&
        cannot "unknown word 'kil' (did you mean 'kill'?)" "faults=[{at: 1s, do: kil, service: order}]" &&
        cannot "the embedded broker cannot be stopped or restarted" "faults=[{at: 1s, do: restart, service: broker}]" &&
        cannot "the collector is no service" "faults=[{at: 1s, do: kill, service: collector}]"
}
check "faults on what is not there, or cannot be restarted" whom

where()
{
    { cat harness/tests/plain-payment.yaml && printf 'faults:\n  - {at: 500ms, do: kill, service: paymnt}\n'; } > "$dir/where.yaml"
    expect_exit 2 "$tracerig" run "$dir/where.yaml" --out "$dir/cannot" &&
        says "where.yaml:$(wc -l < "$dir/where.yaml"):36: fault on the unknown service 'paymnt' (did you mean 'payment'?)"
}
check "... with file, line and column" where

taken_out()
{
    mkdir -p "$dir/taken"
    echo '{}' > "$dir/taken/report.json"
    expect_exit 2 "$tracerig" run scenarios/checkout.yaml --out "$dir/taken" && says "holds a report already"
}
check "a directory that holds a report is not overwritten" taken_out

taken_port()
{
    python3 - "$dir" <<'PY' &
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(1)
open(sys.argv[1] + "/port.tmp", "w").write("%d\n" % s.getsockname()[1])
import os; os.rename(sys.argv[1] + "/port.tmp", sys.argv[1] + "/port")
time.sleep(60)
PY
    holder=$!
    while [ ! -s "$dir/port" ]; do kill -0 $holder || return 1; done
    port=$(cat "$dir/port")
    # shellcheck disable=SC2086
    expect_exit 3 "$tracerig" run scenarios/checkout.yaml $short --out "$dir/taken-port" \
        --set collector.receivers.otlp.protocols.http.endpoint="127.0.0.1:$port"
    ok=$?
    kill $holder
    [ $ok -eq 0 ] && says "$port" && says "in use" && nothing_left "$dir/taken-port"
}
check "a taken port is a fault that names the port" taken_port

no_gnuplot()
{
    mkdir -p "$dir/bin"
    for p in sh env; do ln -sf "$(command -v $p)" "$dir/bin/$p"; done
    # shellcheck disable=SC2086
    expect_exit 0 env PATH="$dir/bin" "$tracerig" run scenarios/checkout.yaml $short --quiet --out "$dir/no-gnuplot" &&
        grep -qi "gnuplot" "$dir/no-gnuplot/report.html"
}
check "without gnuplot the report is made and names the missing plots" no_gnuplot

full_disk() # LIMIT in blocks of 512 bytes: 9 = not even the runner's files, 2048 = no ledger segment
{
    # shellcheck disable=SC2086
    (ulimit -f "$1"; exec "$tracerig" run scenarios/checkout.yaml $short --out "$dir/full$1" > "$dir/out" 2>&1)
    got=$?
    [ $got -eq 3 ] || { echo "exit $got"; cat "$dir/out"; return 1; }
    grep -qiE "too large|no space|allocate" "$dir/out" && nothing_left "$dir/full$1"
}
check "a full disk is told, not a crash: the runner's own files" full_disk 9
check "a full disk is told, not a crash: the ledger" full_disk 2048

# A file system of its own that fills up while the load runs: told as that, and nothing is left.
fills_up()
{
    mkdir -p "$dir/small"
    # shellcheck disable=SC2016
    unshare --mount sh -c 'mount -t tmpfs -o size=120m tmpfs "$1" || exit 99
        "$2" run harness/tests/players.yaml --set load.warmup=0s --set load.duration=4s --out "$1/run" > "$3" 2>&1 &
        runner=$!
        while [ "$(stat -c %s "$1/run/spans/tap.bin" 2> /dev/null || echo 0)" -lt 1000 ]; do
            kill -0 $runner 2> /dev/null || exit 98
            sleep 0.1
        done
        dd if=/dev/zero of="$1/filler" bs=64k 2> /dev/null # all there is
        dd if=/dev/zero of="$1/more" bs=1 2> /dev/null
        wait $runner' fills "$dir/small" "$tracerig" "$dir/out"
    got=$?
    [ $got -eq 3 ] || { echo "exit $got"; cat "$dir/out"; return 1; }
    says "no verdict" && says "No space left on device" && nothing_left "$dir/small"
}
if [ "$(id -u)" -eq 0 ] && unshare --mount sh -c 'mount -t tmpfs tmpfs /mnt' 2> /dev/null; then
    check "a file system that fills up under load is told, and nothing is left running" fills_up
else
    tests=$((tests + 1))
    echo "ok $tests - a file system that fills up under load # SKIP needs root to mount one"
fi

report_full()
{
    # shellcheck disable=SC2086
    expect_exit 0 "$tracerig" run scenarios/checkout.yaml $short --quiet --out "$dir/whole" || return 1
    (ulimit -f 20; exec "$tracerig" report "$dir/whole" > "$dir/out" 2>&1)
    got=$?
    [ $got -eq 3 ] && says "report.html" && says "too large"
}
check "a report that cannot be written is told" report_full

killed() # killed WHICH PATTERN: our own child dies in mid-run: no verdict, and soon
{
    "$tracerig" run scenarios/checkout.yaml --set load.warmup=0s --set load.duration=6s --set load.rate=100 \
        --out "$dir/$1" > "$dir/out" 2>&1 &
    runner=$!
    while [ "$(stat -c %s "$dir/$1/spans/tap.bin" 2> /dev/null || echo 0)" -lt 3000 ]; do
        kill -0 $runner 2> /dev/null || { cat "$dir/out"; return 1; }
        sleep 0.1
    done
    pkill -9 -f "$2 --role $dir/$1/"
    wait $runner
    got=$?
    [ $got -eq 3 ] || { echo "exit $got"; cat "$dir/out"; return 1; }
    json_is "$dir/$1/report.json" "r['verdict']" none && json_is "$dir/$1/report.json" "'signal 9' in r['reason']" True &&
        nothing_left "$dir/$1" && expect_exit 3 "$tracerig" verify "$dir/$1"
}
check "a load client killed in mid-run: the environment failed, also when judged again" killed load-dies load-client
check "a broker killed in mid-run: the environment failed, also when judged again" killed broker-dies broker

collector_killed()
{
    "$tracerig" run scenarios/checkout.yaml --set load.warmup=0s --set load.duration=6s --set load.rate=100 \
        --out "$dir/killed" > "$dir/out" 2>&1 &
    runner=$!
    while [ ! -s "$dir/killed/hdr/response.hlog" ] && kill -0 $runner 2> /dev/null; do :; done
    while ! pid=$(pgrep -f "collector-mock --config $dir/killed/"); do kill -0 $runner || return 1; done
    tries=0
    while [ "$(stat -c %s "$dir/killed/spans/tap.bin" 2> /dev/null || echo 0)" -lt 1000 ]; do
        kill -0 $runner 2> /dev/null || { cat "$dir/out"; return 1; }
    done
    kill -9 "$pid"
    wait $runner
    got=$?
    [ $got -eq 1 ] || { echo "exit $got"; cat "$dir/out"; return 1; }
    json_is "$dir/killed/report.json" "r['verdict']" fail &&
        json_is "$dir/killed/report.json" "[c['verdict'] for c in r['checks'] if c['id'] == 'processes']" "['fail']" &&
        json_is "$dir/killed/report.json" "r['spans']['started'] == r['spans']['accounted']" True &&
        json_is "$dir/killed/report.json" "r['spans']['lost_unexplained']" 0
}
check "a collector killed in mid-run is a verdict, and the books still balance" collector_killed
done_testing
