#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the official encoder wrote (ci/witness/official), sent with curl in JSON and in protobuf,
# plain and with gzip: answered as the Collector does, and all four are written as the same spans.
set -u
cd "$(dirname "$0")/../.." || exit 3
export no_proxy="${no_proxy:-},127.0.0.1" NO_PROXY="${NO_PROXY:-},127.0.0.1" # this machine may ask the world through one
program=build/${MODE:-release}/bin/collector-mock
dir=$(mktemp -d "${TMPDIR:-/tmp}/curl.XXXXXX") || exit 3
pid=
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null; rm -rf "$dir"' EXIT
echo 1..3
command -v curl > /dev/null || {
    for point in "is answered" "is refused with a reason" "is written alike"; do
        echo "ok - what curl sends $point # SKIP curl is not installed"
    done
    exit 0
}
cat > "$dir/config.yaml" << YAML
receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}
exporters: {file: {path: '$dir/spans.json'}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [file]}}}
YAML
mkfifo "$dir/ready" || exit 3
"$program" --config "$dir/config.yaml" --ready-fd 3 3> "$dir/ready" 2> "$dir/log" &
pid=$!
read -r line < "$dir/ready"
url=http://$(echo "$line" | sed 's|.*"otlp/http":"\([^"]*\)".*|\1|')/v1/traces
status=0
point() # NUMBER WORDS: of the status before
{
    if [ "$3" = 0 ]; then echo "ok $1 - what curl sends $2"; return; fi
    echo "not ok $1 - what curl sends $2"
    sed 's/^/# /' "$dir/said" | tail -n 20
    status=1
}
post() # TYPE FILE OPTION...: the body of the answer and its status
{
    type=$1 file=$2
    shift 2
    curl -s -w ' %{http_code} %{content_type}\n' -H "Content-Type: application/$type" "$@" --data-binary "@$file" "$url"
}

wrong=0
: > "$dir/said"
for name in minimal full groups extremes; do
    gzip -c "ci/witness/official/$name.json" > "$dir/json.gz"
    gzip -c "ci/witness/official/$name.bin" > "$dir/bin.gz"
    {
        post json "ci/witness/official/$name.json"
        post json "$dir/json.gz" -H 'Content-Encoding: gzip'
    } > "$dir/answers"
    cat "$dir/answers" >> "$dir/said"
    [ "$(grep -c '^{"partialSuccess":{}} 200 application/json$' "$dir/answers")" = 2 ] || wrong=1
    {
        post x-protobuf "ci/witness/official/$name.bin"
        post x-protobuf "$dir/bin.gz" -H 'Content-Encoding: gzip'
    } > "$dir/answers"
    cat "$dir/answers" >> "$dir/said"
    [ "$(grep -c '^ 200 application/x-protobuf$' "$dir/answers")" = 2 ] || wrong=1
done
point 1 "is answered" $wrong
wrong=0
echo '{"resourceSpans":[{' > "$dir/broken.json"
post json "$dir/broken.json" > "$dir/said"
grep -q '"code":3.* 400 application/json' "$dir/said" || wrong=1
post plain "$dir/broken.json" >> "$dir/said"
grep -q ' 415 text/plain' "$dir/said" || wrong=1
point 2 "is refused with a reason" $wrong
kill "$pid"
wait "$pid" || { echo "# the collector ended with $?"; status=1; }
pid=
# four lines a file, of which each pair and each four are the same
awk '{ part = int((NR - 1) / 4); if ((NR - 1) % 4 == 0) first = $0; else if ($0 != first) differ = 1 }
     END { exit !(NR == 16 && !differ) }' "$dir/spans.json"
wrong=$?
cut -c 1-300 "$dir/spans.json" > "$dir/said"
point 3 "is written alike" $wrong
exit $status
