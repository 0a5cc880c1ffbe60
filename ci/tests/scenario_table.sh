#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ci/scenario-table finds a scenario that nobody ran, one without a mistake, and one whose mistake nobody planted.
. "$(dirname "$0")/../../harness/tests/tap.sh"
mkdir "$dir/s"
printf '# One.\n#\n# Planted mistakes: --set a.b=1, or (better) --set '\''c={d: 2,\n# e: 3}'\'': it fails.\ntitle: x\n' > "$dir/s/one.yaml"

note() # note VERDICT OPTIONS: a run of it
{
    printf '%s\t%s\t1.5\tscript\t%s\n' "$dir/s/one.yaml" "$1" "$2" >> "$dir/notes"
}
table() { expect_exit "$1" python3 ci/scenario-table "$dir/notes" "$dir/s"; }

: > "$dir/notes"
never() { table 1 && says "one.yaml was never run"; }
check "one that nobody ran is named" never
unplanted()
{
    note pass '[]' && note fail '["a.b=1"]' && table 1 && says "no run with the mistake 'c={d: 2, e: 3}' failed" || return 1
    ! grep -q 'never run\|a\.b=1' "$dir/out"
}
check "one of two mistakes that nobody planted is named" unplanted
harmless() { note pass '["c={d: 2, e: 3}"]' && table 1 && says "no run with the mistake 'c={d: 2, e: 3}' failed"; }
check "... that did no harm, too" harmless
unjudged() # nor is one caught by a run that could not be judged
{
    note inconclusive '["c={d: 2, e: 3}"]' && note missed '["c={d: 2, e: 3}"]' && table 1 &&
        says "no run with the mistake 'c={d: 2, e: 3}' failed"
}
check "... that made a run inconclusive, too" unjudged
whole() { note fail '["x=1", "c={d: 2, e: 3}"]' && table 0 && says "script; script"; }
check "run, and each mistake planted: content" whole
unnamed()
{
    printf '# One.\ntitle: x # Planted mistake: --set a.b=1\n' > "$dir/s/one.yaml" && table 1 && says "names no planted mistake"
}
check "one without a mistake in a comment before its services is named" unnamed

# ---- a claim on time, which a machine that is not quiet cannot judge ---------------------------------
mkdir "$dir/t"
printf '# One.\n#\n# Planted mistake: --set a.b=1: it fails.\ntitle: x\n' > "$dir/t/bare-service.yaml"
on_time() # on_time EXIT VERDICT: of the run with its mistake
{
    printf '%s\t%s\t1.5\tscript\t["a.b=1"]\n' "$dir/t/bare-service.yaml" "$2" > "$dir/notes"
    expect_exit "$1" python3 ci/scenario-table "$dir/notes" "$dir/t"
}
late() { on_time 0 missed && on_time 0 fail && on_time 1 inconclusive && says "no run with the mistake 'a.b=1' failed"; }
check "where a mistake shows in time alone it is enough that the claim was missed" late
noted() # noted VERDICT OPERATOR SIDE: what tap.sh notes of a run with such a claim
{
    mkdir -p "$dir/noted/run" && printf '{"scenario": {"file": "x.yaml"}, "verdict": "inconclusive", "duration_s": 1, "command_line": [],
        "expectations": [{"verdict": "inconclusive", "expected": "%s 1.00 ms", "margin": "2.00 ms %s the limit"}]}' "$2" "$3" \
        > "$dir/noted/run/report.json" && : > "$dir/notes" || return 1
    (RUN_NOTES=$dir/notes dir=$dir/noted && note_runs)
    [ "$(cut -f 2 "$dir/notes")" = "$1" ] || { echo "noted: $(cat "$dir/notes")"; return 1; }
}
notes() { noted missed '<' above && noted inconclusive '<' below && noted missed '>=' below && noted inconclusive '>=' above; }
check "a claim is missed if its figure is beyond its limit" notes

# ---- somebody else's: what they need may be missing, their mistake is named all the same -------------
rm -r "$dir/s" && mkdir -p "$dir/s/foreign"
head='# One.\n#\n# Planted mistakes: --set a.b=1, --set c.d=1: it fails.\n'
printf "${head}title: x\n" | tee "$dir/s/foreign/sdk.yaml" "$dir/s/foreign/also.yaml" > /dev/null
printf "${head}broker: b:1\n" > "$dir/s/foreign/kafka.yaml"
: > "$dir/notes"
ran() # ran FILE VERDICT OPTIONS
{
    printf '%s\t%s\t1.5\tscript\t%s\n' "$1" "$2" "$3" >> "$dir/notes"
}
absent()
{
    KAFKA='' table 0 && grep -q 'kafka.yaml.*not run: KAFKA names no broker; -' "$dir/out" &&
        [ "$(grep -c 'not run: its SDK is not here; -' "$dir/out")" = 2 ] &&
        KAFKA=b:1 table 0 && grep -q 'kafka.yaml.*not run: only harness/tests/real_kafka.sh does; -' "$dir/out"
}
check "without their SDKs and a Kafka each is left out, for its own reason" absent
partly()
{
    ran "$dir/s/foreign/sdk.yaml" fail '["a.b=1"]' && ran "$dir/s/foreign/sdk.yaml" fail '["c.d=1"]' && table 1 &&
        says "also.yaml was never run" && ! grep -q 'kafka.yaml was\|SDK is not here' "$dir/out"
}
check "with the SDKs none of theirs may be left out" partly
copy()
{
    ran /elsewhere/also.yaml pass '[]' && table 1 && says "also.yaml: no run of a copy with a mistake in it failed" &&
        ran /elsewhere/also.yaml fail '[]' && table 0 && says "a copy by script; script"
}
check "a changed copy counts, if its mistake made it fail" copy
kafka()
{
    ran "$dir/s/foreign/kafka.yaml" pass '[]' && table 1 && says "kafka.yaml: no run with a mistake of its own failed" &&
        ran "$dir/s/foreign/kafka.yaml" fail '["c.d=1"]' && table 0
}
check "on a Kafka one of its mistakes is enough" kafka
silent()
{
    : > "$dir/notes"
    printf '# One.\ntitle: x\n' > "$dir/s/foreign/sdk.yaml"
    table 1 && says "sdk.yaml names no planted mistake"
}
check "one without a mistake is named, though it was left out" silent
done_testing
