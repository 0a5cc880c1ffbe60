#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The official Python SDK exports over gRPC, plain and with gzip; its word and /metrics agree. The
# exporter (opentelemetry-sdk, opentelemetry-exporter-otlp-proto-grpc) is looked for in
# TRACERIG_PYTHON, else python3.
set -u
cd "$(dirname "$0")/../.." || exit 3
export no_proxy="${no_proxy:-},127.0.0.1" NO_PROXY="${NO_PROXY:-},127.0.0.1" # this machine may ask the world through one
program=build/${MODE:-release}/bin/collector-mock
python=${TRACERIG_PYTHON:-python3}
skip=
[ -x "$program" ] || skip="$program is not built"
[ -n "$skip" ] || "$python" -c 'import opentelemetry.exporter.otlp.proto.grpc.trace_exporter' \
    2> /dev/null || skip="the official Python OTLP/gRPC exporter is not installed"
echo 1..2
if [ -n "$skip" ]; then
    echo "ok 1 - the official Python exporter is understood plain # SKIP $skip"
    echo "ok 2 - the official Python exporter is understood with gzip # SKIP $skip"
    exit 0
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/official.XXXXXX") || exit 3
pid=
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null; rm -rf "$dir"' EXIT
cat > "$dir/config.yaml" << 'YAML'
receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}
exporters: {nop: }
service:
  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}}
YAML
mkfifo "$dir/ready" || exit 3
"$program" --config "$dir/config.yaml" --tap "$dir/tap.bin" --ready-fd 3 3> "$dir/ready" \
    2> "$dir/log" &
pid=$!
read -r line < "$dir/ready"
endpoint=$(echo "$line" | sed 's/.*"otlp\/grpc":"\([^"]*\)".*/\1/')
metrics=$(echo "$line" | sed 's/.*"metrics":"\([^"]*\)".*/\1/')

number=0
expected=0
status=0
for compression in none gzip; do
    number=$((number + 1))
    expected=$((expected + 2000))
    word=plain
    [ "$compression" = none ] || word="with gzip"
    said=$(timeout 60 "$python" collector-mock/tests/official_python.py "http://$endpoint" 2000 \
        "$compression" 2> "$dir/err")
    seen=$(curl -s "http://$metrics/metrics" |
        sed -n 's/^otelcol_receiver_accepted_spans_total{.*transport="grpc"} //p')
    if [ "$said" = "good 2000 bad 0" ] && [ "$seen" = "$expected" ]; then
        echo "ok $number - the official Python exporter is understood $word"
    else
        echo "not ok $number - the official Python exporter is understood $word"
        echo "# it said '$said', /metrics says '$seen' of $expected"
        sed 's/^/# /' "$dir/err"
        status=1
    fi
done
kill "$pid"
wait "$pid" || { echo "# the collector ended with $?"; status=1; }
pid=
exit $status
