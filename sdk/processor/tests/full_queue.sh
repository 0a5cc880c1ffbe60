#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# full_queue_test.c on a build without sanitizers, whose own system calls its filter would catch.
cd "$(dirname "$0")/../../.." || exit 3
CMOCKA_MESSAGE_OUTPUT=TAP exec "build/${MODE:-release}/tests/full_queue_test"
