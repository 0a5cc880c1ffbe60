# SPDX-License-Identifier: Apache-2.0
BENCHES += span_bench
span_bench_SRCS := sdk/bench/span_bench.c
span_bench_LIBS := processor trace

BENCHES += export_bench
export_bench_SRCS := sdk/bench/export_bench.c
export_bench_LIBS := exporter processor trace

SCRIPT_TESTS += sdk/tests/instructions.sh
