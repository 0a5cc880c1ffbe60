# SPDX-License-Identifier: Apache-2.0
COL_TAIL_SRCS := $(addprefix collector-mock/processors/tail/, attributes.c cells.c decide.c evaluate.c \
                   identity.c limits.c lru.c mark.c numbers.c patterns.c policy_load.c policy_schema.c \
                   settings.c split.c store.c table.c tail.c)

LIBS += collector
collector_SRCS := collector-mock/pipeline/service.c collector-mock/pipeline/host.c \
                  collector-mock/pipeline/graph.c collector-mock/pipeline/registry.c \
                  collector-mock/pipeline/not_yet.c collector-mock/pipeline/post.c \
                  collector-mock/pipeline/header.c \
                  collector-mock/pipeline/crew.c \
                  collector-mock/pipeline/route.c collector-mock/pipeline/passage.c \
                  collector-mock/receivers/dealer.c \
                  collector-mock/config/load.c collector-mock/config/read.c \
                  collector-mock/config/references.c collector-mock/config/findings.c \
                  collector-mock/config/old_names.c collector-mock/config/stand_in.c \
                  collector-mock/config/lint.c collector-mock/config/rehearse.c \
                  collector-mock/config/version.c collector-mock/config/durations.c \
                  collector-mock/config/telemetry.c \
                  collector-mock/receivers/otlp.c collector-mock/receivers/otlp_http.c \
                  collector-mock/receivers/otlp_grpc.c collector-mock/receivers/http_headers.c \
                  collector-mock/receivers/intake.c collector-mock/receivers/served.c \
                  collector-mock/receivers/status.c collector-mock/receivers/tls_settings.c \
                  collector-mock/receivers/damage.c collector-mock/connectors/forward.c \
                  collector-mock/processors/batch.c collector-mock/processors/memory_limiter.c \
                  collector-mock/processors/memory_total.c \
                  collector-mock/processors/tail_sampling.c \
                  collector-mock/processors/condition.c \
                  collector-mock/processors/condition_value.c \
                  collector-mock/processors/number.c \
                  collector-mock/processors/parsed.c \
                  collector-mock/processors/path.c collector-mock/processors/path_value.c \
                  collector-mock/processors/not_here.c \
                  $(COL_TAIL_SRCS) \
                  collector-mock/processors/probabilistic_sampler.c \
                  collector-mock/processors/sample_logs.c \
                  collector-mock/processors/trace_state.c collector-mock/processors/edit.c \
                  collector-mock/processors/edit_text.c \
                  collector-mock/processors/rewrite.c collector-mock/processors/points.c \
                  collector-mock/processors/regex.c collector-mock/processors/glob.c \
                  collector-mock/processors/replace.c \
                  collector-mock/processors/action.c collector-mock/processors/match.c \
                  collector-mock/processors/match_settings.c \
                  collector-mock/processors/attributes.c collector-mock/processors/resource.c \
                  collector-mock/processors/filter.c collector-mock/processors/groups.c \
                  collector-mock/processors/transform.c \
                  collector-mock/processors/transform_group.c \
                  collector-mock/processors/statement.c \
                  collector-mock/processors/draft.c collector-mock/processors/groupbytrace.c \
                  collector-mock/exporters/file.c collector-mock/exporters/file_groups.c \
                  collector-mock/exporters/rotation.c \
                  collector-mock/exporters/otlp_json.c \
                  collector-mock/exporters/debug.c collector-mock/exporters/debug_outputs.c \
                  collector-mock/exporters/nop.c \
                  collector-mock/exporters/otlp.c collector-mock/exporters/otlp_client.c \
                  collector-mock/exporters/compress.c \
                  collector-mock/exporters/sender.c collector-mock/exporters/around.c \
                  collector-mock/exporters/otlp_settings.c collector-mock/exporters/otlp_queue.c \
                  collector-mock/pipeline/ticket.c \
                  collector-mock/extensions/health_check.c collector-mock/extensions/idle.c \
                  collector-mock/extensions/auth.c collector-mock/extensions/base64.c \
                  collector-mock/extensions/guard.c collector-mock/extensions/htpasswd.c \
                  collector-mock/exporters/ring.c collector-mock/exporters/load_balancing.c \
                  collector-mock/exporters/backends.c collector-mock/exporters/dns.c \
                  collector-mock/exporters/routing.c collector-mock/exporters/identity.c \
                  collector-mock/exporters/prometheus.c collector-mock/exporters/prom_names.c \
                  collector-mock/exporters/prom_series.c collector-mock/exporters/prom_page.c \
                  collector-mock/connectors/spanmetrics.c \
                  collector-mock/connectors/spanmetrics_settings.c \
                  collector-mock/connectors/spanmetrics_series.c \
                  collector-mock/connectors/spanmetrics_sweep.c \
                  collector-mock/connectors/exponential.c \
                  collector-mock/connectors/made_metric.c \
                  collector-mock/faults/faults.c collector-mock/faults/control.c \
                  collector-mock/faults/plan.c collector-mock/faults/fault.c \
                  collector-mock/faults/record.c collector-mock/faults/door.c \
                  collector-mock/telemetry/metrics.c collector-mock/telemetry/server.c \
                  collector-mock/telemetry/decisions.c collector-mock/telemetry/recent.c \
                  collector-mock/telemetry/recent_spans.c collector-mock/telemetry/text.c \
                  collector-mock/telemetry/collect.c
