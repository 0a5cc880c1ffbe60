#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The scenarios of propagation and sampling fail for the stated reason when their mistake is planted.
. "$(dirname "$0")/tap.sh"

run() # run SCENARIO OPTION...
{
    scenario=$1
    shift
    begin "$scenario" "scenarios/$scenario.yaml" --seed 5 --set load.warmup=500ms --set load.duration=2s --set load.rate=100 "$@"
}

caught() # caught SCENARIO ID...: these and no others failed
{
    name=$1
    shift
    exited "$name" 1 && json_is "$dir/$name/report.json" \
        "' '.join(c['id'] for c in r['checks'] + r['expectations'] if c['verdict'] != 'pass')" "$*"
}

run checkout --set 'services.order.broken={drop_context: publish order.created}' &
run checkout-head-5 --set services.payment.tracing.sampler=traceidratio --set services.payment.tracing.sampler_arg=0.5 &
run kafka-context-lost --set 'services.order.routes.POST /orders.steps.0.steps.1.inject=true' &
wait
run independent-sampling --set services.order.tracing.sampler=parentbased_traceidratio \
    --set services.payment.tracing.sampler=parentbased_traceidratio --set services.stock.tracing.sampler=parentbased_traceidratio &
run mixed-ratio-rules --set services.order-java.tracing.sampler=parentbased_traceidratio_java \
    --set services.payment-dotnet.tracing.sampler=parentbased_traceidratio_dotnet \
    --set services.stock-cpp.tracing.sampler=parentbased_traceidratio_cpp \
    --set services.notice-js.tracing.sampler=parentbased_traceidratio_js &
run mixed-ratio-rules-parentbased --set services.order-java.tracing.sampler=traceidratio_java &
run consistent-probability --set services.order.tracing.sampler=traceidratio_java &
wait

check "checkout: a producer that forgets the context" caught checkout propagation baggage required.3
check "checkout-head-5: a service that draws its own ratio" caught checkout-head-5 whole_traces
check "kafka-context-lost: a producer that injects breaks nothing, and the claim says so" caught kafka-context-lost broken.1
check "independent-sampling: services that follow their parents cut none" caught independent-sampling whole_traces partial_traces
check "mixed-ratio-rules: the same" caught mixed-ratio-rules whole_traces partial_traces
check "mixed-ratio-rules-parentbased: one service without ParentBased" caught mixed-ratio-rules-parentbased whole_traces
check "consistent-probability: one service with a rule of its own" caught consistent-probability whole_traces
done_testing
