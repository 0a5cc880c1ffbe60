#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each broken player, in a real fleet, is caught by name: those checks fail and no others.
. "$(dirname "$0")/tap.sh"

# caught NAME CHECKS SERVICE OPTION...: a run with these options fails exactly these checks, and
# the evidence of the first names the service (one of several: a|b)
caught()
{
    name=$1 checks=$2 service=$3
    shift 3
    expect_exit 1 "$tracerig" run harness/tests/players.yaml --seed 11 --quiet --out "$dir/$name" "$@" &&
        json_is "$dir/$name/report.json" \
            "','.join(c['id'] for c in r['checks'] + r['expectations'] if c['verdict'] != 'pass')" "$checks" &&
        json_is "$dir/$name/report.json" \
            "[c for c in r['checks'] if c['verdict'] == 'fail'][0]['evidence'][0].get('service', '').split('-')[0] in '$service'.split('|')" \
            True &&
        json_is "$dir/$name/report.json" "r['spans']['started'] == r['spans']['accounted']" True
}

broken()
{
    name=$1 checks=$2
    shift 2
    for option in "$@"; do
        set -- "$@" --set "services.order.$option"
        shift
    done
    caught "$name" "$checks" order "$@"
}

healthy()
{
    expect_exit 0 "$tracerig" run harness/tests/players.yaml --seed 11 --quiet --out "$dir/healthy" &&
        json_is "$dir/healthy/report.json" "r['spans']['delivered'] == r['spans']['started'] > 1000" True
}

check "a healthy fleet passes" healthy
transparent()
{
    expect_exit 0 "$tracerig" run harness/tests/players.yaml --seed 11 --quiet --out "$dir/untraced" \
        --set services.order.tracing.enabled=false --set expect.spans_per_request_min=4 &&
        json_is "$dir/untraced/report.json" "r['traces']['complete'] == r['traces']['expected'] > 100" True
}
check "a service without SDK passes the context on" transparent

mixed()
{
    expect_exit 0 "$tracerig" run harness/tests/players.yaml --seed 11 --quiet --out "$dir/mixed" \
        --set load.incoming.sampled=0.3 --set load.incoming.not_sampled=0.3 &&
        json_is "$dir/mixed/report.json" "r['spans']['not_recorded'] > 100 < r['spans']['delivered']" True
}
check "sampled, unsampled and absent parents of the load client are followed" mixed
check "drops context at one edge" \
    broken drop propagation,baggage "broken.drop_context=call payment POST /charge"
edge()
{
    json_is "$dir/drop/report.json" "[(e['from'], e['to'], e['why']) for e in r['edges'] if e['broken'] > 0]" \
        "[('order POST /orders', 'payment POST /charge', 'sent without context')]"
}
check "... and the edge is named" edge
check "samples on its own" broken sample sampling_decision,whole_traces broken.sample_on_its_own=true \
    tracing.sampler=parentbased_traceidratio tracing.sampler_arg=0.9
check "swaps two parents" broken swap parents broken.swap_parents_every=50
check "loses one span in 10,000" caught lose lost_unexplained order \
    --set services.order.broken.lose_one_in=10000 --set load.rate=1000 --set load.duration=2500ms
check "loses 50 and over-counts queue_full by 50" broken over counter_lies broken.lose_and_overcount=50
check "delivers spans twice" broken twice duplicates broken.duplicate_every=500
twice()
{
    json_is "$dir/twice/report.json" "r['spans']['duplicated'] == r['collector']['accepted'] - r['spans']['delivered'] > 1" True
}
check "... and is told how many" twice
check "reuses an id" broken reuse id_collisions broken.reuse_id_every=500
check "alters an attribute" broken alter content broken.alter_every=500
check "has a clock that is 500 ms off" broken clock start_times broken.clock_offset_ms=500
check "steps its clock" broken step durations broken.clock_step_ms=5 broken.clock_step_every=500
harmless()
{
    expect_exit 1 "$tracerig" run harness/tests/players.yaml --seed 11 --quiet --out "$dir/harmless" \
        --set services.order.broken.alter_every=1000000 --set services.payment.broken.sample_on_its_own=true &&
        json_is "$dir/harmless/report.json" "[c['id'] for c in r['checks'] if c['verdict'] != 'pass']" "['player_erred']" &&
        json_is "$dir/harmless/report.json" \
            "[e['service'] for c in r['checks'] if c['id'] == 'player_erred' for e in c['evidence']]" "['order', 'payment']"
}
check "players whose error cannot happen are told" harmless
# every fifth request to arrive, whose ever it is
check "a collector acknowledges and loses" caught ack lost_after_ack 'gateway|order|payment' \
    --collector-option=--broken=lose-after-ack:5

again()
{
    expect_exit 1 "$tracerig" verify "$dir/lose" && says lost_unexplained && says "service order"
}
check "judged again, the verdict is the same" again
done_testing
