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

# seen_left NAME ARGUMENT DIR: a process left in DIR with that command line's end is seen, beside a run of another name it is not
seen_left()
{
    mkdir -p "$dir/$1" "$3"
    python3 -c 'import os, sys
os.chdir(sys.argv[2])
os.execvp("sleep", [sys.argv[1], "120"])' "tracerig run checkout.yaml --out $2" "$3" &
    planted=$!
    tries=0
    until [ "$(readlink "/proc/$planted/exe")" = "$(readlink -f "$(command -v sleep)")" ]; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || break
        sleep 0.1
    done
    seen=$(left_of "$dir/$1") beside=$(left_of "$dir/${1%?}")
    kill -KILL $planted
    wait $planted 2> /dev/null
    after=$(left_of "$dir/$1")
    [ "$(echo "$seen" | awk '{print $1}')" = "$planted" ] && [ -z "$beside$after" ] && return 0
    echo "seen: $seen; beside: $beside; after: $after"
    return 1
}
check "a process that names the run's directory last is seen as left" seen_left planted-1 "$dir/planted-1" /
check "... one that names a file below it" seen_left planted-2 "$dir/planted-2/spans/tap.bin --quiet" /
check "... one that works below it" seen_left planted-3 elsewhere "$dir/planted-3/logs"

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

# The first of four runs is stopped: the page names the other three.
after_interrupted_set()
{
    "$tracerig" run scenarios/checkout.yaml scenarios/baggage.yaml --repeat 2 --quiet --set load.warmup=1s \
        --set load.duration=60s --set load.rate=50 --out "$dir/set" > "$dir/set.out" 2>&1 &
    runner=$!
    while [ "$(stat -c %s "$dir/set/checkout-1/spans/tap.bin" 2> /dev/null || echo 0)" -lt 1000 ]; do
        kill -0 $runner 2> /dev/null || { cat "$dir/set.out"; return 1; }
        sleep 0.1
    done
    kill -INT $runner
    wait $runner
    got=$?
    [ $got -eq 130 ] || { echo "exit $got"; cat "$dir/set.out"; return 1; }
    nothing_left "$dir/set/checkout-1" && nothing_outside &&
        json_is "$dir/set/set.json" "[(x['scenario'], x['nth'], x['verdict']) for x in r['runs']]" \
            "[('checkout', 1, 'none'), ('checkout', 2, 'not_begun'), ('baggage', 1, 'not_begun'), ('baggage', 2, 'not_begun')]" &&
        json_is "$dir/set/set.json" "r['counts']['none'], r['counts']['not_begun']" "(1, 3)" &&
        grep -q '1 without a verdict, 3 not begun' "$dir/set/index.html" && grep -q '3 not begun' "$dir/set.out" &&
        [ "$(grep -c 'badge not_begun' "$dir/set/index.html")" -eq 3 ] && [ "$(grep -c '<skipped' "$dir/set/junit.xml")" -ge 3 ]
}
check "after Ctrl-C in a set: the page lists the runs that were not begun" after_interrupted_set

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

# ---- each phase, with a foreign child that double-forks ------------------------------------------

# The child starts a grandchild in a session of its own and lets go of it, then serves (or never
# answers: PLAIN_MODE=deaf). Program files of their own names show what is left.
cp "$(dirname "$tracerig")/plain-service" "$dir/plain-service" && cp "$(command -v sleep)" "$dir/escapee" || exit 3
cat > "$dir/daemon" << SH
#!/bin/sh
(setsid sh -c '"$dir/escapee" 600 & "$dir/escapee" 600' > /dev/null 2>&1 &)
[ "\$PLAIN_MODE" = deaf ] && exec "$dir/escapee" 600
exec "$dir/plain-service"
SH
mkdir -p "$dir/bin" # a gnuplot that hangs, for the end of a run
printf '#!/bin/sh\n: > "%s/plotting"\nexec "%s/escapee" 600\n' "$dir" "$dir" > "$dir/bin/gnuplot"
chmod +x "$dir/daemon" "$dir/bin/gnuplot"
sed "s|^    command: .*|    command: $dir/daemon|" harness/tests/plain-payment.yaml > "$dir/daemon.yaml"

