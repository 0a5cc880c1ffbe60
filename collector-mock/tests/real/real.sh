#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# collector-mock does what a real Collector did (recorded.json), and predict tells it before; with a
# real one, which OTELCOL names: what it does now.
cd "$(dirname "$0")/../../.." || exit 3
exec python3 collector-mock/tests/real/compare.py