collector_LIBS := transport tls col_grpc col_http col_wire yaml base
collector_PKGS := libevent_core jansson libpcre2-8 zlib libzstd libcrypto
collector_LDLIBS := -lm -lcrypt

PROGS += collector-mock
collector-mock_SRCS := collector-mock/main.c
collector-mock_LIBS := collector
collector-mock_LDFLAGS := $(RELOCATABLE) -Wl,-u,otel_sdk_tls_ops_0

COL_RIG := collector-mock/tests/rig.c
COL_LONE := collector-mock/tests/lone.c $(COL_RIG)
TAIL_WORLD := collector-mock/processors/tests/tail_world.c

TESTS += col_config_test
col_config_test_SRCS := collector-mock/config/tests/config_test.c
col_config_test_LIBS := collector

TESTS += col_lint_test
col_lint_test_SRCS := collector-mock/config/tests/lint_test.c
col_lint_test_LIBS := collector

TESTS += col_pasted_test
COL_PASTED := collector-mock/config/tests/pasted.c
col_pasted_test_SRCS := collector-mock/config/tests/pasted_test.c $(COL_PASTED)
col_pasted_test_LIBS := collector

TESTS += col_pasted_started_test
col_pasted_started_test_SRCS := collector-mock/tests/pasted_started_test.c $(COL_PASTED) \
                                collector-mock/tests/certs.c collector-mock/grpc/tests/client.c \
                                $(COL_RIG)
col_pasted_started_test_LIBS := col_net col_wire base
col_pasted_started_test_PKGS := libnghttp2 libssl libcrypto
$(B)/tests/col_pasted_started_test: | $(B)/bin/collector-mock

TESTS += col_lenient_test
col_lenient_test_SRCS := collector-mock/config/tests/lenient_test.c
col_lenient_test_LIBS := collector

TESTS += col_ring_test
col_ring_test_SRCS := collector-mock/exporters/tests/ring_test.c
col_ring_test_LIBS := collector

TESTS += col_balance_outer_test
col_balance_outer_test_SRCS := collector-mock/tests/balance_outer_test.c \
                               collector-mock/tests/pair.c $(COL_RIG)
col_balance_outer_test_LIBS := col_wire base
$(B)/tests/col_balance_outer_test: | $(B)/bin/collector-mock

TESTS += col_log_test
col_log_test_SRCS := collector-mock/tests/log_test.c $(COL_LONE)
col_log_test_LIBS := col_wire base
col_log_test_PKGS := jansson
$(B)/tests/col_log_test: | $(B)/bin/collector-mock

TESTS += col_file_groups_test
col_file_groups_test_SRCS := collector-mock/exporters/tests/file_groups_test.c
col_file_groups_test_LIBS := collector

TESTS += col_rotation_test
col_rotation_test_SRCS := collector-mock/exporters/tests/rotation_test.c
col_rotation_test_LIBS := collector

TESTS += col_file_exporter_test
col_file_exporter_test_SRCS := collector-mock/tests/file_exporter_test.c $(COL_RIG)
col_file_exporter_test_LIBS := col_wire base
col_file_exporter_test_PKGS := libzstd
$(B)/tests/col_file_exporter_test: | $(B)/bin/collector-mock

