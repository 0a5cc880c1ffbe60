/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_HTTP_RIG_H
#define OTL_TESTS_HTTP_RIG_H

#include <event2/event.h>

#include "sdk/transport/http.h"
#include "sdk/transport/tests/server.h"

/* A client, its loop, a scripted server, and the last result. */
struct rig {
    struct event_base *base;
    struct otl_http *http;
    struct srv *srv;
    struct otl_http_result result;
    char body[256];
    char retry_after[64];
    bool done;
};

/* host NULL: 127.0.0.1; the port is the server's. look_up NULL: the system's. */
void rig_init(struct rig *rig, const char *host, otl_lookup_fn look_up);
/* Another client, of url_text, in place of the rig's. */
void rig_aim(struct rig *rig, const char *url_text);
void rig_fini(struct rig *rig);
/* done function of requests that a test posts itself; context is the rig. */
void rig_on_done(void *context, const struct otl_http_result *result);
/* Post and run the loop until done; millis 0: no deadline. */
void rig_post_for(struct rig *rig, const char *data, size_t len, unsigned millis);
void rig_post(struct rig *rig, const char *body);

#endif
