/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SCENARIO_INTERNAL_H
#define HX_SCENARIO_INTERNAL_H

#include "harness/scenario/scenario.h"
#include "sdk/base/arena.h"
#include "sdk/base/yaml/schema.h"

/*
 * Inside of the loader, shared by the files of this folder only.
 *
 * The tree goes through these hands in this order: override.c (--set), schema.c (the walk),
 * resolve.c (defaults), fleet.c (names of services, routes, topics), steps.c, graph.c (what calls
 * what, cycles), claims.c (load, expect), faults.c.
 */

struct hx_loaded { /* what hx_scenario_free() frees; scenario is first */
    struct hx_scenario scenario;
    struct otl_yaml *doc;
    struct otl_arena arena;
};

struct hx_plan;
struct hx_setting; /* faults.h */

struct hx_loader {
    struct otl_yaml *doc;
    struct otl_detail *reterr;
    struct otl_arena *arena;
    struct hx_scenario *scenario;
    struct hx_service *services; /* the scenario's arrays, still to be written */
    struct hx_topic *topics;
    struct hx_operation *operations;
    const json_t *maps[HX_MAX_OPERATIONS]; /* the map that each operation was read from */
};

/* count zeroed items of size bytes, never NULL for count 0; NULL: out of memory. */
void *hx_loader_array(struct hx_loader *loader, size_t count, size_t size);
/* The next operation; *ret_op its index. OTEL_ERR_LIMIT when there are too many. */
OTEL_MUST_USE enum otel_err hx_loader_operation(struct hx_loader *loader, const json_t *map,
                                                struct otl_yaml_pos pos, unsigned *ret_op);
const char *hx_loader_format(struct hx_loader *loader, const char *format, ...) OTEL_PRINTF(2, 3);

OTEL_MUST_USE enum otel_err hx_apply_override(struct otl_yaml *doc, const char *override,
                                              struct otl_detail *reterr);
/* Fleet-wide tracing into the services, name, claim, seed, broker, then every fallback. */
OTEL_MUST_USE enum otel_err hx_resolve(struct otl_yaml *doc, const char *file, const char *claim,
                                       const struct hx_scenario_options *options,
                                       struct otl_detail *reterr);
/* What agents do not say themselves. */
OTEL_MUST_USE enum otel_err hx_resolve_agents(struct otl_yaml *doc, struct otl_detail *reterr);
OTEL_MUST_USE enum otel_err hx_load_fleet(struct hx_loader *loader);
/* what: "a service". */
OTEL_MUST_USE enum otel_err hx_loader_name(struct hx_loader *loader, const json_t *map,
                                           const char *name, const char *what);
/* agents: and tracing.agent of every service; fleet and collector must be there. */
OTEL_MUST_USE enum otel_err hx_load_agents(struct hx_loader *loader);
/* Steps of every route and consumer; fleet must be there. */
OTEL_MUST_USE enum otel_err hx_load_all_steps(struct hx_loader *loader);
OTEL_MUST_USE enum otel_err hx_load_attributes(struct hx_loader *loader, const json_t *map,
                                               struct hx_attributes *ret);
/* command: and what belongs to it; the name, routes and tracing of the service are there. */
OTEL_MUST_USE enum otel_err hx_load_foreign(struct hx_loader *loader, const json_t *services,
                                            struct hx_service *service);
/* May a service that is somebody else's program have this step? */
OTEL_MUST_USE enum otel_err hx_check_foreign_step(struct hx_loader *loader, const json_t *map,
                                                  const char *verb);
/* sqlite takes every statement, with as many parameters as there are. */
OTEL_MUST_USE enum otel_err hx_check_sql(struct hx_loader *loader);
/* The same of the statements of faults, after the ones that fill the database. */
OTEL_MUST_USE enum otel_err hx_check_fault_sql(struct hx_loader *loader);
/* No request may go round for ever or grow beyond measure. */
OTEL_MUST_USE enum otel_err hx_check_graph(struct hx_loader *loader);
OTEL_MUST_USE enum otel_err hx_load_claims(struct hx_loader *loader);
/* faults: (faults.h); load must be there. */
OTEL_MUST_USE enum otel_err hx_load_faults(struct hx_loader *loader);
struct hx_fault;
/* do: collector, with its keys (fault_collector.c). */
extern const char *const hx_collector_words[];
extern const struct otl_schema hx_collector_with[];
OTEL_MUST_USE enum otel_err hx_load_collector_fault(struct hx_loader *loader, const json_t *map,
                                                    struct hx_fault *fault);
/* do: broker, with its keys (fault_broker.c). */
OTEL_MUST_USE enum otel_err hx_load_broker_fault(struct hx_loader *loader, const json_t *map,
                                                 struct hx_fault *fault);
/* Settings of a fault or a replica, each held against the grammar by applying it. */
OTEL_MUST_USE enum otel_err hx_load_settings(struct hx_loader *loader, const json_t *set,
                                             const char *service, bool restart,
                                             const struct hx_setting **ret, size_t *ret_count);
/* replica_settings of every service; claims must be there. */
OTEL_MUST_USE enum otel_err hx_load_replicas(struct hx_loader *loader);
OTEL_MUST_USE enum otel_err hx_check_fault_order(struct hx_loader *loader);
OTEL_MUST_USE enum otel_err hx_check_template(struct hx_loader *loader, const char *text,
                                              struct otl_yaml_pos pos);

/* expect.thresholds, held against the schema of report.json and the fleet. */
OTEL_MUST_USE enum otel_err hx_load_thresholds(struct hx_loader *loader,
                                               const struct hx_plan *plan);

/* "SERVICE METHOD /path" -> route; the error speaks of "call to ...". */
OTEL_MUST_USE enum otel_err hx_find_route(struct hx_loader *loader, const char *text,
                                          struct otl_yaml_pos pos, const char *what,
                                          const struct hx_route **ret);

#endif