escaped() # programs of ours that are left
{
    find /proc -maxdepth 2 -name exe -lname "$dir/*" 2> /dev/null | cut -d/ -f3
}

none_escaped()
{
    tries=0
    while left=$(escaped) && [ -n "$left" ]; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || { echo "left running: $left"; kill -9 $left; return 1; }
        sleep 0.1
    done
}

until_true() # until_true COMMAND...: within a minute, while the run is there
{
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] && kill -0 $runner 2> /dev/null || { tail -n 3 "$dir/out"; kill -9 $runner; return 1; }
        sleep 0.1
    done
}

# Is that phase reached?
has_escaped() { [ "$(escaped | wc -l)" -ge 3 ]; }
in_start() { has_escaped; }
in_load() { has_escaped && grep -q measure "$dir/out"; }
in_drain() { has_escaped && grep -q drain "$dir/out"; }
in_judge() { [ -e "$dir/plotting" ]; }

# ended NAME SIGNAL PHASE STATUS OPTION...: the signal comes in that phase
ended()
{
    name=$1 signal=$2 phase=$3 want=$4 file=daemon.yaml path=$PATH
    shift 4
    [ "$phase" != drain ] || file=slow.yaml
    [ "$phase" != judge ] || path=$dir/bin:$PATH
    rm -f "$dir/plotting"
    # a shell starts what it does not wait for with SIGINT ignored
    env --default-signal=INT PATH="$path" "$tracerig" run "$dir/$file" --out "$dir/$name" "$@" > "$dir/out" 2>&1 &
    runner=$!
    until_true "in_$phase" || return 1
    kill "-$signal" $runner
    wait $runner 2> /dev/null
    got=$?
    [ $got -eq "$want" ] || { echo "exit $got, expected $want"; cat "$dir/out"; return 1; }
    none_escaped && nothing_left "$dir/$name" && nothing_outside || return 1
    case $signal-$phase in
    INT-start) grep -q 'interrupted before the load began: [a-z0-9-]* was not ready yet$' "$dir/out" || { cat "$dir/out"; return 1; } ;;
    INT-judge) says "interrupted while drawing: report.json is whole; tracerig report $dir/$name draws it" ;;
    esac
    # judged again it has no verdict either, unless it had been judged before
    case $phase-$signal in
    judge-*) ;;
    *-KILL) expect_exit 4 "$tracerig" verify "$dir/$name" && says "it has no run.json" ;;
    *) expect_exit 130 "$tracerig" verify "$dir/$name" && says "The run was interrupted" ;;
    esac
}

with_daemon()
{
    expect_exit 0 "$tracerig" run "$dir/daemon.yaml" --quiet --out "$dir/daemon-ok" && none_escaped &&
        nothing_left "$dir/daemon-ok" && nothing_outside
}
check "after success, with a child that double-forks" with_daemon

long="--set load.duration=60s"
deaf="--set services.payment.env.PLAIN_MODE=deaf"
# a consumer that takes 30 s for a message keeps the drain waiting
sed -e "/^load:/i\\  stock:\n    consumers: {order.created: {steps: [{wait: 30s}]}}\ntopics: {order.created: {partitions: 1}}" \
    -e "s|^          - call: payment.*|&\n          - publish: order.created|" "$dir/daemon.yaml" > "$dir/slow.yaml"
slow="--set load.rate=20 --set load.duration=500ms"
for case in "INT 130" "KILL 137"; do
    signal=${case% *} status=${case#* }
    # shellcheck disable=SC2086
    check "after $signal during the start, with one" ended "start-$signal" $signal start $status $deaf
    # shellcheck disable=SC2086
    check "after $signal under load, with one" ended "load-$signal" $signal load $status $long
    # shellcheck disable=SC2086
    check "after $signal in the drain, with one" ended "drain-$signal" $signal drain $status $slow
    check "after $signal while judging and plotting" ended "judge-$signal" $signal judge $status
done
done_testing
