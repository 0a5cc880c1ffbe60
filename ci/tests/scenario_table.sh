#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ci/scenario-table finds a scenario that nobody ran, one without a mistake, and one whose mistake nobody planted.
. "$(dirname "$0")/../../harness/tests/tap.sh"
mkdir "$dir/s"
printf '# One.\n#\n# Planted mistakes: --set a.b=1, or (better) --set '\''c={d: 2,\n# e: 3}'\'': it fails.\ntitle: x\n' > "$dir/s/one.yaml"

note() # note VERDICT OPTIONS: a run of it
{
    printf '%s\t%s\t1.5\tscript\t%s\n' "$dir/s/one.yaml" "$1" "$2" >> "$dir/notes"
}
table() { expect_exit "$1" python3 ci/scenario-table "$dir/notes" "$dir/s"; }

: > "$dir/notes"
never() { table 1 && says "one.yaml was never run"; }
check "one that nobody ran is named" never
unplanted()
{
    note pass '[]' && note fail '["a.b=1"]' && table 1 && says "no run with the mistake 'c={d: 2, e: 3}' failed" || return 1
    ! grep -q 'never run\|a\.b=1' "$dir/out"
}
check "one of two mistakes that nobody planted is named" unplanted
harmless() { note pass '["c={d: 2, e: 3}"]' && table 1 && says "no run with the mistake 'c={d: 2, e: 3}' failed"; }
check "... that did no harm, too" harmless
whole() { note fail '["x=1", "c={d: 2, e: 3}"]' && table 0 && says "script; script"; }
check "run, and each mistake planted: content" whole
unnamed()
{
    printf '# One.\ntitle: x # Planted mistake: --set a.b=1\n' > "$dir/s/one.yaml" && table 1 && says "names no planted mistake"
}
check "one without a mistake in a comment before its services is named" unnamed
done_testing
