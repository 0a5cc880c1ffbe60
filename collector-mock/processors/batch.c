/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "collector-mock/pipeline/metadata.h"
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/wire/regroup.h"
#include "sdk/base/mem.h"

/*
 * batch processor: gathers spans, data points or log records until there are send_batch_size of
 * them or timeout has passed.
 *
 * As in the Collector: the client is answered when its data are taken, so an error of an exporter
 * behind this processor is logged and they are lost; nothing tells the client. (What is lost is
 * counted here in collector_mock_batch_lost_..., which the Collector does not do.) With
 * timeout or send_batch_size 0 each request is handed on at once, split by send_batch_max_size.
 *
 * Requests that belong together are joined by their bytes; only a batch that has to be cut is
 * grouped anew. What waits is bounded by send_batch_size and one request, and shown in
 * collector_mock_batch_held_...: taken = handed on + lost + held, at every moment.
 *
 * With metadata_keys there is one such batch for each set of values that clients said, made when
 * they first come and kept; over metadata_cardinality_limit a request is refused for good.
 */

#define PENDING_MAX ((size_t)1 << 30)

enum { KEYS_MAX = 64, VALUES_MAX = 64 * 1024, NAME_SIZE = 128 };

/* The component. */
struct batches {
    struct col_create create;
    char keys[KEYS_MAX][NAME_SIZE]; /* in lower case */
    size_t key_count;
    uint64_t limit; /* of shards; 0: none */
    struct batch *first;
    uint64_t count;
    struct otl_buf said; /* values of the request at hand, see listen_to() */
    uint64_t *by_size, *by_timeout, *lost, *held, *cardinality;
    struct col_histogram *sizes, *bytes; /* bytes NULL: not shown */
};

/* A shard: of one set of values. */
struct batch {
    struct batch *next;
    struct batches *all;
    struct otl_buf values; /* as in said */
    struct col_metadata metadata;
    struct col_create create;
    uint64_t timeout_ns;
    uint64_t size, max;      /* items; 0: none */
    struct otl_buf pending;  /* requests one after another */
    uint64_t items;          /* in pending */
    uint64_t since_ns;       /* receipt of the oldest one */
    struct col_regroup cut;
    struct event *timer;
    uint64_t *by_size, *by_timeout, *lost;
};

static const struct otl_schema name[] = {
    {.type = OTL_SCHEMA_STRING, .min = 1, .max = NAME_SIZE - 1}};
