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

/* A program in any language in a service's place; its HTTP goes through the relay. Its routes are
 * served by it, the calls in their steps say whom it calls; more is not known of it. */
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

#endif
