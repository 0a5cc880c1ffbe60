#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ci/check-symbols finds two functions of one name in two archives, and only these.
. "$(dirname "$0")/../../harness/tests/tap.sh"

archive() # archive NAME C-TEXT: $dir/b/lib/libNAME.a
{
    mkdir -p "$dir/b/lib"
    printf '%s\n' "$2" > "$dir/$1.c"
    rm -f "$dir/b/lib/lib$1.a"
    "${CC:-cc}" -c -o "$dir/$1.o" "$dir/$1.c" && ar rc "$dir/b/lib/lib$1.a" "$dir/$1.o"
}

nothing_built() { expect_exit 1 sh ci/check-symbols "$dir/none" && says "build first"; }
check "nothing built is not passed" nothing_built

apart()
{
    archive one 'static int hid(void) { return 1; } int one(void) { return hid(); } __attribute__((weak)) int soft(void) { return 1; }' &&
        archive two 'static int hid(void) { return 2; } int two(void) { return hid(); } __attribute__((weak)) int soft(void) { return 2; }' &&
        expect_exit 0 sh ci/check-symbols "$dir/b"
}
check "names of their own, static and weak ones pass" apart

twice()
{
    archive two 'int two(void) { return 2; } int one(void) { return 2; }' &&
        expect_exit 1 sh ci/check-symbols "$dir/b" &&
        says "one is defined in libone.a(one.o) and in libtwo.a(two.o)" && [ "$(wc -l < "$dir/out")" -eq 1 ]
}
check "a function of the same name in two archives is found, with both places" twice

data()
{
    archive two 'int two(void) { return 2; } int table[4];' && archive one 'int table[4] = {1};' &&
        expect_exit 1 sh ci/check-symbols "$dir/b" && says "table is defined in"
}
check "... a variable too" data

ours() { expect_exit 0 sh ci/check-symbols "build/${MODE:-release}"; }
check "the archives of this build have each name once" ours
done_testing
