/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/tests/http_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void make_client(struct rig *rig, const char *url_text, otl_lookup_fn look_up)
{
    struct otl_http_options options = {.base = rig->base,
                                       .clock = otl_clock_real(),
                                       .header_lines = otl_view_str("X-Test: yes\r\n"),
                                       .max_response = 1 << 20,
                                       .look_up = look_up};
    struct otl_url url;

    assert_int_equal(otl_url_parse(otl_view_str(url_text), &url, NULL), OTEL_OK);
    options.url = &url;
    assert_int_equal(otl_http_new(&options, &rig->http), OTEL_OK);
}

void rig_init(struct rig *rig, const char *host, otl_lookup_fn look_up)
{
    char text[128];

    memset(rig, 0, sizeof(*rig));
    rig->srv = srv_new();
    rig->base = event_base_new();
    snprintf(text, sizeof(text), "http://%s:%u/v1/traces", host ? host : "127.0.0.1",
             (unsigned)srv_port(rig->srv));
    make_client(rig, text, look_up);
}

void rig_aim(struct rig *rig, const char *url_text)
{
    otl_http_free(rig->http);
    rig->http = NULL;
    make_client(rig, url_text, NULL);
}

void rig_fini(struct rig *rig)
{
    otl_http_free(rig->http);
    event_base_free(rig->base);
    srv_free(rig->srv);
}

void rig_on_done(void *context, const struct otl_http_result *result)
{
    struct rig *rig = context;

    rig->result = *result;
    rig->done = true;
    snprintf(rig->body, sizeof(rig->body), "%.*s", (int)result->body.len,
             result->body.len ? result->body.data : "");
    snprintf(rig->retry_after, sizeof(rig->retry_after), "%.*s", (int)result->retry_after.len,
             result->retry_after.len ? result->retry_after.data : "");
}

void rig_post_for(struct rig *rig, const char *data, size_t len, unsigned millis)
{
    struct otl_http_request request = {
        .body = otl_view(data, len),
        .deadline_ns = millis ? otl_clock_mono(otl_clock_real()) + millis * OTL_NS_PER_MS
                              : UINT64_MAX,
        .done = rig_on_done,
        .context = rig};

    rig->done = false;
    assert_int_equal(otl_http_post(rig->http, &request), OTEL_OK);
    assert_false(rig->done);
    assert_int_equal(otl_http_post(rig->http, &request), OTEL_ERR_BLOCKED);
    while (!rig->done)
        assert_int_equal(event_base_loop(rig->base, EVLOOP_ONCE), 0);
}

void rig_post(struct rig *rig, const char *body)
{
    rig_post_for(rig, body, strlen(body), 60000);
}
