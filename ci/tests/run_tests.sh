#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ci/run-tests names each failure with its reason, however much the test says afterwards, counts right, and runs a
# failed test again only where the machine stood still.
. "$(dirname "$0")/../../harness/tests/tap.sh"
unset T COUNT_FILE QUIET_TOTAL JOBS TEST_TIMEOUT LAST REPEATED_FILE
export MACHINE_NOTES=/dev/null # this machine may well stand still while this runs

planted() # planted NAME: a test of what stands on stdin
{
    { printf '. "%s"\n' "$dir/lib.sh"; cat; } > "$dir/$1.sh"
}
cat > "$dir/lib.sh" << 'EOF'
long() { seq 1 "$1" | sed 's/^/# table /'; }
which_time() # which_time NAME: how often it ran, with this one
{
    echo x >> "$dir/$1.times"
    wc -l < "$dir/$1.times"
}
# stall SECONDS [STOLEN]: what the watcher would say, had the machine stood still for so long just now, or had STOLEN ticks of 100
stall() { sleep 0.7; awk -v late="$1" -v stolen="${2:-0}" '{printf "0 %.2f %.2f %.2f %d 100\n", $1 - late - 1, $1, late, stolen}' /proc/uptime >> "$MACHINE_NOTES"; }
EOF
export dir

run() # run STATUS NAME...
{
    want=$1
    shift
    set -- $(printf "$dir/%s.sh " "$@")
    expect_exit "$want" sh ci/run-tests "$@"
}
before() { sed '/^failed:/,$d' "$dir/out"; } # what is told of each test as it ends
after() { sed -n '/^failed:/,$p' "$dir/out"; } # the list at the end

planted good << 'EOF'
printf 'ok 1 - a\nok 2 - b # skip because\nnot ok 3 - c # TODO one day\n# NOT A REASON\n1..3\n'
EOF
planted early << 'EOF'
printf 'ok 1 - a\nnot ok 2 - the row\n# its reason\n'
printf 'ERROR: 0 of 2,\nwanted 2\n' >&2
long 20
printf 'ok 3 - c\n'
echo "  a table:"
long 300
exit 1
EOF
counted()
{
    run 1 good early && says "3 passed, 1 failed, 1 skipped" || return 1
    ! grep -q "NOT A REASON" "$dir/out"
}
check "passed, failed, skipped and expected failures are counted" counted
early()
{
    run 1 early && before | grep -q '| not ok 2 - the row' && before | grep -q '| # its reason' && before | grep -q '| wanted 2' && before | grep -q '| # table 300'
}
check "a failure above a long table is told with its reason, and the last lines too" early
listed()
{
    after | grep -q 'FAIL .*early.sh (exit 1' && after | grep -q 'not ok 2 - the row' && after | grep -q '# its reason' &&
        after | grep -q 'ERROR: 0 of 2' && [ "$(after | wc -l)" -lt 25 ]
}
check "... and again at the end, shorter" listed

planted many << 'EOF'
for i in $(seq 1 30); do printf "not ok $i - row $i\n# reason $i\n"; long 60; done
EOF
many()
{
    run 1 many && says "not ok 10 - row 10" && says "# reason 10" && says "... 20 failures more" && says "... 21 lines more" || return 1
    ! grep -q 'row 11' "$dir/out"
}
check "of many failures ten are told, of a long reason forty lines" many

planted crash << 'EOF'
printf 'ok 1 - a\n'
echo "the last word" >&2
kill -SEGV $$
EOF
crash()
{
    run 1 crash && says "(exit 139" && says "1 passed, 1 failed, 0 skipped" && after | grep -q "the last word"
}
check "one that ends by a signal fails, with its last words in the list" crash

planted sanitizer << 'EOF'
printf 'ok 1 - a\n'
printf '==5==ERROR: AddressSanitizer: heap-use-after-free\n    #0 in guilty\nSUMMARY: AddressSanitizer\n' >&2
long 100 >&2
exit 1
EOF
sanitizer()
{
    run 1 sanitizer && before | grep -q '#0 in guilty' && after | grep -q '#0 in guilty'
}
check "the place that a sanitizer names is told, whatever follows" sanitizer

