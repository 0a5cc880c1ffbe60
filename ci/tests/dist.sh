#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tarball of make dist, used as the workflow templates use it: in an empty directory, with an
# environment of its own, and on a root file system that has none of the libraries.
. "$(dirname "$0")/../../harness/tests/tap.sh"

short="--set load.warmup=0s --set load.duration=1s --set load.rate=50"
mkdir -p "$dir/bin" "$dir/work/tracing" "$dir/tmp"
for p in sh env tar gzip mkdir cat dirname sed curl; do ln -sf "$(command -v $p)" "$dir/bin/$p"; done

pack()
{
    # a make of the test's own, not a part of the one that runs it
    env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make --no-print-directory MODE=release dist || return 1
    tarball=$(ls "$top"/build/dist/tracerig-*-linux-*.tar.gz) || return 1
    mkdir -p "$dir/unpacked" && tar -xzf "$tarball" --strip-components=1 -C "$dir/unpacked" &&
        cp "$tarball" "$dir/tracerig.tar.gz" && ln -s "$tarball" "$dir/same.tar.gz"
}
check "make dist makes one tarball" pack

own_libraries()
{
    for f in "$dir"/unpacked/bin/* "$dir"/unpacked/lib/*; do
        case $f in */lib/*) search="LD_LIBRARY_PATH=$dir/unpacked/lib" ;; *) search=A=B ;; esac
        foreign=$(env -i "$search" "$(command -v ldd)" "$f" | awk '$2 == "=>" {print $1, $3}' | grep -vF "$dir/unpacked/" |
            grep -vE '^(libc|libm|libpthread|libdl|librt|libresolv)\.so')
        [ -z "$foreign" ] || { echo "$f: $foreign"; return 1; }
    done
    for f in "$dir"/unpacked/lib/*; do
        package=$(sed -n "s/^$(basename "$f") //p" "$dir/unpacked/licenses/INDEX")
        [ -s "$dir/unpacked/licenses/${package:-none}" ] || { echo "no licence of $f"; return 1; }
    done
}
check "programs take every library but the C library's from the tarball, with its licence" own_libraries

# steps FILE: what stands under "run:" in a workflow, one after the other
steps()
{
    awk '/^ *(- )?run: \|/ {on = 1; match($0, /^ */); depth = RLENGTH; next}
        on {match($0, /^ */); if (RLENGTH <= depth + 1 && NF) on = 0}
        on {print; next}
        /^ *(- )?run: / {sub(/^ *(- )?run: /, ""); print}' "$1"
}

ci() # ci SCRIPT: as a runner would, with nothing of this environment
{
    (cd "$dir/work" && env -i PATH="$dir/bin" HOME="$dir/tmp" RUNNER_TEMP="$dir/tmp" \
        GITHUB_STEP_SUMMARY="$dir/summary.md" TRACERIG_TARBALL="file://$dir/tracerig.tar.gz" sh -e "$1")
}

github()
{
    steps ci/templates/github-actions.yml > "$dir/steps.sh"
    grep -q curl "$dir/steps.sh" && grep -q ci/gate "$dir/steps.sh" || { cat "$dir/steps.sh"; return 1; }
    cp harness/tests/players.yaml "$dir/work/tracing/players.yaml"
    cp harness/tests/players.yaml "$dir/work/tracing/twice.yaml"
    expect_exit 0 ci "$dir/steps.sh" && says "every claim held" && [ -s "$dir/work/tracerig-report/junit.xml" ] &&
        [ -s "$dir/work/tracerig-report/players/report.html" ] && grep -q '| PASS | twice |' "$dir/summary.md"
}
check "the GitHub workflow's steps pass on a healthy fleet" github

planted()
{
    rm -rf "$dir/work/tracerig-report" "$dir/work/tracing/twice.yaml"
    sed 's/^  order:$/  order:\n    broken: {drop_context: "call payment POST \/charge"}/' harness/tests/players.yaml \
        > "$dir/work/tracing/twice.yaml"
    expect_exit 1 ci "$dir/steps.sh" && says "a claim does not hold" &&
        grep -q '<failure type="verdict"' "$dir/work/tracerig-report/junit.xml" &&
        grep -q '| FAIL | twice |' "$dir/summary.md"
}
check "... and fail on a fleet that loses context" planted