TESTS += col_debug_test
col_debug_test_SRCS := collector-mock/exporters/tests/debug_test.c
col_debug_test_LIBS := collector

TESTS += col_routing_test
col_routing_test_SRCS := collector-mock/exporters/tests/routing_test.c
col_routing_test_LIBS := collector

TESTS += col_balance_test
col_balance_test_SRCS := collector-mock/tests/balance_test.c $(TAIL_WORLD) $(COL_RIG)
col_balance_test_LIBS := collector
$(B)/tests/col_balance_test: | $(B)/bin/collector-mock

TESTS += col_spanmetrics_test
col_spanmetrics_test_SRCS := collector-mock/tests/spanmetrics_test.c $(TAIL_WORLD) $(COL_RIG)
col_spanmetrics_test_LIBS := collector
$(B)/tests/col_spanmetrics_test: | $(B)/bin/collector-mock

TESTS += col_control_test
col_control_test_SRCS := collector-mock/tests/control_test.c $(COL_LONE)
col_control_test_LIBS := col_wire base
$(B)/tests/col_control_test: | $(B)/bin/collector-mock

FUZZERS += fuzz_col_plan fuzz_col_control
fuzz_col_plan_SRCS := collector-mock/faults/tests/fuzz_col_plan.c ci/fuzz-main.c
fuzz_col_plan_LIBS := collector
fuzz_col_control_SRCS := collector-mock/faults/tests/fuzz_col_control.c ci/fuzz-main.c
fuzz_col_control_LIBS := collector

TESTS += col_faults_test
col_faults_test_SRCS := collector-mock/faults/tests/faults_test.c sdk/base/tests/shortage.c
col_faults_test_LIBS := collector

COL_SECURE := collector-mock/tests/certs.c collector-mock/tests/secure.c

TESTS += col_http_test
col_http_test_SRCS := collector-mock/tests/http_test.c $(COL_RIG)
col_http_test_LIBS := col_wire otlp_pb base
col_http_test_PKGS := zlib libzstd

TESTS += col_grpc_test
col_grpc_test_SRCS := collector-mock/tests/grpc_test.c collector-mock/grpc/tests/client.c $(COL_RIG)
col_grpc_test_LIBS := col_net col_wire base
col_grpc_test_PKGS := zlib libzstd libnghttp2

TESTS += col_grpc_misbehave_test
col_grpc_misbehave_test_SRCS := collector-mock/tests/grpc_misbehave_test.c \
                                collector-mock/grpc/tests/client.c $(COL_RIG)
col_grpc_misbehave_test_LIBS := col_net col_wire base
col_grpc_misbehave_test_PKGS := libnghttp2

TESTS += col_fault_http_test
col_fault_http_test_SRCS := collector-mock/tests/fault_http_test.c $(COL_LONE)
col_fault_http_test_LIBS := col_wire otlp_pb base
col_fault_http_test_PKGS := zlib

TESTS += col_fault_grpc_test col_fault_tls_test
col_fault_grpc_test_SRCS := collector-mock/tests/fault_grpc_test.c \
                            collector-mock/grpc/tests/client.c $(COL_RIG)
col_fault_grpc_test_LIBS := col_net col_wire otlp_pb base
col_fault_grpc_test_PKGS := libnghttp2
col_fault_tls_test_SRCS := collector-mock/tests/fault_tls_test.c $(COL_SECURE) $(COL_RIG)
col_fault_tls_test_LIBS := col_wire base
col_fault_tls_test_PKGS := libssl libcrypto

COL_HOSTILE := collector-mock/tests/hostile.c collector-mock/grpc/tests/client.c $(COL_RIG)
TESTS += col_hostile_test
col_hostile_test_SRCS := collector-mock/tests/hostile_test.c $(COL_HOSTILE)
col_hostile_test_LIBS := col_net col_wire base
col_hostile_test_PKGS := libnghttp2
TESTS += col_hostile_messages_test
col_hostile_messages_test_SRCS := collector-mock/tests/hostile_messages_test.c $(COL_HOSTILE)
col_hostile_messages_test_LIBS := col_net col_wire base
col_hostile_messages_test_PKGS := libnghttp2 zlib libzstd

