#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Somebody else's program in a service's place: judged behind the relay, named when it misbehaves,
# and never left running.
. "$(dirname "$0")/tap.sh"
cp "$(dirname "$tracerig")/plain-service" "$dir/plain-service" || exit 3
PATH=$dir:$PATH
export PATH
plain=harness/tests/plain-payment.yaml

# One that accepts and never answers, and is taken for ready as it does.
mkdir "$dir/still" && cp "$dir/plain-service" "$dir/still/" && sed "/^    health: /d; s|command: |&$dir/still/|" $plain > "$dir/still/still.yaml" || exit 3
begin still-run "$dir/still/still.yaml" --set services.payment.env.PLAIN_MODE=stall --set load.timeout=1s &

# plain NAME STATUS OPTION...: a run of it; nothing of it is left
plain()
{
    name=$1 want=$2
    shift 2
    expect_exit "$want" "$tracerig" run $plain --quiet --out "$dir/$name" "$@" && none_runs "$dir/plain-service"
}

mode() { echo "services.payment.env.PLAIN_MODE=$1"; }

edge() # edge NAME EXPRESSION VALUE: of payment's call
{
    json_is "$dir/$1/report.json" "[$2 for e in r['edges'] if e['from'] == 'payment POST /charge'][0]" "$3"
}

# ---- a run ------------------------------------------------------------------------------------

healthy()
{
    plain healthy 0 && edge healthy "e['complete'] == e['calls'] > 50" True &&
        json_is "$dir/healthy/report.json" "[s.get('ledger') for s in r['services'] if s['name'] == 'payment']" "['none']" &&
        json_is "$dir/healthy/report.json" "[s['requests'] > 50 for s in r['services'] if s['name'] == 'payment']" "[True]"
}
check "a program without SDK that hands the context on is right" healthy

again()
{
    expect_exit 0 "$tracerig" verify "$dir/healthy" && says "payment POST /charge -> acquirer POST /authorize"
}
check "the recorded run can be judged again" again

named() # named MODE TEXT: its edge, and no other, is named
{
    plain "$1" 1 --set "$(mode "$1")" && edge "$1" "e['why']" "$2" &&
        json_is "$dir/$1/report.json" "[e['to'] for e in r['edges'] if e['broken']]" "['acquirer POST /authorize']"
}
check "a program that drops the context is named" named drop "an untraced service did not pass the context on"
check "a program that changes the context is named" named alter "an untraced service changed the context"

claimed()
{
    sed 's/^  required:/  broken:/; /order POST .orders -> payment/d' $plain > "$dir/claimed.yaml" &&
        expect_exit 0 "$tracerig" run "$dir/claimed.yaml" --quiet --out "$dir/claimed" --set "$(mode drop)"
}
check "a scenario can claim exactly that" claimed

garbage()
{
    plain garbage 1 --set "$(mode garbage)" &&
        json_is "$dir/garbage/report.json" "['from payment-0 acquirer: no request line' in i['text'] for c in r['checks'] if c['id'] == 'processes' for i in c['evidence']]" "[True]"
}
check "a program whose calls are no HTTP is named" garbage

chain()
{
    cat > "$dir/chain.yaml" << 'YAML'
# Programs that call programs, several replicas of each, the load at the first.
services:
  edge:
    command: [plain-service]
    replicas: 2
    env: {PLAIN_CALLS: MIDDLE_TIER POST /m}
    tracing: {enabled: false}
    routes: {POST /e: {steps: [{call: middle-tier POST /m}]}}
  middle-tier:
    command: "plain-service 'with words'"
    replicas: 3
    env: {PLAIN_CALLS: LAST POST /l}
    tracing: {enabled: false}
    routes: {POST /m: {steps: [{call: last POST /l}]}}
  last: {replicas: 2, tracing: {schedule_delay: 200ms}, routes: {POST /l: {}}}
load: {route: edge POST /e, rate: 200, warmup: 100ms, duration: 1s, timeout: 5s, incoming: {sampled: 0.5, not_sampled: 0.2}}
expect: {required: [middle-tier POST /m -> last POST /l]}
YAML
    expect_exit 0 "$tracerig" run "$dir/chain.yaml" --quiet --out "$dir/chain" && none_runs "$dir/plain-service" &&
        json_is "$dir/chain/report.json" "len(set(e['calls'] for e in r['edges'])), r['edges'][2]['complete'] == r['edges'][2]['sampled'] > 50" "(1, True)" &&
        json_is "$dir/chain/report.json" "sorted(s['instance'] for s in r['services'] if s.get('ledger'))" "['edge-0', 'edge-1', 'middle-tier-0', 'middle-tier-1', 'middle-tier-2']"
}
check "programs call programs, in several replicas" chain

# ---- which request does a call belong to? -------------------------------------------------------