static const struct otl_schema keys[] = {
    {.key = "timeout", .type = OTL_SCHEMA_DURATION},
    {.key = "send_batch_size", .type = OTL_SCHEMA_UINT, .max = 1 << 30},
    {.key = "send_batch_max_size", .type = OTL_SCHEMA_UINT, .max = 1 << 30},
    {.key = "metadata_keys", .type = OTL_SCHEMA_LIST, .child = name, .max = KEYS_MAX,
     .nullable = true},
    {.key = "metadata_cardinality_limit", .type = OTL_SCHEMA_UINT},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* What waits, in all shards. */
static void hold(struct batch *batch, uint64_t items)
{
    *batch->all->held -= batch->items;
    *batch->all->held += items;
    batch->items = items;
}

/* Errors of what stands behind are swallowed, as they are upstream, where only what was handed on
 * is counted under what made it go. */
static void emit(struct batch *batch, struct otl_view request, uint64_t items,
                 uint64_t *trigger)
{
    const struct col_batch out = {request, items, batch->since_ns, 0, batch->create.signal};
    const struct col_metadata *before = batch->create.host->metadata;
    struct otl_detail detail = OTL_DETAIL_NONE;
    enum otel_err err;

    batch->create.host->metadata = batch->all->key_count > 0 ? &batch->metadata : NULL;
    err = batch->create.next.consume(batch->create.next.self, &out, &detail);
    batch->create.host->metadata = before;
    if (err == OTEL_OK) {
        ++*trigger;
        col_histogram_observe(batch->all->sizes, (double)items);
        col_histogram_observe(batch->all->bytes, (double)request.len);
        return;
    }
    *batch->lost += items;
    otl_log_line(&batch->create.host->log, OTL_LOG_ERROR,
                 "processor '%s': sender failed, %llu %s are lost: %s", batch->create.id,
                 (unsigned long long)items, col_signal_items(batch->create.signal),
                 detail.text[0] ? detail.text : otel_err_text(err));
}

static void emit_all(struct batch *batch, uint64_t *trigger)
{
    if (batch->items > 0)
        emit(batch, otl_view(batch->pending.data, batch->pending.len), batch->items, trigger);
    otl_buf_reset(&batch->pending);
    hold(batch, 0);
}

static void lose_all(struct batch *batch, enum otel_err err)
{
    otl_log_line(&batch->create.host->log, OTL_LOG_ERROR,
                 "processor '%s': %llu %s are lost: %s", batch->create.id,
                 (unsigned long long)batch->items, col_signal_items(batch->create.signal),
                 otel_err_text(err));
    *batch->lost += batch->items;
    otl_buf_reset(&batch->pending);
    hold(batch, 0);
}

static void emit_piece(struct batch *batch, uint64_t *trigger, enum otel_err *err)
{
    struct otl_view piece = {NULL, 0};
    uint64_t items = batch->cut.count;

    *err = col_regroup_finish(&batch->cut, &piece);
    if (*err == OTEL_OK)
        emit(batch, piece, items, trigger);
}

/* Hand on what is pending in pieces of at most max, as long as enough is left; the rest stays. */
static void emit_cut(struct batch *batch, uint64_t enough, uint64_t *trigger)
{
    uint64_t left = batch->items;
    struct otl_view rest = {NULL, 0};
    enum otel_err err = OTEL_OK;
    struct col_traces items;
    struct col_item item;

    col_items_init(&items, batch->create.signal,
                   otl_view(batch->pending.data, batch->pending.len));
    while (err == OTEL_OK && col_items_next(&items, &item)) {
        uint64_t done = 0; /* points of this metric */
        do {
            uint64_t target = left < batch->max ? left : batch->max;
            uint64_t room = target - batch->cut.count, more = item.count - done;
            uint64_t part = more < room ? more : room;
            err = col_regroup_part(&batch->cut, &items, &item, done, part);
            done += part;
            if (err == OTEL_OK && left >= enough && batch->cut.count == target) {
                emit_piece(batch, trigger, &err);
                left -= target;
            }
        } while (err == OTEL_OK && done < item.count);
    }
    if (err == OTEL_OK)
        err = col_regroup_finish(&batch->cut, &rest);
    if (err == OTEL_OK) {
        otl_buf_reset(&batch->pending);
        err = otl_buf_append(&batch->pending, rest.data, rest.len);
    }
    hold(batch, left);
    if (err != OTEL_OK)
        lose_all(batch, err);
}

/* Because it was time, or the end has come, which upstream counts as that. */
static void emit_rest(struct batch *batch)
{
    if (batch->max > 0 && batch->items > batch->max)
        emit_cut(batch, 1, batch->by_timeout);
    else
        emit_all(batch, batch->by_timeout);
}

/* Also while there is nothing to send: a timeout of nearly nothing is a millisecond. */
static void restart_timer(struct batch *batch)
{
    uint64_t pause_ns = batch->timeout_ns > OTL_NS_PER_MS ? batch->timeout_ns : OTL_NS_PER_MS;
    const struct timeval after = {(time_t)(pause_ns / OTL_NS_PER_S),
                                  (suseconds_t)(pause_ns % OTL_NS_PER_S / 1000)};

    if (batch->timer != NULL)
        event_add(batch->timer, &after);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct batch *batch = arg;

    (void)fd;
    (void)what;
    emit_rest(batch);
    restart_timer(batch);
}

static enum otel_err take(struct batch *batch, const struct col_batch *in,
                          struct otl_detail *reterr)
{
    bool at_once = batch->timeout_ns == 0 || batch->size == 0;
    uint64_t enough = at_once ? 1 : batch->size;
    enum otel_err err;

    if (batch->items == 0 && in->items >= enough && (batch->max == 0 || in->items <= batch->max)) {
        batch->since_ns = in->mono_ns; /* a batch by itself: as the bytes it came in */
        emit(batch, in->request, in->items, batch->by_size);
        restart_timer(batch);
        return OTEL_OK;
    }
    err = otl_buf_append(&batch->pending, in->request.data, in->request.len);
    if (err != OTEL_OK)
        return otl_detail_set(reterr, err, NULL, 0, 0, "processor '%s': %s", batch->create.id,
                              otel_err_text(err));
    if (batch->items == 0)
        batch->since_ns = in->mono_ns;
    hold(batch, batch->items + in->items);
    if (batch->items < enough)
        return OTEL_OK;
    if (batch->max > 0 && batch->items > batch->max)
        emit_cut(batch, enough, batch->by_size);
    else
        emit_all(batch, batch->by_size);
    restart_timer(batch);
    return OTEL_OK;
}

/* ---- shards ---- */

/* A value of a key, of those that the shard stands for. */
static struct otl_view value_of(const void *from, const char *name_of_key, size_t index)
{
    const struct batch *batch = from;
    const char *at = batch->values.data;

    for (size_t i = 0; i < batch->all->key_count; i++) {
        bool wanted = strcmp(batch->all->keys[i], name_of_key) == 0;
        uint32_t count, len;
        memcpy(&count, at, sizeof(count));
        at += sizeof(count);
        for (uint32_t k = 0; k < count; k++) {
            memcpy(&len, at, sizeof(len));
            if (wanted && k == index)
                return otl_view(at + sizeof(len), len);
            at += sizeof(len) + len;
        }
    }
    return otl_view(NULL, 0);
}

static void free_shard(struct batch *batch)
{
    if (batch->timer != NULL)
        event_free(batch->timer);
    otl_buf_fini(&batch->pending);
    otl_buf_fini(&batch->values);
    col_regroup_fini(&batch->cut);
    otl_mem_free(batch);
}

static enum otel_err new_shard(struct batches *all, struct batch **ret)
{
    struct batch *batch = otl_mem_zalloc(sizeof(*batch));
    const json_t *config = all->create.config;

    if (batch == NULL)
        return OTEL_ERR_MEMORY;
    batch->all = all;
    batch->create = all->create;
    batch->metadata = (struct col_metadata){.get = value_of, .from = batch};
    batch->timeout_ns = otl_tree_duration_ns(config, "timeout", 200 * OTL_NS_PER_MS);
    batch->size = (uint64_t)otl_tree_int(config, "send_batch_size", 8192);
    batch->max = (uint64_t)otl_tree_int(config, "send_batch_max_size", 0);
    batch->by_size = all->by_size;
    batch->by_timeout = all->by_timeout;
    batch->lost = all->lost;
    otl_buf_init(&batch->pending, PENDING_MAX);
    otl_buf_init(&batch->values, VALUES_MAX);
    col_regroup_init(&batch->cut, PENDING_MAX);
    if (batch->timeout_ns > 0 && batch->size > 0)
        batch->timer = event_new(batch->create.host->base, -1, 0, on_timer, batch);
    if ((batch->timer == NULL && batch->timeout_ns > 0 && batch->size > 0) ||
        otl_buf_append(&batch->values, all->said.data, all->said.len) != OTEL_OK) {
        free_shard(batch);
        return OTEL_ERR_MEMORY;
    }
    batch->next = all->first;
    all->first = batch;
    *all->cardinality = ++all->count;
    *ret = batch;
    return OTEL_OK;
}

/* What the client said under a key: how many values, and each behind its length. */
static enum otel_err listen_for(struct batches *all, const char *key)
{
    struct otl_view value = col_metadata_get(all->create.host, key, 0);
    size_t count_at = all->said.len;
    uint32_t count = 0, len;
    enum otel_err err = otl_buf_append(&all->said, &count, sizeof(count));

    while (err == OTEL_OK && value.data != NULL) {
        len = (uint32_t)value.len;
        err = otl_buf_append(&all->said, &len, sizeof(len));
        if (err == OTEL_OK && len > 0)
            err = otl_buf_append(&all->said, value.data, len);
        value = col_metadata_get(all->create.host, key, ++count);
    }
    if (err == OTEL_OK)
        memcpy(all->said.data + count_at, &count, sizeof(count));
    return err;
}

static enum otel_err listen_to(struct batches *all)
{
    enum otel_err err = OTEL_OK;

    otl_buf_reset(&all->said);
    for (size_t i = 0; i < all->key_count && err == OTEL_OK; i++)
        err = listen_for(all, all->keys[i]);
    return err;
}

static enum otel_err find_shard(struct batches *all, struct batch **ret,
                                struct otl_detail *reterr)
{
    enum otel_err err = listen_to(all);
    struct otl_view said = otl_view(all->said.data, all->said.len);

    for (struct batch *batch = all->first; batch != NULL && err == OTEL_OK; batch = batch->next)
        if (otl_view_equal(otl_view(batch->values.data, batch->values.len), said)) {
            *ret = batch;
            return OTEL_OK;
        }
    if (err == OTEL_OK && all->limit != 0 && all->count >= all->limit)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0,
                              "too many batcher metadata-value combinations");
    if (err == OTEL_OK)
        err = new_shard(all, ret);
    if (err == OTEL_OK)
        restart_timer(*ret);
    return err;
}

