/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SCENARIO_AGENTS_H
#define HX_SCENARIO_AGENTS_H

#include <stdbool.h>

#include <jansson.h>

/*
 * Agents: Collectors that stand between services and the recording collector, as one beside an
 * application does.
 *
 *     agents: {sidecar: {exporters: {otlp_grpc: {sending_queue: {queue_size: 100}}}}}
 *     services: {order: {tracing: {agent: sidecar}}}
 *
 * What an agent says is laid over the default: an otlp receiver (gRPC and HTTP), an otlp_grpc
 * exporter to the recording collector and a pipeline of traces between them. Where that collector
 * listens the agent's process has in the variables TRACERIG_COLLECTOR_GRPC and
 * TRACERIG_COLLECTOR_HTTP, HOST:PORT both: endpoint: ${env:TRACERIG_COLLECTOR_GRPC}.
 *
 * An agent passes on what it takes, and changes nothing: it has the processors batch and
 * memory_limiter only, one pipeline of traces, and in that one exporter to the recording collector
 * (debug and nop beside it). Ports are the system's choice (:0). Agents stand beside each other,
 * not in a row: the way is application, agent, collector, and the scenario's own collector, with
 * whatever processors it has, is the gateway.
 *
 * Life      hangs on the loaded scenario.
 * Threads   immutable after loading.
 * Limits    HX_MAX_AGENTS.
 */

enum { HX_MAX_AGENTS = 16 };

#define HX_AGENT_GRPC "TRACERIG_COLLECTOR_GRPC"
#define HX_AGENT_HTTP "TRACERIG_COLLECTOR_HTTP"

struct hx_agent {
    const char *name;
    unsigned index;
    const json_t *config;    /* a Collector's, whole */
    const char *exporter;    /* of its spans to the recording collector: "otlp_grpc" */
    bool acknowledges_first; /* its batch processor answers before the sending queue is asked: what
                              * that does not take is lost, and no client is told */
};

struct hx_scenario;

/* NULL if there is none. */
const struct hx_agent *hx_scenario_agent(const struct hx_scenario *scenario, const char *name);

#endif
