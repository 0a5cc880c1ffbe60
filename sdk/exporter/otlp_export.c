/* SPDX-License-Identifier: Apache-2.0 */
/* One export: encode, send, judge the answer, wait, send again, end. */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "sdk/base/text.h"
#include "sdk/exporter/json_response.h"
#include "sdk/exporter/otlp_impl.h"
#include "sdk/exporter/otlp_response.h"
#include "sdk/otlp/batch.h"
#include "sdk/otlp/json.h"
#include "sdk/transport/connect.h"

enum { KEPT_BYTES = 4 << 20, MESSAGE_SHOWN = 200 };

static void attempt(struct otl_otlp *e);

static void report(const struct otl_otlp *e, enum otel_err err, const char *why)
{
    char authority[OTL_URL_AUTHORITY_SIZE];

    otl_tell(&e->teller, err, "OTLP export of %zu span%s to %s: %s", e->count,
             e->count == 1 ? "" : "s", otl_url_authority(&e->url, authority), why);
}

static uint64_t now(const struct otl_otlp *e)
{
    return otl_clock_mono(&e->clock);
}

void otl_otlp_sync(struct otl_otlp *e)
{
    struct otl_http_stats is = *e->wire->stats(e);

    e->bytes += is.bytes_sent - e->seen.bytes_sent;
    otl_otlp_add(&e->stats.bytes_sent, is.bytes_sent - e->seen.bytes_sent);
    otl_otlp_add(&e->stats.bytes_received, is.bytes_received - e->seen.bytes_received);
    otl_otlp_add(&e->stats.connections, is.connections - e->seen.connections);
    e->seen = is;
}

static void shrink(struct otl_buf *buf)
{
    if (buf->cap > KEPT_BYTES)
        otl_buf_fini(buf);
}

static void count_end(struct otl_otlp *e, enum otel_sdk_otlp_result result, enum otel_err err,
                      uint64_t rejected)
{
    uint64_t took = now(e) - e->begun_ns;

    otl_otlp_add(&e->stats.results[result], 1);
    otl_otlp_add(&e->stats.spans_rejected, rejected);
    otl_otlp_add(err == OTEL_OK ? &e->stats.spans_delivered : &e->stats.spans_failed,
                 e->count - rejected);
    otl_otlp_add(&e->stats.latency_sum_ns, took);
    if (took > e->stats.latency_max_ns)
        __atomic_store_n(&e->stats.latency_max_ns, took, __ATOMIC_RELAXED);
}

/* The export is over; why is NULL where there is nothing to tell. Last act: the processor may
 * begin the next one inside done. */
static void end(struct otl_otlp *e, enum otel_sdk_otlp_result how, enum otel_err err,
                uint64_t rejected, const char *why)
{
    bool answered = e->http_status != 0 || e->rpc_status != NULL;
    struct otel_sdk_export_result result = {
        .err = err,
        .rejected = rejected,
        .requests = e->requests,
        .bytes = e->bytes,
        .error_type = answered ? NULL : otel_sdk_otlp_result_name(how), /* else its status is */
        .rpc_status = e->rpc_status,
        .http_status = e->http_status};
    otel_sdk_export_done_fn *done = e->done;
    void *done_arg = e->done_arg;

    if (why != NULL)
        report(e, err, why);
    count_end(e, how, err, rejected);
    shrink(&e->plain);
    shrink(&e->packed);
    shrink(&e->json_text);
    e->busy = false;
    e->done = NULL;
    done(done_arg, &result);
}

/* A second send of the same bytes, after a wait. */
static void wait_for(struct otl_otlp *e, uint64_t wait_ns)
{
    struct timeval tv = otl_timeval(wait_ns);

    e->wait_end_ns = now(e) + wait_ns;
    otl_otlp_add(&e->stats.backoff_sum_ns, wait_ns);
    if (event_add(e->timer, &tv) != 0)
        end(e, OTEL_SDK_OTLP_NO_MEMORY, OTEL_ERR_MEMORY, 0, "no timer for the next attempt");
}

void otl_otlp_on_timer(int fd, short what, void *exporter)
{
    struct otl_otlp *e = exporter;
    uint64_t at = now(e);

    (void)fd;
    (void)what;
    if (!e->busy)
        return;
    if (at < e->wait_end_ns) { /* the loop's clock is coarse */
        struct timeval tv = otl_timeval(e->wait_end_ns - at);
        if (event_add(e->timer, &tv) == 0)
            return;
    }
    attempt(e);
}

