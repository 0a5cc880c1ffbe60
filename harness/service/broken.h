/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_BROKEN_H
#define HX_SERVICE_BROKEN_H

#include <stdbool.h>
#include <stdint.h>

#include <otel/context.h>

#include "harness/ledger/format.h"
#include "harness/scenario/scenario.h"

/*
 * Broken player: a service that lies or errs in one named way, so that the referee can be tested.
 * Built from the public surface of the API and the SDK: a sampler, an id generator, a clock, a
 * processor, an exporter of its own, and what an application does wrong around them.
 *
 * The ledger goes on telling what a healthy service would have asked for.
 *
 * Life      hx_broken_new() before the provider is made, hx_broken_free() after it is gone.
 * Threads   hx_broken_parent, _links, _started and _ended on the loop's thread; the rest is called
 *           by the SDK from wherever it does.
 */

struct hx_broken_player;
struct hx_span;
struct hx_trail;
struct otel_propagator;
struct otel_sdk_exporter;
struct otel_sdk_processor;
struct otel_sdk_provider_options;
struct otel_sdk_sampler;

/* NULL in *ret for a healthy service. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_broken_new(const struct hx_broken *what, uint64_t seed,
                                          struct hx_broken_player **ret);
void hx_broken_free(struct hx_broken_player *player);

/* ---- at the assembly of the SDK (all take player NULL: nothing changes) ---------------------- */

/* Replaces *sampler (a reference is given back and a new one put there). */
OTEL_MUST_USE enum otel_err hx_broken_sampler(struct hx_broken_player *player, double ratio,
                                              struct otel_sdk_sampler **sampler);
/* Wraps *exporter, which is consumed on failure. */
OTEL_MUST_USE enum otel_err hx_broken_exporter(struct hx_broken_player *player,
                                               struct otel_sdk_exporter **exporter);
/* A processor to be added before the real one; NULL in *ret if none is needed. */
OTEL_MUST_USE enum otel_err hx_broken_processor(struct hx_broken_player *player,
                                                struct otel_sdk_processor **ret);
/* The propagator to use in place of the right one, which is static. */
struct otel_propagator *hx_broken_propagator(struct hx_broken_player *player,
                                             struct otel_propagator *right);
/* Clock and ids; what is set lives as long as the player. */
void hx_broken_options(struct hx_broken_player *player, struct otel_sdk_provider_options *options);
/* What the player says of itself at its end. */
void hx_broken_counters(const struct hx_broken_player *player, struct hx_led_process_close *row);

/* ---- while it runs --------------------------------------------------------------------------- */

/* True: the context of that call or publish is to be left out. */
bool hx_broken_drops_context(struct hx_broken_player *player, const struct hx_step *step);
/* The parent to be given to the API in place of the right one. */
const struct otel_context *hx_broken_parent(struct hx_broken_player *player, struct hx_trail *trail,
                                            struct hx_span *parent,
                                            const struct otel_context *right);
/* How many of the links are to be given to the API. */
size_t hx_broken_links(struct hx_broken_player *player, size_t right);
/* The span context whose ids a log line is to carry, right being the line's own; the answer holds
 * until the next call. player NULL: right. */
const struct otel_span_context *hx_broken_log_context(struct hx_broken_player *player,
                                                      const struct otel_span_context *right);
void hx_broken_started(struct hx_broken_player *player, uint64_t seq);
void hx_broken_ended(struct hx_broken_player *player, uint64_t seq);

#endif
