#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tarball of make dist, used as the workflow templates and the Containerfile use it: in an empty
# directory, with an environment of its own, and on a root file system that has none of the libraries.
# DEBIAN_ROOT=DIR: a minimal Debian 12 (debootstrap --variant=minbase bookworm DIR) to build the image
# from, instead of this machine's own programs.
# FULL=1 (ci/check-full): all conformance scenarios whole, as a workflow runs them; else those without a timeline, cut short.
. "$(dirname "$0")/../../harness/tests/tap.sh"
umask 022 # others than root shall find their way in an image, whoever makes it

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

whole_page() # whole_page DIR FILE...: what the head of ci/gate promises, of one scenario too
{
    where=$1
    shift
    for kept in index.html junit.xml summary.md "$@"; do
        [ -s "$where/$kept" ] || { echo "not there: $kept"; return 1; }
    done
}

gitlab()
{
    sed -n '/^  script:/,/^  [a-z]*:$/s/^    - //p' ci/templates/gitlab-ci.yml |
        sed "s|/opt/tracerig/|$dir/unpacked/|" > "$dir/gitlab.sh"
    grep -q 'ci/gate' "$dir/gitlab.sh" || { cat "$dir/gitlab.sh"; return 1; }
    rm -rf "$dir/work/tracerig-report" "$dir/work/tracing/twice.yaml"
    expect_exit 0 ci "$dir/gitlab.sh" && says "every claim held" && whole_page "$dir/work/tracerig-report" players/report.html
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

no_environment() # one whose service ends before it is ready
{
    cat > "$dir/gone.yaml" << 'YAML'
title: A service that is not there
services:
  shop: {command: [/bin/false], ledger: none, routes: {GET /: {}}}
load: {route: shop GET /, rate: 10, duration: 1s}
YAML
    expect_exit 3 "$dir/unpacked/ci/gate" --out "$dir/three" "$dir/gone.yaml" && says "gate: no verdict (exit status 3)" &&
        whole_page "$dir/three" && grep -q '<error type="fault" message=".*ended before it was ready' "$dir/three/junit.xml" &&
        grep -q 'ended before it was ready' "$dir/three/summary.md"
}
check "where the environment failed page and JUnit say why" no_environment

# ---- the conformance scenarios: what the gate runs without an argument --------------------------------

names() { sed '/^#/d; /^$/d; s/ .*//' "$dir/unpacked/ci/conformance"; }

listed() # those that need a time of their own cannot be cut short
{
    [ "$(names | wc -l)" -ge 10 ] || { echo "few: $(names)"; return 1; }
    : > "$dir/brief"
    for name in $(names); do
        expect_exit 0 "$dir/unpacked/bin/tracerig" validate "$dir/unpacked/scenarios/$name.yaml" || return 1
        grep -q '^faults:' "$dir/unpacked/scenarios/$name.yaml" || echo "$name" >> "$dir/brief"
    done
    [ "$(wc -l < "$dir/brief")" -ge 6 ] || { cat "$dir/brief"; return 1; }
}
check "the tarball has the conformance scenarios, and they are valid" listed

part() # part N NAME...: a tree of its own in which ci/conformance names these, cut short
{
    home=$dir/part$1
    shift
    mkdir -p "$home/ci" && ln -s "$dir/unpacked/bin" "$dir/unpacked/lib" "$dir/unpacked/scenarios" "$home/" &&
        cp "$dir/unpacked/ci/gate" "$home/ci/" && { echo '# cut short' && echo && printf '%s\n' "$@"; } > "$home/ci/conformance"
    env -i PATH="$dir/bin" "$home/ci/gate" --out "$home/report" -- --seed 5 --set load.warmup=0s --set load.duration=2s \
        --set load.rate=150 --set "expect.thresholds=['spans.started > 0']" > "$home/out" 2>&1
    echo $? > "$home/status"
}

held() # held DIR NAME...: these and no others were run there, and held
{
    where=$1
    shift
    python3 - "$where" "$@" <<'PY'
import json, os, sys, xml.etree.ElementTree as e
where, names = sys.argv[1], sys.argv[2:]
runs = json.load(open(where + "/set.json"))["runs"]
assert [(r["scenario"], r["verdict"]) for r in runs] == [(n, "pass") for n in names], runs
suites = e.parse(where + "/junit.xml").getroot().findall("testsuite")
assert [s.get("name").split(":")[0] for s in suites] == names and all(s.get("failures") == "0" for s in suites), suites
assert all(os.path.getsize(f"{where}/{r['dir']}/report.html") > 0 for r in runs)
PY
}

brief() # three gates at a time: they wait more than they work
{
    for n in 0 1 2; do
        # shellcheck disable=SC2046
        part $n $(awk -v n=$n 'NR % 3 == n' "$dir/brief") &
    done
    wait
    for n in 0 1 2; do
        [ "$(cat "$dir/part$n/status")" -eq 0 ] || { cat "$dir/part$n/out"; return 1; }
        # shellcheck disable=SC2046
        held "$dir/part$n/report" $(awk -v n=$n 'NR % 3 == n' "$dir/brief") || return 1
    done
}

# As the workflow of who has no scenarios yet: the tarball fetched, unpacked and run, nothing said to it.
whole()
{
    rm -rf "$dir/work/tracing" "$dir/work/tracerig-report" "$dir/tmp/tracerig" "$dir/summary.md"
    # shellcheck disable=SC2046
    expect_exit 0 ci "$dir/steps.sh" && says "every claim held" && held "$dir/work/tracerig-report" $(names) || return 1
    for name in $(names); do
        grep -q "| PASS | $name |" "$dir/summary.md" || { cat "$dir/summary.md"; return 1; }
    done
}
if [ -n "${FULL:-}" ]; then
    check "without scenarios of its own a workflow runs all conformance scenarios of the tarball" whole
else
    check "without an argument the gate runs the conformance scenarios of the tarball" brief
fi

# root_of DIR PROGRAM...: a root with these programs, the C library and nothing else
root_of()
{
    root=$1
    shift
    mkdir -p "$root/proc" "$root/dev" "$root/tmp" "$root/bin" "$root/etc" && chmod 1777 "$root/tmp" || return 1
    for p in "$@"; do
        file=$(readlink -f "$(PATH=$PATH:/usr/sbin command -v "$p")")
        cp "$file" "$root/bin/$p" || return 1
        for l in $(ldd "$file" | grep -oE '/[^ ]+'; ldd "$dir/unpacked/bin/tracerig" | grep -oE '/[^ ]*/(libc|libm)\.so[^ ]*'); do
            mkdir -p "$root$(dirname "$l")" && cp -L "$l" "$root$l" || return 1
        done
    done
}

bare_root()
{
    root_of "$dir/root" sh env tar gzip mkdir cat dirname sed || return 1
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
        says "every claim held" && whole_page "$dir/root/tmp/report" players/report.html
}

# ---- the image: what ci/Containerfile says, line by line, done to a root directory ---------------------

image=$dir/image user=root directory=/

inside() # inside COMMAND...: in the image, as its user, in its directory
{
    ids=$(awk -F: -v user="$user" '$1 == user {print $3 ":" $4}' "$image/etc/passwd")
    [ -n "$ids" ] || { echo "the image has no user $user"; return 1; }
    # shellcheck disable=SC2016
    unshare --mount --pid --fork sh -c 'image=$1 ids=$2 directory=$3 && shift 3 && mount -t proc proc "$image/proc" &&
        mount --rbind /dev "$image/dev" && exec chroot --userspec="$ids" "$image" /usr/bin/env -i -C "$directory" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' inside "$image" "$ids" "$directory" "$@"
}

instruction() # instruction LINE: of a Containerfile
{
    words=${1#* }
    case $1 in
    "FROM debian:12-slim")
        if [ -n "${DEBIAN_ROOT:-}" ]; then
            grep -q '^12' "$DEBIAN_ROOT/etc/debian_version" && cp -a "$DEBIAN_ROOT" "$image"
        else
            root_of "$image" sh env tar gzip mkdir cat dirname sed mv ln useradd && mkdir -p "$image/opt" "$image/home" \
                "$image/usr/local/bin" "$image/etc/default" && ln -s ../bin "$image/usr/bin" &&
                echo root:x:0:0:root:/root:/bin/sh > "$image/etc/passwd" && echo root:x:0: > "$image/etc/group"
        fi ;;
    "ADD "*)
        for f in "$top"/build/dist/${words% *}; do
            case $f in *.tar.gz) tar -xzf "$f" -C "$image${words##* }" || return 1 ;; *) return 1 ;; esac
        done ;;
    "RUN "*) inside /bin/sh -c "$words" ;;
    "USER "*) user=$words && inside env ;;
    "WORKDIR "*) directory=$words && mkdir -p "$image$words" ;;
    "CMD "*) inside "$(echo "$words" | sed 's/^\["//; s/"\]$//; s/", *".*//')" "$(echo "$words" | sed 's/^.*", *"//; s/"\]$//')" ;;
    *) echo "not understood: $1"; return 1 ;;
    esac
}

