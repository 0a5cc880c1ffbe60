/* SPDX-License-Identifier: Apache-2.0 */
/* Agents: Collectors between services and the recording one. Each is a process of collector-mock
 * with a tap of its own, and leaves its numbers when everything is sent. */
#include <stdio.h>
#include <string.h>

#include "harness/scenario/faults.h"
#include "harness/stats/prom.h"
#include "harness/topology/control.h"
#include "harness/topology/facts.h"
#include "harness/topology/parts.h"
#include "sdk/base/file.h"

enum { PATH_SIZE = 4096, ARGC_MAX = 25, ADDRESS_SIZE = 96 };

struct paths {
    char config[PATH_SIZE], tap[PATH_SIZE], log[PATH_SIZE], metrics[PATH_SIZE], record[PATH_SIZE];
};

static void name_paths(const struct hx_run *run, const char *name, struct paths *paths)
{
    const char *dir = run->options.dir;

    snprintf(paths->config, sizeof(paths->config), "%s/agents/%s.yaml", dir, name);
    snprintf(paths->tap, sizeof(paths->tap), "%s/spans/%s.tap.bin", dir, name);
    snprintf(paths->log, sizeof(paths->log), "%s/logs/%s.log", dir, name);
    snprintf(paths->metrics, sizeof(paths->metrics), "%s/metrics/%s.prom", dir, name);
    snprintf(paths->record, sizeof(paths->record), "%s/spans/%s.faults.jsonl", dir, name);
}

static enum otel_err write_config(const struct hx_run *run, const struct hx_agent *agent,
                                  struct otl_detail *reterr)
{
    char path[PATH_SIZE];
    enum otel_err err;

    snprintf(path, sizeof(path), "%s/agents", run->options.dir);
    err = otl_make_dirs(path, reterr);
    snprintf(path, sizeof(path), "agents/%s.yaml", agent->name);
    return err == OTEL_OK ? hx_run_write_json(run, path, agent->config, reterr) : err;
}

static enum otel_err start(struct hx_run *run, const struct hx_agent *agent,
                           const char *const *env, struct otl_detail *reterr)
{
    static struct paths paths; /* large; one at a time */
    const char *argv[ARGC_MAX + 1] = {
        run->options.collector, "--config", paths.config, "--tap", paths.tap, "--last-metrics",
        paths.metrics, "--ready-fd", "3", "--control-fd", "3", "--fault-record", paths.record};
    size_t argc = hx_scenario_troubles_collector(run->options.scenario, agent) ? 13 : 9;
    struct hx_child_options options = {.role = HX_ROLE_COLLECTOR, .name = agent->name,
                                       .argv = argv, .env = env, .directory = run->options.dir,
                                       .log = paths.log};
    const char *const *extra = run->options.agent_options;
    enum otel_err err;

    for (size_t i = argc; i < ARGC_MAX; i++)
        argv[i] = extra != NULL && *extra != NULL ? *extra++ : NULL;
    name_paths(run, agent->name, &paths);
    err = write_config(run, agent, reterr);
    return err == OTEL_OK ? hx_fleet_add(&run->fleet, &options, &run->agents[agent->index], reterr)
                          : err;
}

enum otel_err hx_run_start_agents(struct hx_run *run, struct otl_detail *reterr)
{
    const struct hx_scenario *scenario = run->options.scenario;
    char grpc[ADDRESS_SIZE + 32], http[ADDRESS_SIZE + 32];
    const char *const env[] = {HX_CONTROL_ENV "=3", grpc, http, NULL};
    enum otel_err err = OTEL_OK;

    snprintf(grpc, sizeof(grpc), "%s=%s", HX_AGENT_GRPC, run->otlp_grpc);
    snprintf(http, sizeof(http), "%s=%s", HX_AGENT_HTTP, run->otlp);
    for (size_t i = 0; i < scenario->agent_count && err == OTEL_OK; i++)
        err = start(run, &scenario->agents[i], env, reterr);
    return err;
}

