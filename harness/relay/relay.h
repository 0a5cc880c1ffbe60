/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_RELAY_H
#define HX_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <otel/err.h>

#include "harness/scenario/scenario.h"
#include "sdk/base/detail.h"

/*
 * Recording relay: stands in front of every replica of a service that is somebody else's program,
 * and behind it, once for each service that it calls. It forwards HTTP/1 messages byte for byte and
 * writes what it saw into one ledger for each replica: an ENTRY for each request that went in, a
 * SEND for each call that came out, both with the raw headers. No SPAN rows: that node has no
 * ledger of its own. Kafka messages are carried over between the scenario's topics and the
 * program's (bridge.h), with rows in a ledger of the service.
 *
 * One thing is changed: the header tracerig-request of a call or message that comes out gets the
 * number of its SEND row (or is put behind the other headers), so that the callee's ledger can name
 * its caller.
 *
 * A call that comes out belongs to the entry
 *   that has the same tracerig-request, where the node passes it on; else
 *   that is alone in hand, with max_in_flight: 1; else
 *   that has the same business key (a header, or a field of a JSON body); else
 *   to none: its row has request and entry 0, and its hop cannot be judged.
 *
 * Life      hx_relay_new() -> hx_relay_add_topics() for each service that has some ->
 *           hx_relay_add() for each replica listens and holds the port that the
 *           program is to serve -> hx_relay_peers() says where calls go and begins to knock at the
 *           programs -> ready -> hx_relay_stop() -> hx_relay_free().
 * Threads   one loop's owner; each ledger writer has a helper thread of its own.
 * Limits    HX_RELAY_LINKS connections (further ones are closed and counted), HX_RELAY_BUFFER bytes
 *           waiting in each direction of one (a slow peer slows the other side down), a JSON key is
 *           looked for in the first HX_RELAY_KEY_BODY bytes, HX_RELAY_MEMORY entries of a replica
 *           are remembered for calls that come late.
 *
 * What cannot be forwarded faithfully is not forwarded: a message that http.h refuses ends both
 * connections and is counted, as does an upgrade. A connection that one side cuts is cut on the
 * other side too, after what was sent has been passed on.
 */

enum {
    HX_RELAY_LINKS = 8192,
    HX_RELAY_BUFFER = 256 * 1024,
    HX_RELAY_KEY_BODY = 64 * 1024,
    HX_RELAY_KEY_MAX = 128,
    HX_RELAY_MEMORY = 4096
};

struct event_base;
struct hx_relay;

struct hx_relay_events {
    void (*ready)(void *arg);                 /* every program serves its port */
    void (*idle)(void *arg);                  /* nothing in hand any more */
    void (*fault)(void *arg, const char *text); /* a program never served, a ledger is full */
    void *arg;
    /* Of a later process: why NULL: it serves its port; else it never did. May be NULL itself. */
    void (*again)(void *arg, const char *instance, const char *why);
};

struct hx_relay_options {
    struct event_base *base;
    const struct hx_scenario *scenario;
    const char *dir; /* the run's; ledgers go to DIR/ledger */
    uint64_t seed;
    struct hx_relay_events events;
};

struct hx_relay_replica {
    const struct hx_service *service; /* with a command */
    unsigned replica;
    uint32_t process;                 /* number in the ledger */
    const char *instance;
};

struct hx_relay_topics { /* of a service with a command that reads or writes some */
    const struct hx_service *service;
    uint32_t process;                 /* number in the ledger */
    const char *bootstrap;            /* lives as long as the relay */
};

struct hx_relay_counts {
    uint64_t in_hand;       /* requests and calls; messages: see hx_relay_is_idle() */
    uint64_t handled;       /* messages forwarded with their answers */
    uint64_t refused;       /* messages that are no HTTP, upgrades */
    uint64_t unrouted;      /* requests for what the scenario does not have; no row is written */
    uint64_t turned_away;   /* connections over the limit */
    uint64_t undelivered;   /* messages that the broker did not take */
    char why[256];          /* the first of the refused or unrouted ones */
};

OTEL_MUST_USE enum otel_err hx_relay_new(const struct hx_relay_options *options,
                                         struct hx_relay **ret, struct otl_detail *reterr);
/* *ret_places: {"instance":..., "listen": port in front, "port": for the program to serve,
 * "calls": {service: port}}. */
OTEL_MUST_USE enum otel_err hx_relay_add(struct hx_relay *relay,
                                         const struct hx_relay_replica *replica,
                                         json_t **ret_places, struct otl_detail *reterr);
/* Before any of its programs is started. Asks the broker, up to 30 s. OTEL_ERR_IO (no broker, no
 * such topic), OTEL_ERR_ARGUMENT, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_relay_add_topics(struct hx_relay *relay,
                                                const struct hx_relay_topics *topics,
                                                struct otl_detail *reterr);
/* services: the member of the "peers" command. OTEL_ERR_SYNTAX, OTEL_ERR_NOT_FOUND. */
OTEL_MUST_USE enum otel_err hx_relay_peers(struct hx_relay *relay, const json_t *services,
                                           struct otl_detail *reterr);
void hx_relay_counts(const struct hx_relay *relay, struct hx_relay_counts *ret);
/* Requests that went into this replica and came to an end, with the messages of a service that has
 * but one; 0 when there is none of that name. */
uint64_t hx_relay_handled(const struct hx_relay *relay, const char *instance);
size_t hx_relay_in_hand(const struct hx_relay *relay, const char *instance);
/* Messages that were handed to this service and whose offsets it has not committed. */
size_t hx_relay_uncommitted(const struct hx_relay *relay, const struct hx_service *service);
/* Nothing in hand, no message on its way. Asks the broker: some milliseconds. */
bool hx_relay_is_idle(struct hx_relay *relay);
/* Requests on the route reach the replica so much later; 0 = at once. False: there is none such. */
bool hx_relay_slow(struct hx_relay *relay, const char *instance, const char *route, uint64_t ns);
/* A new process is to serve this replica's port: knock again; events.again says how that went.
 * OTEL_ERR_NOT_FOUND, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_relay_again(struct hx_relay *relay, const char *instance);
/* Its process has ended: nobody waits for it, nor for what is in the topics of a service of which
 * no process is left, until hx_relay_again(). */
void hx_relay_gone(struct hx_relay *relay, const char *instance);
/* The load is over: end what is older than its timeout and has a caller that has closed its end. */
void hx_relay_give_up(struct hx_relay *relay);
/* Requests to this replica that were ended so. */
uint64_t hx_relay_unanswered(const struct hx_relay *relay, const char *instance);
/* Cut what is still in hand and close the ledgers. */
void hx_relay_stop(struct hx_relay *relay);
void hx_relay_free(struct hx_relay *relay);

#endif
