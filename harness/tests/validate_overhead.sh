#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# validate-overhead at a size of seconds: what does not hang on a quiet machine holds, and costs that are not where they
# are said to be are missed. The whole of it is make validate-overhead; FULL=1 (ci/check-full) plants what takes longer.
. "$(dirname "$0")/tap.sh"
export TMPDIR=$dir
validate=$top/build/${MODE:-release}/bin/validate-overhead
short="--set overhead.slice=50ms --set overhead.warmup=10ms"

found()
{
    expect_exit 0 "$validate" --only bytes $short && grep -q '^bytes added.* held$' "$dir/out"
}
check "64 bytes a span are found on the wire" found

planted()
{
    expect_exit 1 "$validate" --only bytes $short --set overhead.inject.bytes=24 && grep -q '^bytes added.*NOT HELD' "$dir/out"
}
check "fewer bytes are not taken for 64" planted

if [ -n "${FULL:-}" ]; then
    nothing()
    {
        expect_exit 1 "$validate" --only cpu --comparisons 1 --set overhead.blocks=10 --set overhead.slice=150ms \
            --set overhead.inject.instructions=100000 && grep -q '^CPU time injected.*NOT HELD' "$dir/out"
    }
    check "nothing injected is not found either" nothing
    # The loop in the base too: the services tell its time, the arms do not differ but by what the machine does to them,
    # which in one short comparison can be anything; so the middle of several, and validate_test for the judgement.
    both()
    {
        expect_exit 1 "$validate" --only cpu --comparisons 5 $short --set overhead.blocks=9 \
            --set services.shop.inject.instructions=160000 && grep -q '^CPU time injected.*NOT HELD' "$dir/out"
    }
    check "a loop that both arms have is not found" both
    counted()
    {
        expect_exit 1 "$validate" --only instructions --set services.shop.inject.instructions=103000 &&
            grep -q '^instructions injected.*NOT HELD' "$dir/out"
    }
    check "three per cent of the instructions are not missed by callgrind" counted
    # None is slower: nothing is seen, and nor is twice what the report then tells.
    untold()
    {
        expect_exit 1 "$validate" --only tail --set overhead.blocks=8 --set overhead.slice=150ms \
            --set overhead.inject.slow_share=0.000001 && grep -q '^\.\.\. twice the smallest.*NOT HELD' "$dir/out"
    }
    check "a tail that is not there is not said to have been seen" untold
fi
check "an unknown part of the scenario is refused" sh -c "
    '$validate' --only bytes --set overhead.inject.byte=64 > '$dir/out' 2>&1; [ \$? -eq 2 ] && grep -q \"bytes\" '$dir/out'"
check "no temporary directory is left" sh -c "[ -z \"\$(ls -d '$dir'/validate-overhead.* 2>/dev/null)\" ]"
done_testing