TESTS += col_tls_test
col_tls_test_SRCS := collector-mock/tests/tls_test.c collector-mock/grpc/tests/client.c \
                     $(COL_SECURE) $(COL_RIG)
col_tls_test_LIBS := col_net col_wire base
col_tls_test_PKGS := libnghttp2

TESTS += col_service_test
col_service_test_SRCS := collector-mock/tests/service_test.c $(COL_RIG)
col_service_test_LIBS := col_wire base
col_service_test_PKGS := jansson

TESTS += col_accounting_test
col_accounting_test_SRCS := collector-mock/tests/accounting_test.c collector-mock/tests/books.c \
                            collector-mock/grpc/tests/client.c $(COL_SECURE) $(COL_RIG)
col_accounting_test_LIBS := collector
col_accounting_test_PKGS := libnghttp2 libssl libcrypto

TESTS += col_misbehave_test
col_misbehave_test_SRCS := collector-mock/tests/misbehave_test.c $(COL_RIG)
col_misbehave_test_LIBS := col_wire base

TESTS += col_chain_test
col_chain_test_SRCS := collector-mock/tests/chain_test.c collector-mock/tests/pair.c $(COL_RIG)
col_chain_test_LIBS := col_wire base

TESTS += col_extensions_test
col_extensions_test_SRCS := collector-mock/tests/extensions_test.c $(COL_RIG)
col_extensions_test_LIBS := col_wire base

TESTS += col_recent_test
col_recent_test_SRCS := collector-mock/tests/recent_test.c $(COL_RIG)
col_recent_test_LIBS := col_wire base

TESTS += col_chain_tls_test
col_chain_tls_test_SRCS := collector-mock/tests/chain_tls_test.c collector-mock/tests/certs.c \
                           $(COL_RIG)
col_chain_tls_test_LIBS := col_wire base
col_chain_tls_test_PKGS := libssl libcrypto

TESTS += col_start_test
col_start_test_SRCS := collector-mock/tests/start_test.c $(COL_RIG)
col_start_test_LIBS := col_wire base

# these start the program
$(B)/tests/col_accounting_test $(B)/tests/col_http_test $(B)/tests/col_grpc_test $(B)/tests/col_grpc_misbehave_test \
$(B)/tests/col_service_test $(B)/tests/col_tls_test $(B)/tests/col_fault_http_test \
$(B)/tests/col_fault_grpc_test $(B)/tests/col_fault_tls_test $(B)/tests/col_hostile_test $(B)/tests/col_hostile_messages_test \
$(B)/tests/col_start_test $(B)/tests/col_misbehave_test $(B)/tests/col_chain_test \
$(B)/tests/col_extensions_test $(B)/tests/col_chain_tls_test $(B)/tests/col_recent_test: | $(B)/bin/collector-mock

FUZZERS += fuzz_col_config
fuzz_col_config_SRCS := collector-mock/config/tests/fuzz_col_config.c ci/fuzz-main.c
fuzz_col_config_LIBS := collector

TESTS += col_htpasswd_test
col_htpasswd_test_SRCS := collector-mock/extensions/tests/htpasswd_test.c
col_htpasswd_test_LIBS := collector

FUZZERS += fuzz_col_file_groups
fuzz_col_file_groups_SRCS := collector-mock/exporters/tests/fuzz_col_file_groups.c ci/fuzz-main.c
fuzz_col_file_groups_LIBS := collector

FUZZERS += fuzz_col_htpasswd
fuzz_col_htpasswd_SRCS := collector-mock/extensions/tests/fuzz_col_htpasswd.c ci/fuzz-main.c
fuzz_col_htpasswd_LIBS := collector

FUZZERS += fuzz_col_guard
fuzz_col_guard_SRCS := collector-mock/extensions/tests/fuzz_col_guard.c ci/fuzz-main.c
fuzz_col_guard_LIBS := collector

TESTS += col_auth_test
TSAN_TESTS += col_auth_test
col_auth_test_SRCS := collector-mock/tests/auth_test.c collector-mock/grpc/tests/client.c $(COL_RIG)
col_auth_test_LIBS := collector
col_auth_test_PKGS := libnghttp2
$(B)/tests/col_auth_test: | $(B)/bin/collector-mock

