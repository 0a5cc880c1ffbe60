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

note_runs() # for ci/scenario-table: a line of $RUN_NOTES for each run that this script leaves
{
    [ -n "${RUN_NOTES:-}" ] || return 0
    python3 - "$dir" "$(basename "$0" .sh)" >> "$RUN_NOTES" << 'EOF'
import json, pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob("report.json"):
    try:
        r = json.load(open(path))
        options = [b for a, b in zip(r["command_line"], r["command_line"][1:]) if a in ("--set", "--collector-option")]
        print(r["scenario"]["file"], r["verdict"], r["duration_s"], sys.argv[2], json.dumps(options), sep="\t")
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
        tail -n 80 "$dir/check.out" | cut -c 1-2000 | sed 's/^/# /'
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
    "$tracerig" run "$file" --quiet --out "$dir/$name" "$@" > "$dir/$name.out" 2>&1
    echo $? > "$dir/$name.status"
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

# nothing_left DIR: no process of ours has a command line or a working directory below DIR
nothing_left()
{
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        left=$(pgrep -af -- "$1/" | grep -E 'tracerig|collector-mock|sleep' | grep -vE '^[0-9]+ (sh|/bin/sh|grep|pgrep) ')
        [ -n "$left" ] || return 0
        sleep 0.5
    done
    echo "left running: $left"
    return 1
}

none_runs() # none_runs FILE: no process has that program file
{
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        left=$(find /proc -maxdepth 2 -name exe -lname "$1" 2> /dev/null | cut -d/ -f3)
        [ -n "$left" ] || return 0
        sleep 0.2
    done
    echo "left running: $left"
    return 1
}
