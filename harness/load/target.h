/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_TARGET_H
#define HX_LOAD_TARGET_H

#include <stdbool.h>
#include <sys/socket.h>

#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * Where the load goes: a URL taken apart, and an address looked up.
 *
 * Threads   no state. hx_target_resolve() asks the system's resolver and may block: call it
 *           before the load starts.
 */

enum { HX_TARGET_HOST_MAX = 256, HX_TARGET_PATH_MAX = 4096 };

struct hx_target {
    char host[HX_TARGET_HOST_MAX]; /* without brackets */
    char port[8];
    char authority[HX_TARGET_HOST_MAX + 16]; /* for the Host header; the default port is left out */
    char path[HX_TARGET_PATH_MAX];           /* with the query; at least "/" */
};

struct hx_address {
    struct sockaddr_storage bytes;
    socklen_t len;
};

/* "http://HOST[:PORT][/PATH][?QUERY]", or without "http://". OTEL_ERR_UNSUPPORTED: https;
 * OTEL_ERR_SYNTAX: not a URL; both with *reterr filled. */
OTEL_MUST_USE enum otel_err hx_target_parse(const char *url, struct hx_target *ret,
                                            struct otl_detail *reterr);
/* Of several addresses the first that accepts a connection, else the first.
 * OTEL_ERR_UNAVAILABLE: the name is not known, with *reterr filled. */
OTEL_MUST_USE enum otel_err hx_target_resolve(const struct hx_target *target,
                                              struct hx_address *ret, struct otl_detail *reterr);

#endif
