# SPDX-License-Identifier: Apache-2.0
# For script tests: . harness/tests/tap.sh; check NAME COMMAND...; done_testing
set -u
cd "$(dirname "$0")/../.." || exit 3
top=$(pwd)
tracerig=$top/build/${MODE:-release}/bin/tracerig
dir=$(mktemp -d "${TMPDIR:-/tmp}/tracerig-e2e.XXXXXX") || exit 3
tests=0 failures=0
trap 'note_runs; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

# for ci/scenario-table: a line of $RUN_NOTES for each run that this script leaves. One that is inconclusive is "missed" if a claim
# that was not judged was beyond its limit all the same.
note_runs()
{
    [ -n "${RUN_NOTES:-}" ] || return 0
    python3 - "$dir" "$(basename "$0" .sh)" >> "$RUN_NOTES" << 'EOF'
import json, pathlib, sys

def missed(e):
    side = "above" if e["expected"].startswith("<") else "below" if e["expected"].startswith(">") else None
    return e["verdict"] == "inconclusive" and side is not None and f" {side} the limit" in e.get("margin", "")

for path in pathlib.Path(sys.argv[1]).rglob("report.json"):
    try:
        r = json.load(open(path))
        options = [b for a, b in zip(r["command_line"], r["command_line"][1:]) if a in ("--set", "--collector-option")]
        verdict = "missed" if r["verdict"] == "inconclusive" and any(map(missed, r["expectations"])) else r["verdict"]
        print(r["scenario"]["file"], verdict, r["duration_s"], sys.argv[2], json.dumps(options), sep="\t")
    except (OSError, ValueError, KeyError, TypeError):
        pass
EOF
}

check() # NAME COMMAND...: one test point
{
    tests=$((tests + 1))
    point=$1
    shift
    if "$@" > "$dir/check.out" 2>&1; then
        echo "ok $tests - $point"
    else
        echo "not ok $tests - $point"
        failures=$((failures + 1))
        # the reason comes first, what the run left last
        { head -n 10 "$dir/check.out"; tail -n +11 "$dir/check.out" | tail -n 70; } | cut -c 1-2000 | sed 's/^/# /'
    fi
}

done_testing()
{
    echo "1..$tests"
    [ "$failures" -eq 0 ]
}

# expect_exit STATUS COMMAND...: stdout and stderr go to $dir/out
expect_exit()
{
    want=$1
    shift
    "$@" > "$dir/out" 2>&1
    got=$?
    [ "$got" -eq "$want" ] && return 0
    echo "exit $got, expected $want: $*"
    tail -n 60 "$dir/out"
    while [ $# -gt 1 ]; do
        [ "$1" != --out ] || [ ! -e "$2/report.json" ] || why "$2/report.json"
        shift
    done
    return 1
}

# begin NAME FILE OPTION...: a run to be left in the background, several at once; after wait, exited looks at it
begin()
{
    name=$1 file=$2
    shift 2
    printf '%s\0' "$file" --quiet --out "$dir/$name" "$@" > "$dir/$name.args"
    run_again "$name"
}

run_again() # run_again NAME
{
    rm -rf "${dir:?}/$1"
    xargs -0 sh -c 'status=$1 && shift && "$@"; echo $? > "$status"' begin "$dir/$1.status" "$tracerig" run \
        < "$dir/$1.args" > "$dir/$1.out" 2>&1
}

# undisturbed MILLISECONDS NAME CHECK...: where time decides, a run in which the machine stood still is not the one that was asked for.
# One that fails its check and has proof of that (see stood_still) is made again, three times at most.
undisturbed()
{
    disturbed=$2 disturbed_by=$1
    shift 2
    for _ in 1 2 3; do
        ! "$@" || return 0
        stood_still "$disturbed" "$disturbed_by" || return 1
        run_again "$disturbed"
    done
    "$@"
}

# stood_still NAME MILLISECONDS: an answer came so long after its request's instant, or a member of a group was silent for a session
stood_still()
{
    ! grep -qs "Consumer group session timed out" "$dir/$1"/logs/*.log || { echo "a session timed out"; return 0; }
    [ "$(json "$dir/$1/report.json" "r['load']['latency']['max'] > 1e6 * $2")" = True ] && echo "an answer took more than $2 ms"
}

exited() # exited NAME STATUS: that run did
{
    [ "$(cat "$dir/$1.status")" -eq "$2" ] && return 0
    echo "$1: exit $(cat "$dir/$1.status"), expected $2"
    tail -n 60 "$dir/$1.out"
    [ ! -e "$dir/$1/report.json" ] || why "$dir/$1/report.json"
    return 1
}

says() # says TEXT: $dir/out holds it
{
    grep -qF -- "$1" "$dir/out" && return 0
    echo "not said: $1"
    tail -n 60 "$dir/out"
    return 1
}

# json FILE EXPRESSION: a Python expression over the report r, printed
json()
{
    python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$1" "$2"
}

json_is() # json_is FILE EXPRESSION VALUE
{
    found=$(json "$1" "$2") || return 1
    [ "$found" = "$3" ] && return 0
    echo "$2 is $found, expected $3"
    why "$1"
    return 1
}

why() # why FILE: what a report says about itself where it is not content, for a failure's diagnosis
{
    python3 - "$1" << 'EOF'
import json, pathlib, sys
try:
    r = json.load(open(sys.argv[1]))
except (OSError, ValueError) as e:
    print(f"no report: {e}")
    sys.exit()
print(f"{sys.argv[1]}: verdict {r.get('verdict')}")
for c in r.get("checks", []) + r.get("expectations", []):
    if c["verdict"] != "pass":
        print(f"  {c['id']} {c.get('text', '')}: {c['verdict']}, expected {c.get('expected')}, observed {c.get('observed')}")
        for e in c.get("evidence", [])[:6]:
            print(f"    {e['text']}")
for e in r.get("events", []):
    print(f"  event at {e.get('at_s')} s: {e.get('what')} {e.get('target')}: {e.get('text')}")
print(f"  spans {r.get('spans')}")
for log in sorted(pathlib.Path(sys.argv[1]).parent.glob("logs/*.log")):
    said = [line for line in log.read_text(errors="replace").splitlines() if '"level":"info"' not in line]
    for line in said[:8]:
        print(f"  {log.name}: {line[:300]}")
try:
    for line in (pathlib.Path(sys.argv[1]).parent / "metrics/collector.prom").read_text().splitlines():
        if line.startswith(("collector_mock_requests_total", "otelcol_receiver_requests_total")) and not line.endswith(" 0"):
            print(f"  {line}")
except OSError:
    pass
EOF
}

# left_of DIR: processes whose command line names it or what is below it, or that work there; not this test itself
left_of()
{
    {
        pgrep -f -- "$1(/| |\$)"
        find /proc -maxdepth 2 -name cwd \( -lname "$1" -o -lname "$1/*" \) 2> /dev/null | cut -d/ -f3
    } | sort -nu | while read -r pid; do
        [ "$pid" = $$ ] || ps -o pid=,args= -p "$pid"
    done
}

# nothing_left DIR: nothing is left of the run that wrote it
nothing_left()
{
    for _ in $(seq 1 120); do
        left=$(left_of "$1")
        [ -n "$left" ] || return 0
        sleep 0.5
    done
    echo "left running: $left"
    return 1
}

none_runs() # none_runs FILE: no process has that program file
{
    for _ in $(seq 1 300); do
        left=$(find /proc -maxdepth 2 -name exe -lname "$1" 2> /dev/null | cut -d/ -f3)
        [ -n "$left" ] || return 0
        sleep 0.2
    done
    echo "left running: $left"
    return 1
}
