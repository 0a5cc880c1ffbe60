#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# validate-overhead at a size of seconds: what does not hang on a quiet machine holds, and a cost that is not where it
# is said to be is missed. The whole of it is make validate-overhead.
. "$(dirname "$0")/tap.sh"
export TMPDIR=$dir
validate=$top/build/${MODE:-release}/bin/validate-overhead
# On a machine that others use a slice may lose its figures: six of ten blocks are enough.
steady="--comparisons 1 --set overhead.blocks=10 --set overhead.slice=150ms"

check "64 bytes a span are found on the wire" expect_exit 0 "$validate" --only bytes
missing()
{
    expect_exit 1 "$validate" --only bytes --set overhead.inject.bytes=24 && says "NOT HELD"
}
check "... fewer are not" missing

counted()
{
    expect_exit 0 "$validate" --only instructions && says "found within 1 %"
}
check "instructions are found by callgrind" counted

hidden() # in the base too: the loops tell their time, the arms do not differ
{
    expect_exit 1 "$validate" --only cpu $steady --set services.shop.inject.instructions=160000 &&
        grep -q '^CPU time injected.*NOT HELD' "$dir/out"
}
check "a cost that both arms have is not found as a difference" hidden

nothing()
{
    expect_exit 1 "$validate" --only cpu $steady --set overhead.inject.instructions=100000 &&
        grep -q '^CPU time injected.*NOT HELD' "$dir/out"
}
check "nothing injected is not found either" nothing
check "an unknown part of the scenario is refused" sh -c "
    '$validate' --only bytes --set overhead.inject.byte=64 > '$dir/out' 2>&1; [ \$? -eq 2 ] && grep -q \"bytes\" '$dir/out'"
check "no temporary directory is left" sh -c "[ -z \"\$(ls -d '$dir'/validate-overhead.* 2>/dev/null)\" ]"
done_testing
