# SPDX-License-Identifier: Apache-2.0
# . harness/foreign/npm.sh; why_not NAME: puts the packages of harness/foreign/NAME into build/NAME and
# says nothing, or says why they are not there: what the machine lacks in words that ci/expected-skips knows; anything else
# ("npm ci failed") is not excused. $dir is a directory of the caller's own.
why_npm_failed() # STATUS
{
    if [ "$1" = 124 ] || grep -qE 'E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH|HOSTUNREACH|RR_SOCKET_TIMEOUT)' \
        "$dir/npm.out" || grep -qE '^npm (ERR!|error) code E(429|5[0-9][0-9])$' "$dir/npm.out"; then
        echo "npm cannot reach its registry: $(grep -m 1 -i err "$dir/npm.out")"
    else
        echo "npm ci failed: $(grep -m 1 -i err "$dir/npm.out")"
    fi
}

why_not()
{
    command -v node > /dev/null || { echo "node is not installed"; return; }
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)' ||
        { echo "node is older than 18"; return; }
    command -v npm > /dev/null || { echo "npm is not installed"; return; }
    mkdir -p build
    ( # two tests may want them at once
        flock 9
        from=harness/foreign/$1
        place=build/$1
        cmp -s "$from/package-lock.json" "$place/package-lock.json" && [ -e "$place/complete" ] && exit
        rm -rf "$place"
        mkdir -p "$place" && cp "$from/package.json" "$from/package-lock.json" "$place/"
        (cd "$place" && timeout 120 npm ci --ignore-scripts --no-audit --no-fund) \
            > "$dir/npm.out" 2>&1 && touch "$place/complete" || why_npm_failed $?
    ) 9> "build/$1.lock"
}