static enum otel_err consume(void *self, const struct col_batch *in, struct otl_detail *reterr)
{
    struct batches *all = self;
    struct batch *batch = all->first;
    enum otel_err err = all->key_count > 0 ? find_shard(all, &batch, reterr) : OTEL_OK;

    if (err == OTEL_OK)
        return take(batch, in, reterr);
    return otl_detail_set(reterr, err, NULL, 0, 0, "processor '%s': %s", all->create.id,
                          otel_err_text(err));
}

static enum otel_err flush(void *self, struct otl_detail *reterr)
{
    struct batches *all = self;

    (void)reterr;
    for (struct batch *batch = all->first; batch != NULL; batch = batch->next)
        emit_rest(batch);
    return OTEL_OK;
}

static void free_batch(void *self)
{
    struct batches *all = self;

    while (all->first != NULL) {
        struct batch *next = all->first->next;
        free_shard(all->first);
        all->first = next;
    }
    otl_buf_fini(&all->said);
    otl_mem_free(all);
}

static bool count_sizes(struct batches *batch, const char *labels)
{
    const struct col_histogram_options sizes = {
        "otelcol_processor_batch_batch_send_size", labels,
        "Spans, points or records in a batch that was sent.", col_bounds_of_items,
        COL_BOUNDS_OF_ITEMS};
    const struct col_histogram_options bytes = {
        "otelcol_processor_batch_batch_send_size_bytes", labels, "Bytes in a batch that was sent.",
        col_bounds_of_bytes, COL_BOUNDS_OF_BYTES};
    struct col_host *host = batch->create.host;
    bool detailed = host->metrics_level >= COL_METRICS_DETAILED;

    batch->sizes = col_metrics_histogram(host->metrics, &sizes);
    if (detailed)
        batch->bytes = col_metrics_histogram(host->metrics, &bytes);
    return batch->sizes != NULL && (batch->bytes != NULL || !detailed);
}

