#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The requirements of an SDK by their numbers, and the table of verdicts: see requirements/run.py.
cd "$(dirname "$0")/../.." || exit 3
exec python3 sdk/tests/requirements/run.py "$@"
