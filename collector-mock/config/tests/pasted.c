/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/config/tests/pasted.h"

#define SENT(what, exporter) "otelcol_exporter_sent_" what "_total{exporter=\"" exporter "\"}"
#define STANDS_IN(component) "collector_mock_stand_in_spans_total{component=\"" component "\"}"
#define ALL_SENT(exporter)                                                                         \
    {SENT("spans", exporter), SENT("metric_points", exporter), SENT("log_records", exporter)}
#define LIMITER "  memory_limiter: {check_interval: 1s, limit_mib: 512, spike_limit_mib: 128}\n"
#define POLICIES                                                                                   \
    "    policies:\n"                                                                              \
    "      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}\n"            \
    "      - {name: slow, type: latency, latency: {threshold_ms: 1000}}\n"                         \
    "      - {name: some, type: probabilistic, probabilistic: {sampling_percentage: 5}}\n"


const struct pasted pasted_configs[] = {
    {"otlp on all addresses", RECEIVERS NOP SERVICE("", "nop"), NULL, NULL, NULL, {NULL}},
    {"limiter and batch",
     RECEIVERS NOP "processors:\n" LIMITER
                   "  batch: {timeout: 1s, send_batch_size: 1024, send_batch_max_size: 2048}\n"
                   "  batch/5: {timeout: 5s}\n  batch/10: {timeout: 10s}\n" SERVICE(
                       "memory_limiter, batch, batch/5, batch/10", "nop"),
     NULL, NULL, NULL, {NULL}},
    {"limiter without an interval",
     RECEIVERS NOP "processors:\n  memory_limiter: {limit_mib: 512}\n" SERVICE("memory_limiter",
                                                                              "nop"),
     "c.yaml:8:3: processor 'memory_limiter': check_interval must be greater than zero", NULL,
     "c.yaml:8:3: memory_limiter: check_interval must be greater than zero; 1s is taken", {NULL}},
    {"tail sampling",
     RECEIVERS NOP "processors:\n" LIMITER "  batch:\n  tail_sampling:\n    decision_wait: 10s\n"
                   "    num_traces: 100000\n    expected_new_traces_per_sec: 1000\n" POLICIES
                       SERVICE("memory_limiter, tail_sampling, batch", "nop"),
     NULL, NULL, NULL, {NULL}},
    {"tail sampling behind batch",
     RECEIVERS NOP "processors:\n" LIMITER
                   "  batch:\n  tail_sampling:\n    decision_wait: 10s\n" POLICIES SERVICE(
                       "memory_limiter, batch, tail_sampling", "nop"),
     NULL, NULL, "tail_sampling stands behind batch", {NULL}},
    {"attributes and resource",
     RECEIVERS NOP
     "processors:\n"
     "  attributes:\n"
     "    actions:\n"
     "      - {key: http.request.header.authorization, action: delete}\n"
     "      - {key: http.url, action: delete}\n"
     "      - {key: user.email, action: delete}\n"
     "      - {key: db.statement, action: hash}\n"
     "  resource:\n"
     "    attributes:\n"
     "      - {key: deployment.environment, value: production, action: upsert}\n"
     "      - {key: cluster.name, value: eu-1, action: upsert}\n" SERVICE("attributes, resource",
                                                                         "nop"),
     NULL, NULL, NULL, {NULL}},
    {"to tempo without TLS",
     RECEIVERS "exporters:\n  otlp/tempo:\n    endpoint: tempo:4317\n"
               "    tls:\n      insecure: true\n" SERVICE("", "otlp/tempo"),
     NULL, NULL, "c.yaml:7:3: exporter 'otlp/tempo': 'otlp' is the old name of 'otlp_grpc'",
     {SENT("spans", "otlp/tempo")}},
    {"TLS on one line by mistake",
     RECEIVERS "exporters:\n  otlp/tempo:\n    endpoint: tempo:4317\n"
               "    tls: insecure: true\n" SERVICE("", "otlp/tempo"),
     "c.yaml:9:18: mapping values are not allowed", "c.yaml:9:18: mapping values are not allowed",
     NULL, {NULL}},
    {"to jaeger, loki and a log",
     RECEIVERS "exporters:\n"
               "  jaeger: {endpoint: 'jaeger:14250', tls: {insecure: true}}\n"
               "  loki: {endpoint: 'http://loki:3100/loki/api/v1/push'}\n"
               "  logging: {loglevel: debug}\n" SERVICE("", "jaeger, loki, logging"),
     "c.yaml:7:3: exporter 'jaeger': the jaeger exporter was removed in v0.86", NULL,
     "c.yaml:8:3: exporter 'loki': the loki exporter was removed in v0.131",
     {STANDS_IN("jaeger"), STANDS_IN("loki"), SENT("spans", "logging")}},
    {"the collector's own telemetry",
     RECEIVERS NOP "service:\n"
                   "  telemetry:\n"
                   "    logs: {level: info, encoding: json}\n"
                   "    metrics:\n      level: detailed\n      readers:\n"
                   "        - pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}\n"
                   "    resource: {service.name: gateway}\n"
                   "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
     NULL, NULL, "c.yaml:14:5: service.telemetry: 'resource' does nothing here", {NULL}},
    {"the collector's own telemetry, sent elsewhere",
     RECEIVERS NOP "service:\n"
                   "  telemetry:\n    metrics:\n      readers:\n"
                   "        - periodic: {exporter: {otlp: {endpoint: 'http://backend:4318'}}}\n"
                   "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
     "c.yaml:11:11: service.telemetry: 'periodic' is a setting", NULL,
     "c.yaml:11:11: service.telemetry: 'periodic' is a setting", {NULL}},
    {"extensions and the old address",
     RECEIVERS NOP "extensions:\n  health_check: {endpoint: 0.0.0.0:13133}\n"
                   "  pprof: {endpoint: 0.0.0.0:1777}\n"
                   "service:\n"
                   "  extensions: [health_check, pprof]\n"
                   "  telemetry: {metrics: {address: 0.0.0.0:8888}}\n"
                   "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
     NULL, NULL, "c.yaml:12:25: 'address' is deprecated since v0.111", {NULL}},
    {"three signals",
     RECEIVERS NOP "processors:\n" LIMITER
                   "  batch:\n"
                   "service:\n"
                   "  pipelines:\n"
                   "    traces: {receivers: [otlp], processors: [memory_limiter, batch], "
                   "exporters: [nop]}\n"
                   "    metrics: {receivers: [otlp], processors: [memory_limiter, batch], "
                   "exporters: [nop]}\n"
                   "    logs: {receivers: [otlp], processors: [memory_limiter, batch], exporters: "
                   "[nop]}\n",
     NULL, NULL, NULL, ALL_SENT("nop")},
    {"credentials on gRPC by a file of passwords",
     "receivers:\n  otlp:\n    protocols:\n"
     "      grpc: {endpoint: 0.0.0.0:4317, auth: {authenticator: basicauth/server}}\n"
     "      http: {endpoint: 0.0.0.0:4318}\n"
     "extensions:\n  basicauth/server: {htpasswd: {file: /etc/otel/htpasswd}}\n" NOP
     "service:\n"
     "  extensions: [basicauth/server]\n"
     "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
     NULL, NULL, NULL, {NULL}},
    {"for browsers",
     "receivers:\n  otlp:\n    protocols:\n"
     "      grpc: {endpoint: 0.0.0.0:4317, transport: tcp, read_buffer_size: 524288}\n"
     "      http:\n        endpoint: 0.0.0.0:4318\n"
     "        cors:\n          allowed_origins: ['http://*', 'https://*.example.com']\n"
     "          allowed_headers: ['*']\n          max_age: 7200\n"
     "        response_headers: {X-Served-By: gateway}\n" NOP SERVICE("", "nop"),
     NULL, NULL, NULL, {NULL}},
    {"for clients behind a load balancer",
     "receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpoint: 0.0.0.0:4317\n"
     "        max_recv_msg_size_mib: 16\n        keepalive:\n"
     "          server_parameters: {max_connection_age: 60s, max_connection_age_grace: 10s}\n"
     "          enforcement_policy: {min_time: 10s, permit_without_stream: true}\n" NOP
     SERVICE("", "nop"),
     NULL, NULL, NULL, {NULL}},
    {"settings of the receiver that are not here",
     "receivers:\n  otlp:\n    protocols:\n"
     "      grpc: {endpoint: 0.0.0.0:4317}\n"
     "      http: {endpoint: 0.0.0.0:4318, transport: unix}\n" NOP SERVICE("", "nop"),
     "c.yaml:5:38: receiver 'otlp': 'transport'", NULL,
     "c.yaml:5:38: receiver 'otlp': 'transport'", {NULL}},
    {"time limits of a server",
     "receivers:\n  otlp:\n    protocols:\n      http:\n        endpoint: 0.0.0.0:4318\n"
     "        read_timeout: 5s\n        read_header_timeout: 2s\n"
     "        write_timeout: 0\n        idle_timeout: 1m\n" NOP SERVICE("", "nop"),
     NULL, NULL, NULL, {NULL}},
    {"time limits of a server under a key that there is not",
     "receivers:\n  otlp:\n    protocols:\n"
     "      http: {endpoint: 0.0.0.0:4318, timeouts: {read_timeout: 5s}}\n" NOP SERVICE("", "nop"),
     "c.yaml:4:38: unknown key 'timeouts'", "c.yaml:4:38: unknown key 'timeouts'", NULL, {NULL}},
    {"to tempo with an authority of one's own",
     RECEIVERS "exporters:\n  otlp/tempo:\n    endpoint: tempo.example.com:4317\n"
               "    tls:\n      ca_file: /etc/otel/ca.pem\n"
               "  otlphttp/tempo: {endpoint: 'https://tempo.example.com:4318',\n"
               "                   tls: {ca_file: /etc/otel/ca.pem}}\n" SERVICE(
                   "", "otlp/tempo, otlphttp/tempo"),
     NULL, NULL,
     "c.yaml:10:16: exporter 'otlp/tempo': 'ca_file': /etc/otel/ca.pem: cannot open: No such file "
     "or directory: where it is not there, the program does not start",
     {SENT("spans", "otlp/tempo"), SENT("spans", "otlphttp/tempo")}},
    {"for prometheus to fetch",
     RECEIVERS "exporters:\n  prometheus: {endpoint: '0.0.0.0:9464'}\n"
               "service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus]}}}\n",
     NULL, NULL, NULL, {SENT("metric_points", "prometheus")}},
    {"numbers of spans for prometheus to fetch",
     RECEIVERS
     "connectors:\n  spanmetrics:\n    histogram: {explicit: {buckets: [100us, 1ms, 10ms]}}\n"
     "    dimensions: [{name: http.method, default: GET}, {name: http.status_code}]\n"
     "    exemplars: {enabled: true}\n    exclude_dimensions: ['status.code']\n"
     "    dimensions_cache_size: 1000\n    metrics_flush_interval: 15s\n"
     "    aggregation_temporality: AGGREGATION_TEMPORALITY_CUMULATIVE\n"
     "exporters:\n  prometheus:\n    endpoint: 0.0.0.0:8889\n    namespace: test-space\n"
     "    const_labels: {label1: value1}\n    send_timestamps: true\n"
     "    metric_expiration: 180m\n    enable_open_metrics: true\n"
     "    resource_to_telemetry_conversion: {enabled: true}\n"
     "service:\n  pipelines:\n    traces: {receivers: [otlp], exporters: [spanmetrics]}\n"
     "    metrics: {receivers: [otlp, spanmetrics], exporters: [prometheus]}\n",
     NULL, NULL, "'spanmetrics' is the old name of 'span_metrics'",
     {SENT("metric_points", "prometheus")}},
    {"the first page of the documentation",
     RECEIVERS "processors:\n  batch:\n"
               "exporters:\n  otlp_grpc:\n    endpoint: otelcol:4317\n    tls: {insecure: true}\n"
               "    sending_queue:\n      batch:\n"
               "extensions:\n  health_check: {endpoint: 0.0.0.0:13133}\n"
               "  pprof: {endpoint: 0.0.0.0:1777}\n  zpages: {endpoint: 0.0.0.0:55679}\n"
               "service:\n  extensions: [health_check, pprof, zpages]\n  pipelines:\n"
               "    traces: {receivers: [otlp], processors: [batch], exporters: [otlp_grpc]}\n"
               "    metrics: {receivers: [otlp], processors: [batch], exporters: [otlp_grpc]}\n"
               "    logs: {receivers: [otlp], processors: [batch], exporters: [otlp_grpc]}\n",
     NULL, NULL, NULL, ALL_SENT("otlp_grpc")},
    {"the demonstration's, with components that are not here",
     RECEIVERS
     "  hostmetrics: {collection_interval: 10s, scrapers: {cpu: {}}}\n"
     "processors:\n  batch: {}\n  resourcedetection: {detectors: [env, system]}\n" LIMITER
     "exporters:\n"
     "  debug: {verbosity: detailed, sampling_initial: 5, sampling_thereafter: 200}\n"
     "  otlp/jaeger: {endpoint: 'jaeger:4317', tls: {insecure: true}}\n"
     "  otlphttp/prometheus: {endpoint: 'http://prometheus:9090/api/v1/otlp'}\n"
     "  otlphttp/loki: {endpoint: 'http://loki:3100/otlp', headers: {X-Scope-OrgID: '1'}}\n"
     "service:\n  pipelines:\n"
     "    traces: {receivers: [otlp], processors: [memory_limiter, resourcedetection, batch],\n"
     "             exporters: [otlp/jaeger, debug]}\n"
     "    metrics: {receivers: [otlp, hostmetrics], exporters: [otlphttp/prometheus]}\n"
     "    logs: {receivers: [otlp], processors: [batch], exporters: [otlphttp/loki, debug]}\n",
     "c.yaml:6:3: unknown type 'hostmetrics' for receiver 'hostmetrics'", NULL,
     "c.yaml:6:3: unknown type 'hostmetrics' for receiver 'hostmetrics'",
     {SENT("spans", "otlp/jaeger"), SENT("metric_points", "otlphttp/prometheus"),
      SENT("log_records", "otlphttp/loki")}},
    {"filters of before the conditions",
     RECEIVERS NOP
     "processors:\n"
     "  filter/metrics:\n    metrics:\n      include:\n        match_type: regexp\n"
     "        metric_names: [prefix/.*, '^past']\n        resource_attributes: []\n"
     "      exclude: {match_type: strict, metric_names: [hello_world, hello/world]}\n"
     "  filter/severity_number:\n    logs:\n      exclude:\n"
     "        severity_number: {min: INFO, match_undefined: false}\n"
     "        match_type: strict\n        bodies: [health]\n"
     "  attributes/logs:\n    include: {log_severity_number: {min: 1, match_undefined: true}}\n"
     "    actions: [{key: seen, value: true, action: upsert}]\n"
     "service:\n  pipelines:\n"
     "    traces: {receivers: [otlp], exporters: [nop]}\n"
     "    metrics: {receivers: [otlp], processors: [filter/metrics], exporters: [nop]}\n"
     "    logs: {receivers: [otlp], processors: [filter/severity_number, attributes/logs],\n"
     "           exporters: [nop]}\n",
     NULL, NULL, NULL, ALL_SENT("nop")},
    {"spans of all services, also of those without a name",
     RECEIVERS NOP
     "processors:\n  filter: {spans: {include: {match_type: regexp, services: [.*]}}}\n" SERVICE(
         "filter", "nop"),
     NULL, NULL, NULL, {NULL}},
    {"files that are turned over, one of them compressed",
     RECEIVERS "exporters:\n"
               "  file/rotation:\n    path: /etc/otel/foo.json\n"
               "    rotation: {max_megabytes: 10, max_days: 3, max_backups: 3, localtime: true}\n"
               "  file/flush_every_5_seconds:\n    path: /etc/otel/flush.json\n"
               "    flush_interval: 5\n    compression: zstd\n    format: proto\n" SERVICE(
                   "", "file/rotation, file/flush_every_5_seconds"),
     NULL, NULL, NULL,
     {SENT("spans", "file/rotation"), SENT("spans", "file/flush_every_5_seconds")}},
    {"a queue on disk",
     RECEIVERS "extensions: {file_storage: {directory: /var/lib/otelcol}}\n"
               "exporters:\n  otlp:\n    endpoint: http://tempo:4317\n    compression: gzip\n"
               "    headers: {x-api-key: '${env:PASTED_KEY:-none}'}\n    timeout: 10s\n"
               "    retry_on_failure: {enabled: true, initial_interval: 5s, max_interval: 30s}\n"
               "    sending_queue: {num_consumers: 10, queue_size: 5000, storage: file_storage}\n"
               "service:\n  extensions: [file_storage]\n"
               "  pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}\n",
     "c.yaml:6:14: unknown type 'file_storage' for extension 'file_storage'", NULL,
     "c.yaml:14:58: exporter 'otlp': 'storage' is a setting of the Collector",
     {SENT("spans", "otlp")}},
};

const size_t pasted_count = sizeof(pasted_configs) / sizeof(pasted_configs[0]);