void otl_otlp_try_again(struct otl_otlp *e, const uint64_t *asked_ns, const char *why)
{
    uint64_t at = now(e), wait_ns = 0;
    uint64_t left = e->deadline_ns == UINT64_MAX ? UINT64_MAX
                    : e->deadline_ns > at        ? e->deadline_ns - at
                                                 : 0;
    char text[400];

    if (otl_retry_next_after(&e->retry, asked_ns, left, &e->random, &wait_ns)) {
        wait_for(e, wait_ns);
        return;
    }
    snprintf(text, sizeof(text), "given up after %u attempt%s: %.340s", e->retry.attempts,
             e->retry.attempts == 1 ? "" : "s", why);
    end(e, OTEL_SDK_OTLP_UNAVAILABLE, OTEL_ERR_UNAVAILABLE, 0, text);
}

size_t otl_otlp_quote(struct otl_view message, char *out, size_t size)
{
    size_t len = otl_utf8_prefix(message.data, message.len < size ? message.len : size - 1);

    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)message.data[i] < ' ' || message.data[i] == 0x7f
                     ? ' '
                     : message.data[i];
    out[len] = '\0';
    return len;
}

/* e->json_text held the request, which is needed no more. */
static enum otel_err read_response(struct otl_otlp *e, struct otl_view body,
                                   struct otl_otlp_response *ret)
{
    return e->json ? otl_json_response_read(body, &e->json_text, ret)
                   : otl_otlp_response_read(body, ret);
}

/* The batch was accepted, except what a partial success refuses. */
void otl_otlp_accepted(struct otl_otlp *e, struct otl_view body, bool readable)
{
    struct otl_otlp_response response = {0, {NULL, 0}};
    char message[MESSAGE_SHOWN + 1], text[MESSAGE_SHOWN + 100];

    if (!readable || (body.len > 0 && read_response(e, body, &response) != OTEL_OK)) {
        otl_otlp_add(&e->stats.answers_unread, 1);
        end(e, OTEL_SDK_OTLP_DELIVERED, OTEL_OK, 0, NULL);
        return;
    }
    if (response.rejected > e->count)
        response.rejected = e->count;
    if (response.rejected == 0 && response.message.len == 0) {
        end(e, OTEL_SDK_OTLP_DELIVERED, OTEL_OK, 0, NULL);
        return;
    }
    snprintf(text, sizeof(text), "accepted, %llu rejected%s%s",
             (unsigned long long)response.rejected,
             otl_otlp_quote(response.message, message, sizeof(message)) > 0 ? ": " : "", message);
    end(e, response.rejected ? OTEL_SDK_OTLP_PARTIAL : OTEL_SDK_OTLP_DELIVERED, OTEL_OK,
        response.rejected, text);
}

void otl_otlp_refused(struct otl_otlp *e, const char *why)
{
    end(e, OTEL_SDK_OTLP_REFUSED, OTEL_ERR_REFUSED, 0, why);
}

static void cut_off(struct otl_otlp *e, const struct otl_otlp_failure *failure)
{
    /* A kept connection that the server closed while it was idle says nothing about the server's
     * health: try once more on a fresh one, without a wait. */
    if (failure->idle_loss && !e->fresh_tried) {
        e->fresh_tried = true;
        wait_for(e, 0);
        return;
    }
    otl_otlp_try_again(e, NULL,
                       failure->why[0] != '\0' ? failure->why
                                               : "the connection ended without an answer");
}

static void no_connection(struct otl_otlp *e, const struct otl_otlp_failure *failure)
{
    char text[300];

    snprintf(text, sizeof(text), "no connection (%.250s)",
             failure->why[0] != '\0' ? failure->why : otel_err_text(failure->err));
    otl_otlp_try_again(e, NULL, text);
}

void otl_otlp_failed(struct otl_otlp *e, const struct otl_otlp_failure *failure)
{
    switch (failure->outcome) {
    case OTL_HTTP_ANSWERED:
        break; /* the wire's to judge */
    case OTL_HTTP_NO_CONNECTION:
        no_connection(e, failure);
        break;
    case OTL_HTTP_UNTRUSTED:
        end(e, OTEL_SDK_OTLP_UNTRUSTED, OTEL_ERR_REFUSED, 0, failure->why);
        break;
    case OTL_HTTP_CUT:
        cut_off(e, failure);
        break;
    case OTL_HTTP_TIMEOUT:
        end(e, OTEL_SDK_OTLP_TIMEOUT, OTEL_ERR_TIMEOUT, 0, "no answer before the deadline");
        break;
    case OTL_HTTP_GARBAGE:
        end(e, OTEL_SDK_OTLP_GARBAGE, OTEL_ERR_CORRUPT, 0,
            "the answer does not follow the protocol");
        break;
    case OTL_HTTP_TOO_LARGE:
        end(e, OTEL_SDK_OTLP_RESPONSE_TOO_LARGE, OTEL_ERR_LIMIT, 0,
            "the answer was over max_response_bytes");
        break;
    case OTL_HTTP_MEMORY:
        end(e, OTEL_SDK_OTLP_NO_MEMORY, OTEL_ERR_MEMORY, 0, "no memory for the answer");
        break;
    }
}

