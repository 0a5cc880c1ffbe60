#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program from outside: messages and exit statuses of wrong usage and wrong files. Prints TAP.
set -u
cd "$(dirname "$0")/../../.." || exit 3
program=build/${MODE:-release}/bin/tracerig
dir=$(mktemp -d) || exit 3
trap 'rm -rf "$dir"' EXIT
count=0
failed=0

# check NAME STATUS TEXT COMMAND...: the exit status, and a line of stdout or stderr that holds TEXT
check() {
    name=$1 status=$2 text=$3
    shift 3
    count=$((count + 1))
    "$@" > "$dir/out" 2>&1
    got=$?
    if [ "$got" -ne "$status" ]; then
        echo "not ok $count - $name"
        echo "# exit status $got, wanted $status"
    elif [ -n "$text" ] && ! grep -qF -- "$text" "$dir/out"; then
        echo "not ok $count - $name"
        echo "# no line holds: $text"
    else
        echo "ok $count - $name"
        return
    fi
    failed=1
    sed 's/^/# /' "$dir/out"
}

[ -x "$program" ] || { echo "1..0 # SKIP $program is not built"; exit 0; }

check "no command is wrong usage" 2 "usage: tracerig COMMAND" "$program"
check "--help lists the commands" 0 "check scenario files" "$program" --help
check "--version names the program" 0 "tracerig 0." "$program" --version
check "an unknown command names the nearest" 2 "did you mean 'validate'?" "$program" valdate
check "an unknown option names the nearest" 2 "did you mean --set?" "$program" validate --sett x
check "a command's --help shows its options" 0 "--set PATH=VALUE" "$program" validate --help
check "a missing argument is told" 2 "an argument is missing" "$program" explain
check "a bad seed is told" 2 "--seed x: expected a whole number" \
    "$program" validate scenarios/checkout.yaml --seed x

check "a file that is not there is told" 2 "nowhere.yaml: cannot open: No such file" \
    "$program" validate "$dir/nowhere.yaml"
check "a folder without a scenario is told" 2 "$dir: holds no *.yaml scenario" \
    "$program" validate "$dir"
check "a folder in the place of a file is told" 2 "$dir: cannot read: Is a directory" \
    "$program" explain "$dir"
check "of a folder every scenario is checked" 0 "scenarios/independent-sampling.yaml: ok" \
    "$program" validate scenarios
if [ "$(id -u)" -ne 0 ]; then
    : > "$dir/closed.yaml"
    chmod 000 "$dir/closed.yaml"
    check "an unreadable file is told" 2 "closed.yaml: cannot open: Permission denied" \
        "$program" validate "$dir/closed.yaml"
fi
mkdir -p "$dir/set/shop-2" "$dir/set/shop-1" "$dir/sweep"
for file in set/set.json set/shop-1/scenario.yaml set/shop-2/scenario.yaml sweep/sweep.json; do : > "$dir/$file"; done
check "verify does not take a set of runs for a run" 2 \
    "$dir/set: a set of runs, not a run; name one of its directories, such as $dir/set/shop-1" "$program" verify "$dir/set"
check "nor does report" 2 "$dir/set: a set of runs, not a run" "$program" report "$dir/set"
check "nor does verify take a sweep for one" 2 "$dir/sweep: a sweep, not a run; it holds none" "$program" verify "$dir/sweep"
unnamed() # keys of the schema that its README, which goes out as the manual of scenarios, does not name
{
    sed -n 's/ROW("\([a-z_][a-z_]*\)"/\n=\1\n/gp' harness/scenario/schema.c | sed -n 's/^=//p' | sort -u |
        while read -r key; do grep -qw -- "$key" harness/scenario/README.md || echo "no $key"; done
}
check "the manual of scenarios names every key" 0 "" sh -c '[ -z "$1" ] || { echo "$1"; exit 1; }' - "$(unnamed)"
printf 'services:\n\ta: 1\n' > "$dir/tab.yaml"
check "a tab is told with its place" 2 "tab.yaml:2:1: a tab cannot indent YAML" \
    "$program" validate "$dir/tab.yaml"
sed 's/^services:/servces:/' scenarios/checkout.yaml > "$dir/key.yaml"
check "an unknown key is told with its place and the nearest" 2 \
    ":$(grep -n '^servces:' "$dir/key.yaml" | cut -d: -f1):1: unknown key 'servces' (did you mean 'services'?)" "$program" validate "$dir/key.yaml"
check "one bad file among good ones fails the whole" 2 "scenarios/checkout.yaml: ok" \
    "$program" validate scenarios/checkout.yaml "$dir/key.yaml"
check "a wrong type is told" 2 "--set load.rate=fast: rate: expected a number" \
    "$program" validate scenarios/checkout.yaml --set load.rate=fast
check "an impossible rate is told" 2 "impossible rate: 0 requests a second" \
    "$program" validate scenarios/checkout.yaml --set load.rate=0
check "a route that nobody serves is told" 2 \
    "load on a route that nobody serves: 'gateway POST /chekout' (did you mean 'POST /checkout'?)" \
    "$program" validate scenarios/checkout.yaml --set 'load.route=gateway POST /chekout'
check "a missing service is told" 2 "load on the unknown service 'gatway' (did you mean 'gateway'?)" \
    "$program" validate scenarios/checkout.yaml --set 'load.route=gatway POST /checkout'
check "a cycle without end is told" 2 "cycle without end: order POST /orders -> payment POST /charge" \
    "$program" validate scenarios/checkout.yaml \
    --set 'services.payment.routes.POST /charge.steps.1={call: order POST /orders}'
check "a bad path of --set names the nearest" 2 "no key 'ordr' here (did you mean 'order'?)" \
    "$program" validate scenarios/checkout.yaml --set services.ordr.replicas=2
check "an unknown check is told" 2 "unknown word 'boks' (did you mean 'books'?)" \
    "$program" validate scenarios/checkout.yaml --set 'expect.checks=[boks]'

for scenario in scenarios/*.yaml; do
    check "$scenario is valid" 0 "$scenario: ok" "$program" validate "$scenario"
    check "$scenario says its claim in its first line" 0 "# " head -n 1 "$scenario"
    check "$scenario has no warning" 1 "" sh -c "$program validate $scenario | grep warning"
    "$program" explain --seed 5 --resolved "$scenario" > "$dir/resolved.yaml"
    "$program" explain --resolved "$dir/resolved.yaml" > "$dir/again.yaml"
    check "$scenario resolves once and for all" 0 "" cmp "$dir/resolved.yaml" "$dir/again.yaml"
    "$program" explain "$scenario" > "$dir/explained"
    "$program" explain "$dir/resolved.yaml" > "$dir/explained2"
    check "$scenario is explained the same when resolved" 0 "" cmp "$dir/explained" "$dir/explained2"
done
check "list shows each claim" 0 "Every checkout is one whole trace" "$program" list
check "list of a folder that is not there" 2 "cannot list" "$program" list "$dir/none"
check "explain shows who sends to an agent" 0 "simple processor, to the agent sidecar" \
    "$program" explain scenarios/slow-backend.yaml
check "explain shows the spans of a request" 0 "14 spans a request" \
    "$program" explain scenarios/checkout.yaml
echo "1..$count"
exit "$failed"
