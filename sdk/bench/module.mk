# SPDX-License-Identifier: Apache-2.0
# A receiver beside, and the pipeline to it.
LIBS += bench_pipeline
bench_pipeline_SRCS := sdk/bench/pipeline.c sdk/bench/sink.c sdk/bench/mallocs.c \
                       sdk/transport/tests/grpc_server.c
bench_pipeline_LIBS := exporter processor trace

BENCHES += span_bench
span_bench_SRCS := sdk/bench/span_bench.c
span_bench_LIBS := bench_pipeline

BENCHES += export_bench
export_bench_SRCS := sdk/bench/export_bench.c
export_bench_LIBS := bench_pipeline

BENCHES += spec_bench
spec_bench_SRCS := sdk/bench/spec_bench.c
spec_bench_LIBS := bench_pipeline

TESTS += spec_spans_test
spec_spans_test_SRCS := sdk/bench/tests/spec_spans_test.c
spec_spans_test_LIBS := sdk_rig

SCRIPT_TESTS += sdk/tests/instructions.sh
