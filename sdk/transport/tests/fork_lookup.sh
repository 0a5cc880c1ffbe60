#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fork_lookup_test.c on a build without sanitizers, which do not survive a fork amid allocations.
cd "$(dirname "$0")/../../.." || exit 3
CMOCKA_MESSAGE_OUTPUT=TAP exec "build/${MODE:-release}/tests/transport_fork_lookup_test"