/* The request before compression. */
static const struct otl_buf *plain_body(const struct otl_otlp *e)
{
    return e->json ? &e->json_text : &e->plain;
}

static void attempt(struct otl_otlp *e)
{
    bool packed = e->packed.len > 0;
    const struct otl_buf *body = packed ? &e->packed : plain_body(e);
    enum otel_err err;

    if (now(e) >= e->deadline_ns) { /* the wait took longer than it should have */
        end(e, OTEL_SDK_OTLP_TIMEOUT, OTEL_ERR_TIMEOUT, 0, "no answer before the deadline");
        return;
    }
    e->http_status = 0;
    e->rpc_status = NULL;
    err = e->wire->send(e, otl_view(body->data, body->len), packed);
    if (err != OTEL_OK) {
        end(e, OTEL_SDK_OTLP_NO_MEMORY, err, 0, "no memory for the request");
        return;
    }
    otl_otlp_add(&e->stats.requests, 1);
    if (e->requests++ > 0)
        otl_otlp_add(&e->stats.retries, 1);
}

/* Without memory to compress the batch goes out as it is. */
static void pack(struct otl_otlp *e)
{
    if (e->compression != OTEL_SDK_COMPRESSION_GZIP)
        return;
    if (e->gzip == NULL && otl_gzip_new(1, &e->gzip) != OTEL_OK)
        return;
    if (otl_gzip_compress(e->gzip, otl_view(plain_body(e)->data, plain_body(e)->len),
                          &e->packed) != OTEL_OK)
        otl_buf_reset(&e->packed);
}

static void begin(struct otl_otlp *e, const struct otel_sdk_batch *batch,
                  otel_sdk_export_done_fn *done, void *done_arg)
{
    e->busy = true;
    e->fresh_tried = false;
    e->count = batch->count;
    e->done = done;
    e->done_arg = done_arg;
    e->begun_ns = now(e);
    e->requests = 0;
    e->bytes = 0;
    e->http_status = 0;
    e->rpc_status = NULL;
    e->deadline_ns = e->timeout_ns ? e->begun_ns + e->timeout_ns : UINT64_MAX;
    if (batch->deadline_mono_ns < e->deadline_ns)
        e->deadline_ns = batch->deadline_mono_ns;
    otl_retry_start(&e->retry, &e->retry_options);
    otl_buf_reset(&e->plain);
    otl_buf_reset(&e->packed);
    otl_buf_reset(&e->json_text);
    otl_otlp_add(&e->stats.exports, 1);
}

void otl_otlp_export(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                     otel_sdk_export_done_fn *done, void *done_arg)
{
    struct otl_otlp *e = (struct otl_otlp *)exporter;
    enum otel_err err;

    begin(e, batch, done, done_arg);
    err = otl_otlp_ready(e);
    if (err == OTEL_ERR_CLOSED) {
        end(e, OTEL_SDK_OTLP_CLOSED, err, 0, NULL);
        return;
    }
    if (err == OTEL_OK)
        err = otl_otlp_encode_batch(batch, &e->plain);
    if (err == OTEL_OK && e->json)
        err = otl_json_request(otel_strn(e->plain.data, e->plain.len), &e->json_text);
    if (err == OTEL_ERR_LIMIT) {
        end(e, OTEL_SDK_OTLP_REQUEST_TOO_LARGE, err, 0, "the request is over max_request_bytes");
        return;
    }
    if (err != OTEL_OK) {
        end(e, OTEL_SDK_OTLP_NO_MEMORY, err, 0, "no memory for the request");
        return;
    }
    otl_otlp_add(&e->stats.bytes_encoded, plain_body(e)->len);
    pack(e);
    attempt(e);
}

void otl_otlp_cancel(struct otel_sdk_exporter *exporter)
{
    struct otl_otlp *e = (struct otl_otlp *)exporter;

    if (!e->busy)
        return;
    event_del(e->timer);
    e->wire->cancel(e);
    otl_otlp_sync(e);
    end(e, OTEL_SDK_OTLP_TIMEOUT, OTEL_ERR_TIMEOUT, 0, "given up by the processor");
}