silent()
{
    plain silent 4 --set "$(mode silent)" && edge silent "e['not_judged'] == e['calls'] > 50" True &&
        json_is "$dir/silent/report.json" "['not judged: it does not pass tracerig-request on' in c['reason'] for c in r['checks'] if c['id'] == 'propagation']" "[True]"
}
check "calls that nobody can join are inconclusive, and it says why" silent

allowed()
{
    plain allowed 0 --set "$(mode silent)" --set expect.allow_unknown=true --set expect.required=[] &&
        edge allowed "e['not_judged'] == e['calls'] > 50" True
}
check "a scenario can allow the unknown" allowed

alone()
{
    plain alone 0 --set "$(mode silent)" --set services.payment.max_in_flight=1 &&
        edge alone "e['complete'] == e['calls'] > 50" True
}
check "one at a time, they are joined" alone

keyed() # any header that is one request's alone will do
{
    plain keyed 0 --set "$(mode silent)" --set services.payment.key.header=traceparent &&
        edge keyed "e['complete'] == e['calls'] > 50" True
}
check "by a business key that its calls repeat, they are joined" keyed

# ---- bad programs --------------------------------------------------------------------------------

bad() # bad NAME TEXT OPTION...: no verdict, at the place of the command
{
    name=$1 text=$2
    shift 2
    plain "$name" 3 "$@" && says "$text" && [ ! -e "$dir/$name/report.json" ]
}
check "a program that does not exist" bad missing "--set services.payment.command=[no-such-program]: payment-0: there is no program" \
    --set "services.payment.command=[no-such-program]"
: > "$dir/no-program" && printf '#!/no/such/shell\n' > "$dir/script" && chmod +x "$dir/script"
check "a file that is not executable" bad plain-file "payment-0: '$dir/no-program' is there but not executable (chmod +x?)" \
    --set "services.payment.command=[$dir/no-program]"
check "a script of a shell that is not there" bad lost-shell \
    "payment-0: '$dir/script' cannot be started: No such file or directory (its first line asks for '/no/such/shell')" \
    --set "services.payment.command=[$dir/script]"
check "a program that ends at once, with its last words" bad exit "$plain:11:14: payment-0 ended before it was ready (exit 7); its output ends: no licence found" \
    --set "$(mode exit)"
check "a program that hangs" bad hang "$plain:11:14: payment-0 does not answer GET /health on its PORT" \
    --set "$(mode hang)" --set services.payment.start_timeout=1s
check "a program that accepts and never answers" bad stall "$plain:11:14: payment-0 does not answer GET /health on its PORT" \
    --set "$(mode stall)" --set services.payment.start_timeout=1s
talkative()
{
    bad yes "payment-0 does not" --set services.payment.command=[yes] --set services.payment.start_timeout=1s &&
        [ "$(stat -c %s "$dir/yes/logs/payment-0.log")" -lt $(((16 << 20) + 8192)) ]
}
check "a program that only talks: its log is bounded" talkative
check "a program that forks away" bad fork "$plain:11:14: payment-0 left (exit 0) before it was ready: a command must stay in the foreground" \
    --set "$(mode fork)"
check "a program that serves without ever being healthy" bad sick "$plain:11:14: payment-0 still answers GET /charge with 502 after 5s" \
    --set services.payment.health=/charge --set services.payment.start_timeout=5s \
    --set "services.payment.env.PLAIN_CALLS=NOBODY GET /x"

deaf()
{
    plain deaf 1 --set "$(mode deaf)" &&
        json_is "$dir/deaf/report.json" "[i['text'] for c in r['checks'] if c['id'] == 'processes' for i in c['evidence']]" "['payment-0 did not stop in time and was killed']"
}
check "a program that ignores SIGTERM is killed and named" deaf

dies()
{
    "$tracerig" run $plain --set load.duration=60s --quiet --out "$dir/dies" > "$dir/out" 2>&1 &
    runner=$!
    while [ "$(stat -c %s "$dir/dies/spans/tap.bin" 2> /dev/null || echo 0)" -lt 1000 ]; do
        kill -0 $runner 2> /dev/null || { cat "$dir/out"; return 1; }
        sleep 0.1
    done
    for p in /proc/[0-9]*; do
        [ "$(readlink "$p/exe" 2> /dev/null)" != "$dir/plain-service" ] || kill -9 "${p#/proc/}"
    done
    wait $runner
    got=$?
    [ $got -eq 1 ] || { echo "exit $got"; cat "$dir/out"; return 1; }
    none_runs "$dir/plain-service" && json_is "$dir/dies/report.json" "[i['text'] for c in r['checks'] if c['id'] == 'processes' for i in c['evidence']]" "['payment-0 died during the run: killed by signal 9']" &&
        json_is "$dir/dies/report.json" "r['spans']['started'] == r['spans']['accounted']" True
}
check "a program that dies in mid-run is named, and the books still balance" dies

