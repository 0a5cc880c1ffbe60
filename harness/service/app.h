/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_APP_H
#define HX_SERVICE_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/ledger/drops.h"
#include "harness/service/consumer.h"
#include "harness/service/database.h"
#include "harness/service/http.h"
#include "harness/service/peers.h"
#include "harness/service/producer.h"
#include "harness/service/request.h"
#include "harness/service/tracing.h"
#include "harness/service/work.h"
#include "harness/topology/child.h"
#include "harness/topology/role.h"

/*
 * One replica of a synthetic service: what it owns, and its way from "bound" to "stopped".
 *
 * Life      hx_app_new() listens -> hx_app_peers() makes it able to work ->
 *           hx_app_is_ready() -> requests -> hx_app_close(), hx_app_is_idle() -> hx_app_stop() ->
 *           hx_app_free().
 * Threads   one loop; the SDK's exporter has its own thread.
 * Limits    HX_APP_MAX_IN_HAND requests over HTTP; further ones are answered 503 and counted.
 */

enum { HX_APP_MAX_IN_HAND = 2048, HX_APP_MAX_MEMBERS = 64 };

struct hx_app {
    const struct hx_role *role;
    const struct hx_service *service;
    struct event_base *base;
    struct otl_log log;
    int log_fd;
    struct hx_led_writer *ledger;
    struct hx_drops *drops;
    struct hx_tracing_setup *tracing; /* NULL until the peers are known */
    struct hx_runtime runtime;
    struct hx_work work;
    const struct hx_http_ops *http;
    struct hx_http_server *server;
    uint16_t port;
    struct hx_entry *entries;         /* of the routes, in their order */
    size_t http_in_hand;
    uint64_t refused;                 /* requests answered 503 because too many were in hand */
    struct hx_carrier refused_headers;
    struct otl_arena refused_arena;
    struct hx_peers *peers;
    struct hx_database *database;     /* NULL: no step needs it */
    struct hx_producer *producer;     /* likewise */
    struct hx_member *members[HX_APP_MAX_MEMBERS];
    size_t member_count;
    hx_member_event_fn *membership;   /* of its consumers; set before the peers are told; or NULL */
    void *membership_arg;
    void (*idle)(void *arg);          /* the last request in hand has gone */
    void *idle_arg;
};

/* Opens log, ledger and drop record, and listens. OTEL_ERR_IO, _MEMORY, _THREAD: *reterr says. */
OTEL_MUST_USE enum otel_err hx_app_new(struct event_base *base, const struct hx_role *role,
                                       struct hx_app **ret, struct otl_detail *reterr);
uint16_t hx_app_port(const struct hx_app *app);

/* The "peers" command. OTEL_ERR_... with *reterr filled: the service cannot work. */
OTEL_MUST_USE enum otel_err hx_app_peers(struct hx_app *app, const json_t *message,
                                         struct otl_detail *reterr);
/* Peers are known and every consumer's group is stable. */
bool hx_app_is_ready(const struct hx_app *app);
/* Nothing in hand, and of its messages none unhandled or uncommitted. */
bool hx_app_is_idle(struct hx_app *app);
/* No new connections, no new messages; what is in hand goes on. */
void hx_app_close(struct hx_app *app);
/* Leave the groups, wait for reports, shut the SDK down, write the last row. *ret has what the
 * SDK counted. */
void hx_app_stop(struct hx_app *app, uint32_t timeout_millis, struct hx_led_process_close *ret);
void hx_app_free(struct hx_app *app);

/* The role's scenario has been changed in place (hx_scenario_adjust). */
void hx_app_adjusted(struct hx_app *app);
/* Requests on the route wait so long before their first step, inside of their spans; 0 = not. */
void hx_app_slow(struct hx_app *app, const char *route, uint64_t delay_ns);

/* Counters now. */
void hx_app_counters(const struct hx_app *app, struct hx_led_process_close *ret);

/* http_entry.c: entries from routes, and the server's handler (arg is the app). */
enum otel_err hx_app_make_entries(struct hx_app *app);
void hx_app_on_request(void *arg, struct hx_http_request *raw);

/* effects.c */
extern const struct hx_effects hx_app_effects;

#endif
