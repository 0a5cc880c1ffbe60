#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The official SDK for JavaScript exports spans, metrics and logs over gRPC, HTTP/protobuf and HTTP/JSON; what it says, /metrics
# and the tap agree. Its packages are those of harness/foreign/node-payment; without them this is skipped.
. "$(dirname "$0")/../../harness/tests/tap.sh"
. harness/foreign/npm.sh
export no_proxy="${no_proxy:-},127.0.0.1" NO_PROXY="${NO_PROXY:-},127.0.0.1" # this machine may ask the world through one
program=build/${MODE:-release}/bin/collector-mock
why=
[ -x "$program" ] || why="$program is not built"
[ -n "$why" ] || why=$(why_not node-payment)
if [ -n "$why" ]; then
    echo "ok 1 - metrics and logs of the official Node.js SDK # SKIP $why"
    echo "1..1"
    exit 0
fi
cat > "$dir/config.yaml" << 'YAML'
receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '127.0.0.1:0'}}}}
exporters: {nop: }
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [nop]}
    metrics: {receivers: [otlp], exporters: [nop]}
    logs: {receivers: [otlp], exporters: [nop]}
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}}
YAML
mkfifo "$dir/ready" || exit 3
"$program" --config "$dir/config.yaml" --ready-fd 3 3> "$dir/ready" 2> "$dir/log" &
pid=$!
trap 'kill "$pid" 2> /dev/null; rm -rf "$dir"' EXIT
read -r line < "$dir/ready"
address() { echo "$line" | sed "s|.*\"$1\":\"\\([^\"]*\\)\".*|\\1|"; }
seen() # seen ITEMS TRANSPORT
{
    curl -s "http://$(address metrics)/metrics" |
        sed -n "s/^otelcol_receiver_accepted_$1_total{receiver=\"otlp\",transport=\"$2\"} //p"
}

exports() # exports PROTOCOL ENDPOINT TRANSPORT BEFORE: 20 spans, 3 points, 10 records
{
    NODE_PATH=build/node-payment/node_modules timeout 60 node collector-mock/tests/official_signals.js "$1" "http://$2" > "$dir/said" 2>&1
    cat "$dir/said"; echo "/metrics: $(seen spans "$3") $(seen metric_points "$3") $(seen log_records "$3")"
    [ "$(cat "$dir/said")" = "good traces metrics logs" ] &&
        [ "$(seen spans "$3") $(seen metric_points "$3") $(seen log_records "$3")" = "$((20 * $4)) $((3 * $4)) $((10 * $4))" ]
}
check "over gRPC" exports grpc "$(address otlp/grpc)" grpc 1
check "over HTTP in protobuf" exports http/protobuf "$(address otlp/http)" http 1
check "over HTTP in JSON" exports http/json "$(address otlp/http)" http 2

stops()
{
    kill "$pid"
    wait "$pid"
}
check "the collector ends well" stops
done_testing