leaves() # at the first request of a minute: the load ends, and nothing is waited for
{
    expect_exit 1 "$tracerig" run $plain --out "$dir/leaves" --set "$(mode leave)" --set load.duration=60s &&
        none_runs "$dir/plain-service" && says "payment-0 left (exit 0) during the run: a command must stay in the foreground" &&
        says "nobody is left of payment: the load ends here" &&
        json_is "$dir/leaves/report.json" "r['duration_s'] < 60" True &&
        json_is "$dir/leaves/report.json" "[i['text'].split(':')[0] for c in r['checks'] if c['id'] == 'processes' for i in c['evidence']]" "['payment-0 left (exit 0) during the run']" &&
        json_is "$dir/leaves/report.json" "[(e['what'], e['target'], e['text']) for e in r['events']]" "[('died', 'payment-0', 'exit 0')]" &&
        json_is "$dir/leaves/report.json" "r['spans']['started'] == r['spans']['accounted']" True
}
check "a program that leaves in mid-run is named when it does, and ends the load" leaves

interrupted()
{
    "$tracerig" run $plain --set load.duration=60s --out "$dir/interrupted" > "$dir/out" 2>&1 &
    runner=$!
    while [ "$(stat -c %s "$dir/interrupted/spans/tap.bin" 2> /dev/null || echo 0)" -lt 1000 ]; do
        kill -0 $runner 2> /dev/null || { cat "$dir/out"; return 1; }
        sleep 0.1
    done
    kill "-$1" $runner
    wait $runner 2> /dev/null
    none_runs "$dir/plain-service" && rm -rf "$dir/interrupted"
}
check "Ctrl-C leaves no program running" interrupted INT
check "nor does kill -9 of the runner" interrupted KILL

restarted_into() # restarted_into MODE TEXT: its next process is no good
{
    plain "into-$1" 1 --set services.payment.start_timeout=5s \
        --set "faults=[{at: 500ms, do: restart, service: payment, set: {env.PLAIN_MODE: $1}}]" &&
        json_is "$dir/into-$1/report.json" "[c['evidence'][0]['text'].startswith('$2') for c in r['checks'] if c['id'] == 'processes']" "[True]"
}
check "a restart into one that hangs is named" restarted_into hang "payment-0 does not answer GET /health on its PORT"
check "a restart into one that ends at once is named" restarted_into exit "the new payment-0 ended before it was ready: exit 7"

wait
still() # bounded, named, the books balance, nothing is left
{
    exited still-run 1 && none_runs "$dir/still/plain-service" && json_is "$dir/still-run/report.json" \
        "[__import__('re').sub('[0-9]{2,}', 'N', i['text']) for c in r['checks'] if c['id'] == 'processes' for i in c['evidence']]" \
        "['payment-0 left N requests unanswered for more than load.timeout, 1s, and nobody waits for them any more']" &&
        json_is "$dir/still-run/report.json" "r['duration_s'] < 60 and r['load'].get('ok', 0) == 0 < r['load']['requests'] == sum(r['load']['errors'].values())" True &&
        json_is "$dir/still-run/report.json" "[e['errors'] == e['calls'] > 20 for e in r['edges'] if e['to'].startswith('payment')]" "[True]" &&
        json_is "$dir/still-run/report.json" "(r['spans']['started'] == r['spans']['accounted'] > 0, r['spans']['lost_unexplained'])" "(True, 0)"
}
check "a program that is ready and never answers: each call ends by its time, and it is named" still

# ---- bad files -------------------------------------------------------------------------------------

refused() # refused LINE:COLUMN MESSAGE OPTION...
{
    place=$1 text=$2
    shift 2
    expect_exit 2 "$tracerig" validate $plain "$@" && says "$place" && says "$text"
}
check "a quote without end" refused --set "a quote without end" --set "services.payment.command=node 'x"
check "an empty command" refused --set "names no program" --set 'services.payment.command="  "'
check "a broken player behind a command" refused --set "'broken' has no effect on payment" \
    --set services.payment.broken.lose_one_in=5
check "a variable that the runner sets" refused env "PORT is set by the runner itself" --set services.payment.env.PORT=1
check "a key of commands without one" refused --set "'health' belongs to a service with a command; order has none" \
    --set services.order.health=/health
check "a health that is no path" refused --set "is no path" --set services.payment.health=health
check "a sampler that other SDKs do not know" refused set "the sampler 'probability' is tracerig's own" \
    --set services.payment.tracing.sampler=probability
check "a step that only an interpreted service can do" refused "the steps of a service with a command" \
    "found 'work'" --set "services.payment.routes.POST /charge.steps=[{work: 1ms}]"
check "a misspelt key" refused --set "did you mean 'command'" --set services.order.comand=x
check "another ledger than none" refused --set "none" --set services.payment.ledger=full
done_testing