const char *hx_run_otlp(const struct hx_run *run, const struct hx_tracing *tracing, bool grpc)
{
    if (tracing == NULL || tracing->agent == NULL)
        return grpc ? run->otlp_grpc : run->otlp;
    return hx_run_endpoint(run->agents[tracing->agent->index]->ready,
                           grpc ? "otlp/grpc" : "otlp/http");
}

struct hx_child *hx_run_collector_of(const struct hx_run *run, const struct hx_agent *agent)
{
    return agent != NULL ? run->agents[agent->index] : run->collector;
}

/* ---- report.json ---------------------------------------------------------------------------- */

static void put_count(json_t *row, const char *key, const char *text, const char *name,
                      const char *label)
{
    double value;

    if (hx_prom_sum(text, name, label, &value))
        json_object_set_new(row, key, json_integer((json_int_t)value));
}

/* What its exporter did not send on, by the exporter's own reasons. */
static json_t *drops_of(const char *text)
{
    static const char *const reasons[] = {
        "queue_full",         "too_large",         "queue_bytes", "no_memory", "cancelled",
        "retries_turned_off", "retries_exhausted", "refused",     "shutdown"};
    json_t *drops = json_object();

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        char label[64];
        double value;
        snprintf(label, sizeof(label), "reason=\"%s\"", reasons[i]);
        if (hx_prom_sum(text, "collector_mock_exporter_dropped_spans", label, &value) && value > 0)
            json_object_set_new(drops, reasons[i], json_integer((json_int_t)value));
    }
    return drops;
}

static void put_figures(json_t *row, const struct hx_agent *agent, const char *text)
{
    char label[160];

    snprintf(label, sizeof(label), "exporter=\"%.120s\"", agent->exporter);
    put_count(row, "requests", text, "otelcol_receiver_requests", NULL);
    put_count(row, "accepted", text, "otelcol_receiver_accepted_spans", NULL);
    put_count(row, "refused", text, "otelcol_receiver_refused_spans", NULL);
    put_count(row, "sent", text, "otelcol_exporter_sent_spans", label);
    put_count(row, "send_failed", text, "otelcol_exporter_send_failed_spans", label);
    put_count(row, "enqueue_failed", text, "otelcol_exporter_enqueue_failed_spans", label);
    put_count(row, "retries", text, "collector_mock_exporter_retries", label);
    put_count(row, "queue_capacity", text, "otelcol_exporter_queue_capacity", label);
    json_object_set_new(row, "drops", drops_of(text));
}

static json_t *agent_row(const struct hx_run *run, const struct hx_agent *agent)
{
    const struct hx_child *child = run->agents[agent->index];
    char path[PATH_SIZE], config[160], end[64];
    struct otl_buf text;
    json_t *row;

    if (child == NULL)
        return NULL;
    snprintf(config, sizeof(config), "agents/%s.yaml", agent->name);
    row = json_pack("{s:s, s:s, s:s}", "name", agent->name, "exit",
                    hx_child_exit_text(child, end, sizeof(end)), "config", config);
    otl_buf_init(&text, 16u << 20);
    snprintf(path, sizeof(path), "%s/metrics/%s.prom", run->options.dir, agent->name);
    if (otl_file_read(path, &text, NULL) == OTEL_OK && text.len > 0)
        put_figures(row, agent, text.data);
    otl_buf_fini(&text);
    if (child->exited)
        json_object_set_new(row, "cpu_s", json_real((double)child->exit.cpu_ns / 1e9));
    hx_put_memory(row, child);
    return row;
}

json_t *hx_run_agents(const struct hx_run *run)
{
    const struct hx_scenario *scenario = run->options.scenario;
    json_t *rows = scenario->agent_count > 0 ? json_array() : NULL;

    for (size_t i = 0; i < scenario->agent_count; i++) {
        json_t *row = agent_row(run, &scenario->agents[i]);
        if (row != NULL)
            json_array_append_new(rows, row);
    }
    return rows;
}
