/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TOPOLOGY_ROLE_H
#define HX_TOPOLOGY_ROLE_H

#include <stdint.h>

#include <jansson.h>

#include "harness/scenario/scenario.h"
#include "sdk/base/detail.h"

/*
 * Role file of a child (control.h): its part in which scenario, and where its files go.
 *
 * Life      read -> fini.
 * Threads   immutable after reading.
 * Limits    16 MiB.
 */

struct hx_role {
    json_t *tree;
    struct hx_scenario *scenario;
    const struct hx_service *service; /* NULL: the role names none */
    unsigned replica;
    uint32_t incarnation;
    uint32_t process;
    uint64_t seed;
    const char *instance; /* with dir never NULL for a service */
    const char *dir;
    const json_t *peers; /* the "peers" command, for a service that no runner started; or NULL */
    uint16_t port;       /* "port": to listen on; 0 = any */
};

/* OTEL_ERR_SYNTAX, OTEL_ERR_NOT_FOUND (file or service), OTEL_ERR_LIMIT, OTEL_ERR_IO,
 * OTEL_ERR_MEMORY or what the scenario's loader says, with *reterr filled. */
OTEL_MUST_USE enum otel_err hx_role_read(const char *path, struct hx_role *role,
                                         struct otl_detail *reterr);
void hx_role_fini(struct hx_role *role);

#endif
