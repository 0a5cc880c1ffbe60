#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The man pages are whole: a page for each header, a name for each function that a library shows, a
# section for each command; and man renders them without a warning, as they were written. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 3
bin=build/${MODE:-release}/bin dist=build/${MODE:-release}/dist
tmp=$(mktemp -d) || exit 3
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
n=0 failed=0

check() # NAME COMMAND...
{
    name=$1
    shift
    n=$((n + 1))
    if "$@" > "$tmp/log" 2>&1; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' "$tmp/log" | tail -n 30
        failed=1
    fi
}
rendered() { LC_ALL=C.UTF-8 MANPAGER=cat MANWIDTH=200 man --warnings -l "$1" 2>&1; }

makes()
{
    sh sdk/packaging/manpages "$tmp" 1.2.3 && sh sdk/packaging/manpages "$tmp" 1.2.3 "$bin/tracerig" "$bin/collector-mock"
}
check "the pages are made" makes

headers()
{
    for h in sdk/include/otel/*.h sdk/include/otel/sdk/*.h; do
        page=$tmp/man3/$(echo "${h#sdk/include/}" | sed 's,\.h$,,; s,/,_,g').3
        grep -qxF "#include <${h#sdk/include/}>" "$page" && sed -n 3p "$page" | grep -qE '^otel_[a-z_]* .- [A-Z].{9,}' ||
            { echo "$h"; return 1; }
    done
}
check "each public header has a page with a title" headers

functions() # those of the libraries, not of the headers: the script reads the latter itself
{
    make -s MODE="${MODE:-release}" "$dist/libotel_api.so" "$dist/libotel_sdk.so" "$dist/libotel_config.so" || return 1
    nm -D --defined-only "$dist"/libotel_api.so "$dist"/libotel_sdk.so "$dist"/libotel_config.so |
        awk '$2 == "T" {sub(/@.*/, "", $3); print $3}' | grep -v '_hook' | sort -u > "$tmp/names"
    [ "$(wc -l < "$tmp/names")" -gt 100 ] || { echo "few names"; return 1; }
    while read -r function; do
        [ -f "$tmp/man3/$function.3" ] || { echo "no page of $function"; return 1; }
        page=$(sed -n 's/^\.so man3//p' "$tmp/man3/$function.3")
        grep -q "$function(" "$tmp/man3/${page:-$function.3}" || { echo "$function is not on $page"; return 1; }
    done < "$tmp/names"
}
check "each function that a library shows has its name in section 3" functions

commands()
{
    "$bin/tracerig" --help | sed -n '/^commands:$/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' > "$tmp/commands"
    [ -s "$tmp/commands" ] || return 1
    while read -r command; do
        grep -qx ".SH \"tracerig $command\"" "$tmp/man1/tracerig.1" || { echo "$command"; return 1; }
    done < "$tmp/commands"
    grep -q '\\-\\-ready\\-fd' "$tmp/man1/collector-mock.1"
}
check "each command and option is on its program's page" commands

without_warning()
{
    for page in "$tmp"/man1/*.1 $(grep -L '^\.so ' "$tmp"/man3/*.3); do
        rendered "$page" > "$tmp/page"
        ! grep -n 'warning:\|error:' "$tmp/page" || return 1
    done
    printf '.TH x 3\n.SH NAME\nx \\- y\n.nosuchrequest\n' > "$tmp/bad.3"
    rendered "$tmp/bad.3" | grep 'warning:.*nosuchrequest'
}
as_written() # each line of a header's comment and declarations, apart from the margin
{
    for header in trace sdk/config; do
        rendered "$tmp/man3/otel_$(echo $header | tr / _).3" | sed 's/^ *//' > "$tmp/page"
        sed -n '/^\/\*$/,/^#ifdef __cplusplus/p' "sdk/include/otel/$header.h" | sed -e '/^#/d; /^ \*\/$/d; /^\/\*$/d' \
            -e 's/^ \* \{0,1\}//; s/^ *//; /^$/d' | grep -v '^\*$' > "$tmp/lines"
        [ "$(wc -l < "$tmp/lines")" -gt 15 ] || return 1
        while IFS= read -r line; do
            grep -qxF -- "$line" "$tmp/page" || { echo "$header.h: $line"; return 1; }
        done < "$tmp/lines"
    done
}
if command -v man > /dev/null && man --warnings -l "$tmp/man1/tracerig.1" > /dev/null 2>&1; then
    check "man renders all of them without a warning" without_warning
    check "and the headers' words as they were written" as_written
else
    n=$((n + 1))
    echo "ok $n - man renders all of them without a warning # SKIP man is not installed"
fi
echo "1..$n"
exit $failed
