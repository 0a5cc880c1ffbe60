/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/compress.h"
#include "collector-mock/exporters/otlp_client.h"
#include "collector-mock/exporters/otlp_json.h"
#include "collector-mock/exporters/sender.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"

/*
 * otlp and otlphttp exporters: to the next collector, through a bounded queue (sender.h).
 *
 * As in the Collector: a request is taken when the queue has room for it, and the client is
 * answered, unless wait_for_result or a queue that is turned off let it wait for what becomes of
 * its spans. What is under way counts towards queue_size. A full queue refuses (503, UNAVAILABLE):
 * the client may try again; with block_on_overflow the client waits.
 *
 * A request is held and sent as the bytes that came; nothing of it is encoded again (but for
 * encoding json, and batches that have to be cut).
 */

#define BODY_MAX ((size_t)1 << 30)

struct otlp;

/* A consumer's way out. */
struct way {
    struct otlp *otlp;
    struct col_otlp_client *client;
    struct otl_buf body; /* the job as it is sent, if that is not as it came */
    struct otl_view wire;
};

struct otlp {
    struct col_otlp_settings settings;
    struct col_host *host;
    struct way *ways; /* of each consumer */
    struct col_compressor *compressor; /* NULL: none */
    struct col_sender *sender;
};

/* As it goes on the wire. */
static enum otel_err prepare(void *context, unsigned consumer, struct otl_view request)
{
    struct otlp *otlp = context;
    struct way *way = &otlp->ways[consumer];
    struct otl_buf json;
    enum otel_err err = OTEL_OK;

    otl_buf_init(&way->body, BODY_MAX);
    otl_buf_init(&json, BODY_MAX);
    way->wire = request;
    if (otlp->settings.json) {
        err = col_json_request(otlp->settings.signal, request, &json);
        way->wire = otl_view(json.data, json.len);
    }
    if (err == OTEL_OK && otlp->compressor != NULL) {
        err = col_compressor_run(otlp->compressor, way->wire, &way->body);
    } else if (err == OTEL_OK && otlp->settings.json) {
        way->body = json;
        otl_buf_init(&json, 0);
    }
    otl_buf_fini(&json);
    if (err == OTEL_OK && way->body.len > 0)
        way->wire = otl_view(way->body.data, way->body.len);
    return err;
}

static enum otel_err attempt(void *context, unsigned consumer, const struct col_queue_job *job,
                             uint64_t deadline_ns)
{
    struct otlp *otlp = context;

    (void)job;
    return col_otlp_client_send(otlp->ways[consumer].client, otlp->ways[consumer].wire,
                                deadline_ns);
}

static void on_answer(void *context, const struct col_otlp_answer *answer)
{
    struct way *way = context;

    col_sender_answer(way->otlp->sender, (unsigned)(way - way->otlp->ways), answer);
}

static void over(void *context, unsigned consumer)
{
    struct otlp *otlp = context;

    otl_buf_fini(&otlp->ways[consumer].body);
}

static void abandon(void *context, unsigned consumer)
{
    struct otlp *otlp = context;

    col_otlp_client_free(otlp->ways[consumer].client);
    otlp->ways[consumer].client = NULL;
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct otlp *otlp = self;

    return col_sender_put(otlp->sender, batch, reterr);
}

static enum otel_err flush(void *self, struct otl_detail *reterr)
{
    struct otlp *otlp = self;

    (void)reterr;
    col_sender_flush(otlp->sender);
    return OTEL_OK;
}

/* ---- life ---- */

static void free_otlp(void *self)
{
    struct otlp *otlp = self;

    col_sender_free(otlp->sender);
    for (unsigned i = 0; otlp->ways != NULL && i < otlp->settings.queue.consumers; i++)
        col_otlp_client_free(otlp->ways[i].client);
    otl_mem_free(otlp->ways);
    col_compressor_free(otlp->compressor);
    col_otlp_settings_fini(&otlp->settings);
    otl_mem_free(otlp);
}

static enum otel_err make_ways(struct otlp *otlp)
{
    unsigned consumers = otlp->settings.queue.consumers;
    enum otel_err err = OTEL_OK;

    otlp->ways = otl_mem_zalloc(consumers * sizeof(*otlp->ways));
    if (otlp->ways == NULL)
        return OTEL_ERR_MEMORY;
    for (unsigned i = 0; i < consumers && err == OTEL_OK; i++) {
        otlp->ways[i].otlp = otlp;
        err = col_otlp_client_new(&otlp->settings, otlp->host, on_answer, &otlp->ways[i],
                                  &otlp->ways[i].client);
    }
    return err;
}

static enum otel_err create(const struct col_create *args, bool grpc, void **ret,
                            struct otl_detail *reterr)
{
    struct otlp *otlp = otl_mem_zalloc(sizeof(*otlp));
    struct col_sender_options sender = {.host = args->host,
                                        .id = args->id,
                                        .context = otlp,
                                        .prepare = prepare,
                                        .attempt = attempt,
                                        .over = over,
                                        .abandon = abandon};
    enum otel_err err;

    if (otlp == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    otlp->host = args->host;
    sender.settings = &otlp->settings;
    err = col_otlp_settings_read(args, grpc, &otlp->settings, reterr);
    if (err == OTEL_OK)
        err = col_compressor_new(otlp->settings.compression, &otlp->compressor);
    if (err == OTEL_OK)
        err = make_ways(otlp);
    if (err == OTEL_OK)
        err = col_sender_new(&sender, &otlp->sender);
    if (err == OTEL_OK) {
        *ret = otlp;
        return OTEL_OK;
    }
    free_otlp(otlp);
    return otl_detail_set(reterr, err, NULL, 0, 0, "exporter '%s': %s", args->id,
                          otel_err_text(err));
}

static enum otel_err create_grpc(const struct col_create *args, void **ret,
                                 struct otl_detail *reterr)
{
    return create(args, true, ret, reterr);
}

static enum otel_err create_http(const struct col_create *args, void **ret,
                                 struct otl_detail *reterr)
{
    return create(args, false, ret, reterr);
}

#define OTLP_EXPORTER(word, row, make)                                                            \
    {                                                                                             \
        .name = (word), .kind = COL_EXPORTER, .schema = (row), .create = (make),                  \
        .consume = consume, .signals = COL_ALL_SIGNALS, .counts_itself = true, .flush = flush,    \
        .free = free_otlp                                                                         \
    }

const struct col_component_type col_otlp_exporter =
    OTLP_EXPORTER("otlp", col_otlp_grpc_row, create_grpc);
const struct col_component_type col_otlp_grpc_exporter =
    OTLP_EXPORTER("otlp_grpc", col_otlp_grpc_row, create_grpc);
const struct col_component_type col_otlphttp_exporter =
    OTLP_EXPORTER("otlphttp", col_otlp_http_row, create_http);
const struct col_component_type col_otlp_http_exporter =
    OTLP_EXPORTER("otlp_http", col_otlp_http_row, create_http);
