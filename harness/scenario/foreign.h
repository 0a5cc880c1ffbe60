/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_FOREIGN_H
#define HX_FOREIGN_H

#include <stdint.h>

/*
 * A service that is somebody else's program, in any language: what the scenario says of it.
 *
 * Life      hangs on the loaded scenario, as hx_service.foreign.
 * Threads   immutable after loading.
 * Limits    100 words of a command, 64 variables.
 */

/* A program in any language in a service's place; its HTTP and its topics go through the relay. Its
 * routes are served by it, the steps say whom it calls and what it publishes; more is not known of
 * it. */
struct hx_foreign {
    const char *const *argv;    /* ends with NULL; argv[0] without '/' is looked up in PATH */
    const char *const *env;     /* "NAME=value", ends with NULL */
    const char *health;         /* path that answers 200 when it is ready; "" = none */
    uint64_t start_limit_ns;    /* ready by then */
    unsigned max_in_flight;     /* the relay lets no more in at a time; 0 = any number */
    const char *key_header;     /* business key that its calls repeat: a header, or "" */
    const char *key_json;       /* ... or a field of a JSON body, "order.id", or "" */
    const char *file;           /* where the command stands, for messages */
    unsigned line, column;
};

struct hx_scenario;
struct hx_service;
struct hx_topic;

enum { HX_FOREIGN_READS = 1, HX_FOREIGN_WRITES = 2, HX_FOREIGN_NAME_SIZE = 320 };

/* What such a service does with a topic: bits; 0 = nothing. Never both: that would be a circle. */
unsigned hx_foreign_topic_use(const struct hx_scenario *scenario, const struct hx_service *service,
                              const struct hx_topic *topic);
/* "tracerig.SERVICE.NAME": the topic, or the consumer group, that stands between the relay and the
 * program in place of the scenario's. */
void hx_foreign_name(const struct hx_service *service, const char *name,
                     char out[HX_FOREIGN_NAME_SIZE]);

#endif