static bool count(struct batches *batch)
{
    struct col_metrics *metrics = batch->create.host->metrics;
    char labels[160], held[64];

    snprintf(held, sizeof(held), "collector_mock_batch_held_%s",
             col_signal_items(batch->create.signal));
    snprintf(labels, sizeof(labels), "processor=\"%s\"", batch->create.id);
    batch->by_size =
        col_metrics_counter(metrics, "otelcol_processor_batch_batch_size_trigger_send", labels,
                            "Batches that were sent because they were large enough.");
    batch->by_timeout =
        col_metrics_counter(metrics, "otelcol_processor_batch_timeout_trigger_send", labels,
                            "Batches that were sent because they were old enough.");
    batch->lost = col_host_items(batch->create.host, batch->create.signal,
                                 "collector_mock_batch_lost", labels,
                                 "What was acknowledged and refused by what follows.");
    batch->held = col_metrics_gauge(metrics, held, labels, "What waits for the rest of its batch.");
    batch->cardinality =
        col_metrics_gauge(metrics, "otelcol_processor_batch_metadata_cardinality", labels,
                          "Sets of values of metadata_keys that have a batch of their own.");
    return count_sizes(batch, labels) && batch->cardinality != NULL && batch->by_size != NULL &&
           batch->by_timeout != NULL && batch->lost != NULL && batch->held != NULL;
}

