#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What goes wrong around a run is told clearly, with the right exit status, and leaves nothing behind.
. "$(dirname "$0")/tap.sh"

short="--set load.warmup=0s --set load.duration=2s --set load.rate=50"

missing_file() { expect_exit 2 "$tracerig" run "$dir/none.yaml" && says "none.yaml" && says "No such file"; }
check "a scenario file that is not there" missing_file

unreadable()
{
    mkdir -p "$dir/adir.yaml"
    expect_exit 2 "$tracerig" validate "$dir/adir.yaml" && says "adir.yaml"
}
check "a scenario that cannot be read" unreadable

bad_set() { expect_exit 2 "$tracerig" run scenarios/checkout.yaml --set load.raet=5 && says "rate"; }
check "an override of something that does not exist names the nearest" bad_set

bad_option() { expect_exit 2 "$tracerig" run scenarios/checkout.yaml --quite && says "did you mean --quiet?"; }
check "an unknown option names the nearest" bad_option

bad_command() { expect_exit 2 "$tracerig" rnu && says "run"; }
check "an unknown command names the nearest" bad_command

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

full_disk()
{
    # 16 MiB a file: the ledger's segments fit, the tap of a busy run does not
    # shellcheck disable=SC2086
    (ulimit -f 2048; exec "$tracerig" run scenarios/checkout.yaml $short --out "$dir/full" > "$dir/out" 2>&1)
    got=$?
    case $got in
    1|3) ;;
    *) echo "exit $got"; cat "$dir/out"; return 1 ;;
    esac
    ! grep -qiE "signal (7|25)|SIGBUS|SIGXFSZ" "$dir/out" || { cat "$dir/out"; return 1; }
    grep -qiE "too large|no space|allocate" "$dir/out" && nothing_left "$dir/full"
}
check "a full disk is told, not a crash" full_disk

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