planted slow << 'EOF'
echo 'ok 1 - a'
sleep 100
EOF
slow() { TEST_TIMEOUT=1 run 1 slow && says "(exit 124" && says "ran into the time limit"; }
check "one that runs into the time limit fails" slow
planted silent << 'EOF'
exit 0
EOF
silent() { run 1 silent && says "0 passed, 1 failed, 0 skipped"; }
check "one that says nothing fails" silent

planted shot << 'EOF'
echo 'ok 1 - a'
kill -KILL $(ps -o ppid= -p $PPID)
EOF
shot() { run 1 shot && says "shot.sh: it was not run to its end" && says "0 passed, 1 failed, 0 skipped"; }
check "one of which nothing was counted fails" shot

# ---- run again: where the machine stood still, and nowhere else --------------------------------------
MACHINE_NOTES=$dir/notes
afresh() { rm -f "$dir"/*.times; : > "$MACHINE_NOTES"; }
ran() { [ "$(cat "$dir/$1.times" | wc -l)" -eq "$2" ] || { echo "$1 ran $(cat "$dir/$1.times" | wc -l) times, not $2"; return 1; }; }

flaky() # flaky NAME WHAT-THE-FIRST-TIME-DOES: fails the first time, passes the second
{
    planted "$1" << EOF
[ "\$(which_time $1)" = 1 ] || { echo 'ok 1 - a'; exit 0; }
$2
echo 'not ok 1 - the first time'
exit 1
EOF
}
flaky calm ''
unproved()
{
    afresh && run 1 calm good && ran calm 1 && says "1 passed, 1 failed, 1 skipped" || return 1
    ! grep -q 'again\|once more' "$dir/out"
}
check "one that failed on a machine that went on is not run again" unproved
flaky halted 'stall 0.6'
proved()
{
    afresh && REPEATED_FILE=$dir/repeated run 0 halted && ran halted 2 && says "1 passed, 0 failed, 0 skipped" && says "not ok 1 - the first time" &&
        says "the machine stood still for 0.6 s during it: it is run once more, alone" &&
        says "run again: $dir/halted.sh: the machine stood still for 0.6 s, and it passed" &&
        grep -q '^run again: .*halted.sh' "$dir/repeated"
}
check "one that failed while the machine stood still is run again, that counts, and the whole check lists it" proved
leak='printf "==1==ERROR: LeakSanitizer: detected memory leaks\nSUMMARY: AddressSanitizer: 12 byte(s) leaked\n" >&2'
flaky left "stall 0.6; $leak"
flaky leaks "stall 0.6; $leak; echo 'ok 1 - a'; exit 1"
leaks() { afresh && JOBS=2 run 1 left leaks && ran left 2 && ran leaks 1 && says "2 passed, 1 failed"; }
check "what a failed test leaves behind is no leak, what one that passed leaves is" leaks
flaky short 'stall 0.4'
brief_() { afresh && run 1 short && ran short 1; }
check "less than half a second proves nothing" brief_
flaky stolen 'stall 0 30'
stolen() { afresh && run 0 stolen && ran stolen 2 && says "the machine had 30 % of its CPU time stolen, and it passed"; }
check "a fifth of the CPU time stolen does" stolen
flaky little 'stall 0 15'
little() { afresh && run 1 little && ran little 1; }
check "... less does not" little
before_it()
{
    afresh && dir=$dir MACHINE_NOTES=$MACHINE_NOTES sh -c '. "$dir/lib.sh"; stall 5 90' && run 1 calm && ran calm 1
}
check "that it stood still before the test began proves nothing" before_it

planted worse << 'EOF'
which_time worse > /dev/null
stall 0.6
echo 'not ok 1 - always'
exit 1
EOF
twice()
{
    afresh && run 1 worse && ran worse 2 && says "0 passed, 1 failed, 0 skipped" && says "0.6 s, and it failed" && after | grep -q "not ok 1 - always" &&
        [ "$(grep -c "it is run once more" "$dir/out")" -eq 1 ]
}
check "one that fails the second time too fails, and is not run a third time" twice

n=0
for how in 'kill -ABRT $$' 'echo "==1==ERROR: AddressSanitizer: heap-use-after-free" >&2' 'echo "x.c:1: f: Assertion \`x > 0'"'"' failed." >&2' \
    'echo "# Test failed with exception: Segmentation fault(11)"' 'echo "# order: killed by signal 11"'; do
    n=$((n + 1))
    flaky "fatal$n" "stall 0.6; $how"
done
never()
{
    afresh && JOBS=5 run 1 fatal1 fatal2 fatal3 fatal4 fatal5 && says "0 passed, 5 failed" && [ "$(cat "$dir"/fatal?.times | wc -l)" -eq 5 ] &&
        ! grep -q "once more\|again" "$dir/out"
}
check "a crash, a sanitizer's report, an assertion: none is run again" never
for i in 1 2 3 4; do flaky "many$i" 'stall 0.6'; done
three()
{
    afresh && JOBS=4 run 1 many1 many2 many3 many4 && says "3 passed, 1 failed, 0 skipped" && says "but three tests are run again already: it stands" &&
        [ "$(grep -c '^run again: ' "$dir/out")" -eq 3 ] && [ "$(cat "$dir"/many?.times | wc -l)" -eq 7 ]
}
check "of four that could be run again three are" three

# ---- the watcher itself ------------------------------------------------------------------------------
unset MACHINE_NOTES
cat >> "$dir/lib.sh" << 'EOF'
noted() # until each CPU has its notes
{
    for _ in $(seq 300); do
        [ "$(cut -d ' ' -f 1 "$NOTES" | sort -u | wc -l)" -lt "$(($(nproc) < 16 ? $(nproc) : 16))" ] || return 0
        sleep 0.1
    done
    return 1
}
EOF
flaky stopped 'noted; all=$(pgrep -f "watch-machine.*$NOTES"); kill -STOP $all; sleep 1; { sleep 1; kill -CONT $all; } &'
stopped() { rm -f "$dir"/*.times && run 0 stopped && ran stopped 2 && says "1 passed, 0 failed" && says "run again: "; }
check "what the watcher says of the very end of a test is waited for" stopped
planted watched << 'EOF'
noted
echo "$NOTES" > "$dir/watching"
awk 'NF != 6 || $3 <= $2 || $4 < 0 || $5 > $6 {bad = 1} END {exit bad || !NR}' "$NOTES" && echo "ok 1 - a"
for _ in $(seq 300); do [ -e "$dir/go_on" ] || sleep 0.1; done
EOF
appears() { for _ in $(seq 300); do [ ! -s "$1" ] || return 0; sleep 0.1; done; echo "no $1"; return 1; }
gone() # no process has the notes of the last run
{
    for _ in $(seq 300); do
        pgrep -f "watch-machine.*$(cat "$dir/watching")" > "$dir/left" || { rm "$dir/watching" && return 0; }
        sleep 0.1
    done
    echo "left: $(cat "$dir/left")"
    return 1
}
ends() { touch "$dir/go_on" && run 0 watched && gone; }
check "the watcher has notes of each CPU, and ends with run-tests" ends
killed()
{
    rm "$dir/go_on" && mkdir "$dir/t" || return 1
    TMPDIR=$dir/t sh ci/run-tests "$dir/watched.sh" > "$dir/out" 2>&1 &
    appears "$dir/watching" && pgrep -f "watch-machine.*$(cat "$dir/watching")" && kill -KILL $! && gone
    status=$?
    touch "$dir/go_on"
    for _ in $(seq 300); do # the rest of it, which nobody killed
        pgrep -f "$dir/watched.sh" > "$dir/left" || return $status
        sleep 0.1
    done
    echo "left: $(cat "$dir/left")"
    return 1
}
check "... also where that is killed" killed
done_testing