gitlab()
{
    sed -n '/^  script:/,/^  [a-z]*:$/s/^    - //p' ci/templates/gitlab-ci.yml |
        sed "s|/opt/tracerig/|$dir/unpacked/|" > "$dir/gitlab.sh"
    grep -q 'ci/gate' "$dir/gitlab.sh" || { cat "$dir/gitlab.sh"; return 1; }
    rm -rf "$dir/work/tracerig-report" "$dir/work/tracing/twice.yaml"
    # one scenario: its report is the page
    expect_exit 0 ci "$dir/gitlab.sh" && says "every claim held" && [ -s "$dir/work/tracerig-report/junit.xml" ]
}
check "the GitLab job's script passes on a healthy fleet" gitlab

usage()
{
    expect_exit 2 "$dir/unpacked/ci/gate" --outt x && says "unknown option --outt" &&
        expect_exit 2 "$dir/unpacked/ci/gate" --out && says "--out needs a value" &&
        expect_exit 2 "$dir/unpacked/ci/gate" --out "$dir/none" "$dir/none.yaml" && says "No such file" &&
        expect_exit 0 "$dir/unpacked/ci/gate" --help && says "Exit status: 0 every claim held"
}
check "the gate tells wrong usage" usage

inconclusive()
{
    set -- "$top/harness/tests/players.yaml" -- --set load.duration=500ms --set "expect.thresholds=['load.latency.p999 < 60s']"
    expect_exit 4 "$dir/unpacked/ci/gate" --out "$dir/four" "$@" && says "could not be judged" &&
        expect_exit 0 "$dir/unpacked/ci/gate" --allow-inconclusive --out "$dir/zero" "$@"
}
check "what could not be judged does not pass, unless it is allowed to" inconclusive

conformance()
{
    names=$(sed '/^#/d; s/ .*//' "$dir/unpacked/ci/conformance")
    [ "$(echo "$names" | wc -l)" -ge 10 ] || { echo "few: $names"; return 1; }
    for name in $names; do
        expect_exit 0 "$dir/unpacked/bin/tracerig" validate "$dir/unpacked/scenarios/$name.yaml" || return 1
    done
    printf '# two will do here\nhealth-endpoints\n\nbaggage\n' > "$dir/unpacked/ci/conformance"
    # shellcheck disable=SC2086
    expect_exit 0 env -i PATH="$dir/bin" "$dir/unpacked/ci/gate" --out "$dir/shipped" -- $short \
        --set "expect.thresholds=['spans.started > 0']" && [ -s "$dir/shipped/health-endpoints/report.html" ] &&
        [ -s "$dir/shipped/baggage/report.html" ] && says "2 held"
}
check "without an argument the gate runs the conformance scenarios of the tarball" conformance

# A root with a shell, tar, the C library and nothing else.
bare_root()
{
    mkdir -p "$dir/root/proc" "$dir/root/tmp" "$dir/root/bin" || return 1
    for p in sh env tar gzip mkdir cat dirname sed; do
        file=$(readlink -f "$(command -v $p)")
        cp "$file" "$dir/root/bin/$p" || return 1
        for l in $(ldd "$file" | grep -oE '/[^ ]+'; ldd "$dir/unpacked/bin/tracerig" | grep -oE '/[^ ]*/(libc|libm)\.so[^ ]*'); do
            mkdir -p "$dir/root$(dirname "$l")" && cp -L "$l" "$dir/root$l" || return 1
        done
    done
    cp "$dir/tracerig.tar.gz" harness/tests/players.yaml "$dir/root/tmp/"
    cat > "$dir/root/tmp/job.sh" <<'JOB'
cd /tmp && mkdir t && gzip -dc tracerig.tar.gz | tar -xf - --strip-components=1 -C t &&
    ! ls /lib/*/libjansson* /usr/lib/*/libjansson* 2> /dev/null && t/ci/gate --out report players.yaml
JOB
}

bare()
{
    bare_root || return 1
    # shellcheck disable=SC2016
    expect_exit 0 unshare --mount --pid --fork sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" /bin/env -i PATH=/bin /bin/sh /tmp/job.sh' "$dir/root" &&
        says "every claim held" && [ -s "$dir/root/tmp/report/report.html" ]
}
if [ "$(id -u)" -eq 0 ] && unshare --mount --pid --fork true 2> /dev/null; then
    check "the tarball runs on a root file system with the C library alone" bare
else
    tests=$((tests + 1))
    echo "ok $tests - the tarball runs on a bare root file system # SKIP needs root and unshare"
fi
done_testing
