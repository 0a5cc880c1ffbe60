#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests with the official Node.js SDK are skipped with the reason where the machine lacks something, and ci/expected-skips
# excuses these reasons alone: whatever else is wrong with the packages fails the check.
. "$(dirname "$0")/../../harness/tests/tap.sh"
unset T COUNT_FILE QUIET_TOTAL JOBS LAST REPEATED_FILE RUN_NOTES
export MACHINE_NOTES=/dev/null

# the same tests, without what was fetched before, and with programs of our own choice
mkdir -p "$dir/copy/build" "$dir/tools"
for part in ci collector-mock harness; do ln -s "$top/$part" "$dir/copy/$part"; done
ln -s "$top/build/${MODE:-release}" "$dir/copy/build/${MODE:-release}"
find /bin/ /usr/bin/ /usr/local/bin/ -maxdepth 1 ! -name node ! -name nodejs ! -name npm ! -name npx ! -type d \
    -exec ln -sf -t "$dir/tools" {} +
program() # program NAME: what stands on stdin
{
    rm -f "$dir/tools/$1" # never through a link
    { echo '#!/bin/sh'; cat; } > "$dir/tools/$1"
    chmod +x "$dir/tools/$1"
}

skipped() # skipped STATUS REASON: all three tests, and what run-tests makes of it
{
    rm -rf "$dir/copy/build/node-payment" "$dir/copy/build/node-receipts"
    (cd "$dir/copy" && PATH=$dir/tools sh ci/run-tests collector-mock/tests/official_node.sh collector-mock/tests/official_signals.sh \
        harness/tests/foreign_node.sh) > "$dir/out" 2>&1
    got=$?
    [ "$got" -eq "$1" ] && [ "$(grep -c "^  .*# SKIP $2" "$dir/out")" = 3 ] && grep -q '^0 passed, 0 failed, 3 skipped' "$dir/out" &&
        return 0
    echo "exit $got, expected $1 and '$2' three times"
    cat "$dir/out"
    return 1
}
check "without node" skipped 0 "node is not installed"
program node << 'EOF'
exit 1
EOF
check "with an old node" skipped 0 "node is older than 18"
program node << 'EOF'
exit 0
EOF
check "without npm" skipped 0 "npm is not installed"
program npm << 'EOF'
echo "npm error code ENOTFOUND"
exit 1
EOF
check "without a network" skipped 0 "npm cannot reach its registry: npm error code ENOTFOUND"
program npm << 'EOF'
exit 124 # as timeout does
EOF
check "with a network that does not answer" skipped 0 "npm cannot reach its registry"
program npm << 'EOF'
echo "npm error code E503"
exit 1
EOF
check "with a registry that is out of order" skipped 0 "npm cannot reach its registry: npm error code E503"
program npm << 'EOF'
echo "npm error code EUSAGE, of sha512-E503"
exit 1
EOF
check "whatever else is wrong with the packages is not excused" skipped 1 "npm ci failed: npm error code EUSAGE, of sha512-E503   <- not in ci/expected-skips"
done_testing
