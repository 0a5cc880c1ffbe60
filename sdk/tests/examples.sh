#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The programs of sdk/examples, each built by the command that its head names and run: see
# examples/run.py.
cd "$(dirname "$0")/../.." || exit 3
dist=build/${MODE:-release}/dist
make -s MODE="${MODE:-release}" "$dist/libotel_api.so" "$dist/libotel_sdk.so" || exit 1
exec python3 sdk/tests/examples/run.py "$@"
