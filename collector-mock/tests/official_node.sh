#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The three OTLP exporters of the official Node.js SDK (grpc, http/protobuf, http/json), each plain
# and with gzip: their word, /metrics and what was written agree, and all six wrote the same spans.
set -u
cd "$(dirname "$0")/../.." || exit 3
export no_proxy="${no_proxy:-},127.0.0.1" NO_PROXY="${NO_PROXY:-},127.0.0.1" # this machine may ask the world through one
program=build/${MODE:-release}/bin/collector-mock
dir=$(mktemp -d "${TMPDIR:-/tmp}/official.XXXXXX") || exit 3
pid=
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null; rm -rf "$dir"' EXIT
. harness/foreign/npm.sh
why=$(why_not node-payment)
if [ -n "$why" ]; then
    echo "ok 1 - the exporters of the official Node.js SDK # SKIP $why"
    echo 1..1
    exit 0
fi
echo 1..3
cat > "$dir/config.yaml" << YAML
receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '127.0.0.1:0'}}}}
exporters: {file: {path: '$dir/spans.json'}}
service:
  pipelines: {traces: {receivers: [otlp], exporters: [file]}}
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}}
YAML
mkfifo "$dir/ready" || exit 3
"$program" --config "$dir/config.yaml" --ready-fd 3 3> "$dir/ready" 2> "$dir/log" &
pid=$!
read -r line < "$dir/ready"
of() { echo "$line" | sed "s|.*\"$1\":\"\\([^\"]*\\)\".*|\\1|"; }
status=0
point() # NUMBER WORDS GOOD
{
    [ "$3" = yes ] && echo "ok $1 - the exporters of the official Node.js SDK $2" && return
    echo "not ok $1 - the exporters of the official Node.js SDK $2"
    sed 's/^/# /' "$dir/said" "$dir/err" "$dir/compared" 2> /dev/null | head -n 40
    status=1
}

NODE_PATH=$PWD/build/node-payment/node_modules timeout 120 node collector-mock/tests/official_node.js \
    "$(of otlp/grpc)" "$(of otlp/http)" 60 > "$dir/said" 2> "$dir/err"
good=yes
[ "$(grep -c ': good 60 bad 0$' "$dir/said")" = 6 ] || good=no
point 1 "are understood" $good
curl -s "http://$(of metrics)/metrics" > "$dir/metrics"
good=yes
grep -q '^otelcol_receiver_accepted_spans_total{.*transport="grpc"} 120$' "$dir/metrics" || good=no
grep -q '^otelcol_receiver_accepted_spans_total{.*transport="http"} 240$' "$dir/metrics" || good=no
point 2 "are counted" $good
kill "$pid"
wait "$pid" || { echo "# the collector ended with $?"; status=1; }
pid=
python3 - "$dir/spans.json" > "$dir/compared" 2>&1 << 'EOF'
import json, sys
sys.path.insert(0, "collector-mock/tests/real")
from collectors import spans
sets = {}
for trace, found in spans(open(sys.argv[1], "rb")):
    span = {k: v for k, v in found["span"].items() if k not in ("traceId", "spanId")}
    sets.setdefault(found["scope"]["name"], []).append(json.dumps([span, found["resource"]], sort_keys=True))
sets = {name: sorted(found) for name, found in sets.items()}
assert sorted(sets) == ["by grpc", "by http/json", "by http/protobuf"], sorted(sets)
first = sets["by grpc"]
assert len(first) == 120 and len(set(first)) == 60, (len(first), len(set(first)))
for name, found in sets.items():
    differ = [(a, b) for a, b in zip(first, found) if a != b]
    assert not differ and len(found) == 120, f"{name}: {len(found)} spans: {differ[0]}"
span = json.loads(first[0])[0]
assert len(span["attributes"]) == 11 and span["events"] and span["links"], span
EOF
if [ $? = 0 ]; then good=yes; else good=no; fi
point 3 "write the same spans" $good
exit $status
