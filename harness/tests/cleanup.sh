#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whatever way a run ends, nothing of it is left running and nothing lies outside its directory.
. "$(dirname "$0")/tap.sh"
TMPDIR=$dir/tmp
export TMPDIR
mkdir -p "$TMPDIR"

start_run() # start_run NAME: in the background, until the load has begun
{
    "$tracerig" run scenarios/checkout.yaml --set load.warmup=1s --set load.duration=60s --set load.rate=50 \
        --out "$dir/$1" > "$dir/$1.out" 2>&1 &
    runner=$!
    while [ "$(stat -c %s "$dir/$1/spans/tap.bin" 2> /dev/null || echo 0)" -lt 1000 ]; do
        kill -0 $runner 2> /dev/null || { cat "$dir/$1.out"; return 1; }
        sleep 0.1
    done
}

nothing_outside()
{
    stray=$(find "$TMPDIR" -mindepth 1)
    [ -z "$stray" ] || { echo "left on disk: $stray"; return 1; }
}

after_success()
{
    expect_exit 0 "$tracerig" run scenarios/checkout.yaml --set load.warmup=0s --set load.duration=1s \
        --set load.rate=50 --quiet --out "$dir/success" && nothing_left "$dir/success" && nothing_outside
}
check "after success" after_success

after_interrupt()
{
    start_run interrupt || return 1
    kill -INT $runner
    wait $runner
    got=$?
    [ $got -eq 130 ] || { echo "exit $got"; cat "$dir/interrupt.out"; return 1; }
    nothing_left "$dir/interrupt" && nothing_outside && [ -s "$dir/interrupt/report.json" ] &&
        json_is "$dir/interrupt/report.json" "r['exit_status']" 130
}
check "after Ctrl-C: exit 130, the partial result is kept" after_interrupt

after_term()
{
    start_run term || return 1
    kill -TERM $runner
    wait $runner
    got=$?
    [ $got -eq 130 ] || { echo "exit $got"; return 1; }
    nothing_left "$dir/term" && nothing_outside
}
check "after SIGTERM" after_term

after_kill()
{
    start_run kill || return 1
    kill -KILL $runner
    wait $runner 2> /dev/null
    nothing_left "$dir/kill" && nothing_outside
}
check "after kill -9 of the runner" after_kill

after_guardian()
{
    start_run guardian || return 1
    guard=$(pgrep -P $runner)
    kill -KILL "$guard"
    wait $runner
    got=$?
    [ $got -ne 0 ] || { echo "exit 0"; return 1; }
    nothing_left "$dir/guardian"
}
check "after kill -9 of the guardian" after_guardian
done_testing