static enum otel_err check(const struct col_create *args, struct otl_detail *reterr)
{
    int64_t size = otl_tree_int(args->config, "send_batch_size", 8192);
    int64_t max = otl_tree_int(args->config, "send_batch_max_size", 0);

    if (max > 0 && max < size)
        return otl_yaml_error(
            reterr, otl_yaml_value_pos(args->doc, args->config, "send_batch_max_size"),
            "processor '%s': send_batch_max_size must be greater or equal to send_batch_size",
            args->id);
    return OTEL_OK;
}

static enum otel_err read_keys(struct batches *all, struct otl_detail *reterr)
{
    const json_t *list = json_object_get(all->create.config, "metadata_keys");

    all->limit = (uint64_t)otl_tree_int(all->create.config, "metadata_cardinality_limit", 1000);
    for (; all->key_count < json_array_size(list); all->key_count++) {
        char *key = all->keys[all->key_count];
        snprintf(key, NAME_SIZE, "%s", json_string_value(json_array_get(list, all->key_count)));
        for (char *at = key; *at != '\0'; at++)
            *at = (char)tolower((unsigned char)*at);
        for (size_t i = 0; i < all->key_count; i++)
            if (strcmp(all->keys[i], key) == 0)
                return otl_yaml_error(
                    reterr, otl_yaml_item_pos(all->create.doc, list, all->key_count),
                    "processor '%s': duplicate entry in metadata_keys: \"%s\" (case-insensitive)",
                    all->create.id, key);
    }
    return OTEL_OK;
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    enum otel_err err = check(args, reterr);
    struct batches *all;
    struct batch *one;

    if (err != OTEL_OK)
        return err;
    all = otl_mem_zalloc(sizeof(*all));
    if (all == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    all->create = *args;
    otl_buf_init(&all->said, VALUES_MAX);
    err = read_keys(all, reterr);
    if (err == OTEL_OK && !count(all))
        err = OTEL_ERR_MEMORY;
    if (err == OTEL_OK && all->key_count == 0)
        err = new_shard(all, &one);
    if (err == OTEL_OK) {
        *ret = all;
        return OTEL_OK;
    }
    free_batch(all);
    return otl_detail_set(reterr, err, NULL, 0, 0, "processor '%s': %s", args->id,
                          otel_err_text(err));
}

static enum otel_err start(void *self, struct otl_detail *reterr)
{
    struct batches *all = self;

    (void)reterr;
    if (all->first != NULL)
        restart_timer(all->first);
    return OTEL_OK;
}

const struct col_component_type col_batch_processor = {
    .name = "batch",
    .kind = COL_PROCESSOR,
    .decouples = true,
    .schema = row,
    .create = create,
    .start = start,
    .consume = consume,
    .signals = COL_ALL_SIGNALS,
    .flush = flush,
    .free = free_batch,
};