TESTS += col_three_signals_test
col_three_signals_test_SRCS := collector-mock/tests/signals_test.c \
                               collector-mock/grpc/tests/client.c $(COL_RIG)
col_three_signals_test_LIBS := col_net col_wire base
col_three_signals_test_PKGS := libnghttp2 jansson
$(B)/tests/col_three_signals_test: | $(B)/bin/collector-mock

TESTS += col_queue_test
col_queue_test_SRCS := collector-mock/tests/queue_test.c collector-mock/tests/pair.c \
                       collector-mock/grpc/tests/client.c $(COL_RIG)
col_queue_test_LIBS := col_net col_wire base
col_queue_test_PKGS := libnghttp2
$(B)/tests/col_queue_test: | $(B)/bin/collector-mock

TESTS += col_metadata_test
col_metadata_test_SRCS := collector-mock/tests/metadata_test.c collector-mock/grpc/tests/client.c \
                          $(COL_LONE)
col_metadata_test_LIBS := col_net col_wire base
col_metadata_test_PKGS := libnghttp2
$(B)/tests/col_metadata_test: | $(B)/bin/collector-mock

TESTS += col_served_test
col_served_test_SRCS := collector-mock/tests/served_test.c collector-mock/grpc/tests/client.c \
                        $(COL_LONE)
col_served_test_LIBS := col_net col_wire base
col_served_test_PKGS := libnghttp2
$(B)/tests/col_served_test: | $(B)/bin/collector-mock

TESTS += col_headers_test
col_headers_test_SRCS := collector-mock/tests/headers_test.c $(COL_LONE)
col_headers_test_LIBS := col_wire base
$(B)/tests/col_headers_test: | $(B)/bin/collector-mock

TESTS += col_version_test
col_version_test_SRCS := collector-mock/config/tests/version_test.c $(COL_RIG)
col_version_test_LIBS := collector
$(B)/tests/col_version_test: | $(B)/bin/collector-mock

TESTS += col_fault_pipeline_test
col_fault_pipeline_test_SRCS := collector-mock/tests/fault_pipeline_test.c $(COL_LONE)
col_fault_pipeline_test_LIBS := col_wire base
$(B)/tests/col_fault_pipeline_test: | $(B)/bin/collector-mock

BENCHES += receive_bench
receive_bench_SRCS := $(addprefix collector-mock/bench/, receive_bench.c crowd.c polite.c process.c \
                        send.c standing.c stream.c)
receive_bench_LIBS := col_wire otlp_pb base

$(B)/bench/receive_bench: | $(B)/bin/collector-mock

SCRIPT_TESTS += collector-mock/tests/official_python.sh collector-mock/tests/real/real.sh \
                collector-mock/tests/official_node.sh collector-mock/tests/curl.sh \
                collector-mock/tests/official_signals.sh


TESTS += col_tail_policy_test
col_tail_policy_test_SRCS := collector-mock/processors/tests/tail_policy_test.c $(TAIL_WORLD)
col_tail_policy_test_LIBS := collector

TESTS += col_tail_cells_test
col_tail_cells_test_SRCS := collector-mock/processors/tests/tail_cells_test.c $(TAIL_WORLD)
col_tail_cells_test_LIBS := collector

TESTS += col_tail_time_test
col_tail_time_test_SRCS := collector-mock/processors/tests/tail_time_test.c $(TAIL_WORLD)
col_tail_time_test_LIBS := collector

TESTS += col_tail_numbers_test
col_tail_numbers_test_SRCS := collector-mock/processors/tests/tail_numbers_test.c $(TAIL_WORLD) \
                              $(COL_RIG)
col_tail_numbers_test_LIBS := collector

FUZZERS += fuzz_col_condition
fuzz_col_condition_SRCS := collector-mock/processors/tests/fuzz_col_condition.c ci/fuzz-main.c
fuzz_col_condition_LIBS := collector

TESTS += col_tail_test
col_tail_test_SRCS := collector-mock/tests/tail_test.c collector-mock/tests/books.c \
                      $(TAIL_WORLD) $(COL_RIG)
col_tail_test_LIBS := collector
$(B)/tests/col_tail_test: | $(B)/bin/collector-mock

PROC_WORLD := collector-mock/processors/tests/proc_world.c $(TAIL_WORLD)

