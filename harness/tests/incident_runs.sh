#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The namer over 50 recordings: RUNS whole runs (5), in each of which another pod is the stale one, each judged under
# PERMUTATIONS of the labels (10) beside its own; JOBS runs at a time (2). RUNS=50 PERMUTATIONS=1 records all 50.
. "$(dirname "$0")/tap.sh"

runs=${RUNS:-5} permutations=${PERMUTATIONS:-10} jobs=${JOBS:-2}

record() # record N: pod N % 6 is the stale one
{
    pod=$(($1 % 6))
    sed "s/^      3: # the stale image/      $pod: # the stale image/; s/replica: 3,/replica: $pod,/; s/namer: projector-3/namer: projector-$pod/" \
        scenarios/slow-consumer-pod.yaml > "$dir/pod-$1.yaml"
    "$tracerig" run "$dir/pod-$1.yaml" --seed "$((100 + $1))" --quiet --out "$dir/run-$1" > "$dir/run-$1.out" 2>&1
    echo $? > "$dir/run-$1.status"
}

n=0
while [ "$n" -lt "$runs" ]; do
    in_hand=0
    while [ "$n" -lt "$runs" ] && [ "$in_hand" -lt "$jobs" ]; do
        record "$n" &
        n=$((n + 1)) in_hand=$((in_hand + 1))
    done
    wait
done

named() # named N
{
    [ "$(cat "$dir/run-$1.status")" -eq 0 ] || { cat "$dir/run-$1.out"; json "$dir/run-$1/report.json" "r['reason']"; return 1; }
    json_is "$dir/run-$1/report.json" "r['namer']['instance']" "projector-$(($1 % 6))" &&
        json_is "$dir/run-$1/report.json" "r['duration_s'] < 60" True &&
        json_is "$dir/run-$1/report.json" "r['namer']['without_instance_id']['named']" False
}

follows() # follows N: the name moves with its label
{
    pod=$(($1 % 6))
    python3 -c 'import random, sys
r = random.Random(int(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    print(",".join(map(str, r.sample(range(6), 6))))' "$1" "$permutations" > "$dir/permutations"
    while read -r permutation; do
        label=$(echo "$permutation" | cut -d, -f$((pod + 1)))
        rm -rf "$dir/relabelled"
        cp -R "$dir/run-$1" "$dir/relabelled" &&
            python3 harness/tests/relabel.py projector "$permutation" "$dir/relabelled/spans/tap.bin" || return 1
        "$tracerig" verify --json "$dir/relabelled" > "$dir/relabelled.json"
        json_is "$dir/relabelled.json" "r['namer']['instance']" "projector-$label" || return 1
    done < "$dir/permutations"
}

n=0
while [ "$n" -lt "$runs" ]; do
    check "run $n: pod $((n % 6)) is stale and is named, none without service.instance.id" named "$n"
    check "run $n: under $permutations permutations of the labels the name follows" follows "$n"
    rm -rf "$dir/run-$n"
    n=$((n + 1))
done
done_testing
