#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tracerig report, as a user types it.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
tracerig=$top/build/${MODE:-release}/bin/tracerig
work=$(mktemp -d "${TMPDIR:-/tmp}/tracerig-report.XXXXXX") || exit 3
trap 'rm -rf "$work"' EXIT
n=0
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; sed 's/^/# /' "$work/out" "$work/err"; failed=1; }
failed=0
# expect NAME STATUS WORDS-ON-STDOUT WORDS-ON-STDERR ARGUMENTS...
expect() {
    name=$1 status=$2 out=$3 err=$4
    shift 4
    "$tracerig" "$@" > "$work/out" 2> "$work/err"
    got=$?
    if [ "$got" -eq "$status" ] && { [ -z "$out" ] || grep -qF -e "$out" "$work/out"; } && { [ -z "$err" ] || grep -qF -e "$err" "$work/err"; }
    then ok "$name"; else echo "# exit $got"; not_ok "$name"; fi
}
run=$work/run
mkdir "$run"
cp "$top/reports/tests/fixtures/failed.json" "$run/report.json"
expect "draws a run again and prints the text" 0 "FAIL  checkout: One edge" "" report "$run"
for f in report.html junit.xml summary.md plots/percentiles.svg; do
    if [ -s "$run/$f" ]; then ok "leaves $f"; else not_ok "leaves $f"; fi
done
expect "prints Markdown" 0 "# FAIL: Checkout" "" report "$run" --format markdown
expect "prints JUnit" 0 '<testsuites name="checkout" tests="9" failures="2"' "" report --format=junit "$run"
expect "prints HTML" 0 '<!DOCTYPE html>' "" report "$run" --format html
if "$tracerig" report "$run" --format json | cmp -s - "$run/report.json"; then ok "passes JSON through"; else not_ok "passes JSON through"; fi
TERM=xterm NO_COLOR= "$tracerig" report "$run" --format text > "$work/out" 2> "$work/err"
if grep -q "$(printf '\033')" "$work/out"; then not_ok "writes no colour into a file"; else ok "writes no colour into a file"; fi
expect "names the nearest format" 2 "" "did you mean 'html'?" report "$run" --format htlm
expect "wants a directory" 2 "" "an argument is missing" report
expect "says that there is no report" 2 "" "report.json: cannot open: No such file" report "$work"
printf '{"schema": "tracerig.report/1",\n "seed": }\n' > "$work/report.json"
expect "says where the JSON is wrong" 2 "" "report.json:2:" report "$work"
sed 's/"kind": "kafka"/"kind": "pigeon"/' "$run/report.json" > "$work/report.json"
expect "says which value is wrong" 2 "" 'report.json: edges[3].kind: must be one of ["http","kafka"]' report "$work"
if [ -e "$work/report.html" ]; then not_ok "draws nothing from a wrong report"; else ok "draws nothing from a wrong report"; fi
mkdir "$work/bin"
PATH=$work/bin "$tracerig" report "$run" > "$work/out" 2> "$work/err"
rc=$?
if [ $rc -eq 0 ] && grep -q 'plots/percentiles.svg</code> is missing: gnuplot is not installed' "$run/report.html"
then ok "makes the report without gnuplot"; else not_ok "makes the report without gnuplot"; fi
echo "1..$n"
exit $failed