build_image()
{
    sed '/^#/d' ci/Containerfile | sed ':a; /\\$/ {N; s/ *\\\n */ /; ba}' > "$dir/instructions"
    while IFS= read -r line; do
        instruction "$line" > "$dir/out" < /dev/null || { echo "failed: $line"; cat "$dir/out"; return 1; }
    done < "$dir/instructions"
    grep -q ^CMD "$dir/instructions" && says "usage: tracerig COMMAND" && [ "$user" != root ]
}

# The job's own lines in its own image; what it keeps is there.
gitlab_image()
{
    sed -n '/^  script:/,/^  [a-z]*:$/s/^    - //p' ci/templates/gitlab-ci.yml > "$image/tmp/job.sh"
    mkdir -p "$image/builds/tracing" && cp "$top/$1" "$image/builds/tracing/players.yaml" && chmod 777 "$image/builds" || return 1
    rm -rf "$image/builds/tracerig-report"
    directory=/builds expect_exit "$2" inside /bin/sh -e /tmp/job.sh && says "$3" || return 1
    for kept in $(sed -n 's/^ *paths: \[\(.*\)\]/\1/p; s/^ *junit: //p' ci/templates/gitlab-ci.yml); do
        [ -s "$image/builds/$kept" ] || { echo "not there: $kept"; return 1; }
    done
    grep -q '<testsuite' "$image/builds/tracerig-report/junit.xml"
}
lossy()
{
    sed 's/^  order:$/  order:\n    broken: {drop_context: "call payment POST \/charge"}/' harness/tests/players.yaml > "$dir/lossy.yaml"
    top='' gitlab_image "$dir/lossy.yaml" 1 "a claim does not hold"
}

if [ "$(id -u)" -eq 0 ] && unshare --mount --pid --fork true 2> /dev/null; then
    check "the tarball runs on a root file system with the C library alone" bare
    check "what ci/Containerfile says can be done, and its command runs as its user" build_image
    check "the GitLab job passes in this image on a healthy fleet, and leaves what it keeps" gitlab_image harness/tests/players.yaml 0 "every claim held"
    check "... and fails on one that loses context" lossy
else
    tests=$((tests + 1))
    echo "ok $tests - the tarball runs on a bare root file system # SKIP needs root and unshare"
    tests=$((tests + 1))
    echo "ok $tests - the image of ci/Containerfile and the GitLab job in it # SKIP needs root and unshare"
fi
done_testing