TESTS += col_processors_test
col_processors_test_SRCS := collector-mock/processors/tests/processors_test.c $(PROC_WORLD)
col_processors_test_LIBS := collector

FUZZERS += fuzz_col_trace_state
fuzz_col_trace_state_SRCS := collector-mock/processors/tests/fuzz_col_trace_state.c ci/fuzz-main.c
fuzz_col_trace_state_LIBS := collector

TESTS += col_sampler_test
col_sampler_test_SRCS := collector-mock/processors/tests/sampler_test.c $(PROC_WORLD)
col_sampler_test_LIBS := collector

TESTS += col_attributes_test
col_attributes_test_SRCS := collector-mock/processors/tests/attributes_test.c $(PROC_WORLD)
col_attributes_test_LIBS := collector

TESTS += col_edit_text_test
col_edit_text_test_SRCS := collector-mock/processors/tests/edit_text_test.c
col_edit_text_test_LIBS := collector

TESTS += col_filter_test
col_filter_test_SRCS := collector-mock/processors/tests/filter_test.c $(PROC_WORLD)
col_filter_test_LIBS := collector

TESTS += col_transform_test
col_transform_test_SRCS := collector-mock/processors/tests/transform_test.c $(PROC_WORLD)
col_transform_test_LIBS := collector

TESTS += col_ottl_test
col_ottl_test_SRCS := collector-mock/processors/tests/ottl_test.c $(PROC_WORLD)
col_ottl_test_LIBS := collector

FUZZERS += fuzz_col_statement
fuzz_col_statement_SRCS := collector-mock/processors/tests/fuzz_col_statement.c ci/fuzz-main.c
fuzz_col_statement_LIBS := collector

TESTS += col_groupbytrace_test
col_groupbytrace_test_SRCS := collector-mock/processors/tests/groupbytrace_test.c $(PROC_WORLD)
col_groupbytrace_test_LIBS := collector

TESTS += col_untouched_test
col_untouched_test_SRCS := collector-mock/processors/tests/untouched_test.c $(PROC_WORLD)
col_untouched_test_LIBS := collector

TESTS += col_post_test
TSAN_TESTS += col_post_test
col_post_test_SRCS := collector-mock/pipeline/tests/post_test.c $(TAIL_WORLD)
col_post_test_LIBS := collector

TESTS += col_workers_test
TSAN_TESTS += col_workers_test
col_workers_test_SRCS := collector-mock/tests/workers_test.c collector-mock/tests/books.c \
                         collector-mock/grpc/tests/client.c $(TAIL_WORLD) $(COL_RIG)
col_workers_test_LIBS := collector
col_workers_test_PKGS := libnghttp2
$(B)/tests/col_workers_test: | $(B)/bin/collector-mock

TESTS += col_own_metrics_test
col_own_metrics_test_SRCS := collector-mock/tests/own_metrics_test.c $(TAIL_WORLD) $(COL_RIG)
col_own_metrics_test_LIBS := collector
$(B)/tests/col_own_metrics_test: | $(B)/bin/collector-mock

TESTS += col_sampler_logs_test
col_sampler_logs_test_SRCS := collector-mock/processors/tests/sampler_logs_test.c
col_sampler_logs_test_LIBS := collector

TESTS += col_prometheus_test
col_prometheus_test_SRCS := collector-mock/tests/prometheus_test.c $(COL_RIG)
col_prometheus_test_LIBS := col_wire base
$(B)/tests/col_prometheus_test: | $(B)/bin/collector-mock

TESTS += col_exponential_test
col_exponential_test_SRCS := collector-mock/connectors/tests/exponential_test.c
col_exponential_test_LIBS := collector

TESTS += col_spanmetrics_settings_test
col_spanmetrics_settings_test_SRCS := collector-mock/tests/spanmetrics_settings_test.c $(COL_RIG)
col_spanmetrics_settings_test_LIBS := col_wire base
$(B)/tests/col_spanmetrics_settings_test: | $(B)/bin/collector-mock

TESTS += col_sender_test
col_sender_test_SRCS := collector-mock/exporters/tests/sender_test.c
col_sender_test_LIBS := collector

TESTS += col_dns_test
TSAN_TESTS += col_dns_test
col_dns_test_SRCS := collector-mock/exporters/tests/dns_test.c
col_dns_test_LIBS := collector
