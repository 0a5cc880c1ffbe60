/* SPDX-License-Identifier: Apache-2.0 */
/* Consumer spans out of the tap, as rows. */
#include <stdio.h>
#include <string.h>

#include "collector-mock/wire/tap.h"
#include "collector-mock/wire/traces.h"
#include "harness/verify/namer/namer.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { CONSUMER_KIND = 5, ROWS_FIRST = 4096, DAY_MILLIS = 86400000 };

enum otel_err hx_handlings_init(struct hx_handlings *h)
{
    memset(h, 0, sizeof *h);
    h->instances = otl_mem_zalloc(HX_NAMER_INSTANCES * sizeof *h->instances);
    h->groups = otl_mem_zalloc(HX_NAMER_GROUPS * sizeof *h->groups);
    if (h->instances != NULL && h->groups != NULL)
        return OTEL_OK;
    hx_handlings_fini(h);
    return OTEL_ERR_MEMORY;
}

void hx_handlings_fini(struct hx_handlings *h)
{
    otl_mem_free(h->rows);
    otl_mem_free(h->instances);
    otl_mem_free(h->groups);
    memset(h, 0, sizeof *h);
}

uint16_t hx_handlings_instance(struct hx_handlings *h, const struct hx_namer_instance *instance)
{
    for (size_t i = 0; i < h->instance_count; i++)
        if (strcmp(h->instances[i].service, instance->service) == 0 &&
            strcmp(h->instances[i].instance, instance->instance) == 0)
            return (uint16_t)i;
    if (h->instance_count == HX_NAMER_INSTANCES)
        return UINT16_MAX;
    h->instances[h->instance_count] = *instance;
    return (uint16_t)h->instance_count++;
}

uint16_t hx_handlings_group(struct hx_handlings *h, const struct hx_namer_group *group)
{
    for (size_t i = 0; i < h->group_count; i++)
        if (strcmp(h->groups[i].name, group->name) == 0 &&
            strcmp(h->groups[i].topic, group->topic) == 0)
            return (uint16_t)i;
    if (h->group_count == HX_NAMER_GROUPS)
        return UINT16_MAX;
    h->groups[h->group_count] = *group;
    return (uint16_t)h->group_count++;
}

enum otel_err hx_handlings_add(struct hx_handlings *h, const struct hx_handling *row)
{
    if (h->count == h->cap) {
        size_t cap = h->cap > 0 ? h->cap * 2 : ROWS_FIRST;
        void *grown = otl_mem_realloc(h->rows, cap * sizeof *h->rows);

        if (grown == NULL)
            return OTEL_ERR_MEMORY;
        h->rows = grown;
        h->cap = cap;
    }
    h->rows[h->count++] = *row;
    return OTEL_OK;
}

/* ---- out of a span -------------------------------------------------------------------------- */

/* "" when it is not there, or not a text. */
static void take_text(const struct col_list *attributes, const char *key, const char *hide,
                      char out[HX_NAMER_TEXT])
{
    struct col_value value;

    out[0] = '\0';
    if ((hide != NULL && strcmp(hide, key) == 0) || !col_attribute_find(attributes, key, &value) ||
        value.kind != COL_VALUE_STRING)
        return;
    snprintf(out, HX_NAMER_TEXT, "%.*s", (int)(value.text.len < HX_NAMER_TEXT ? value.text.len
                                                                            : HX_NAMER_TEXT - 1),
             value.text.len > 0 ? (const char *)value.text.data : "");
    out[otl_utf8_prefix(out, strlen(out))] = '\0';
}

static uint16_t instance_of(struct hx_handlings *h, const struct col_resource *resource,
                            const char *hide)
{
    struct hx_namer_instance instance;

    take_text(&resource->attributes, "service.name", hide, instance.service);
    take_text(&resource->attributes, "service.instance.id", hide, instance.instance);
    take_text(&resource->attributes, "service.version", hide, instance.version);
    return hx_handlings_instance(h, &instance);
}

/* Which message: of a span, or of a batch's link. False: it does not say. */
static bool place_of(const struct col_list *attributes, struct hx_handling *ret)
{
    char partition[HX_NAMER_TEXT];
    struct col_value offset;
    uint64_t number;

    take_text(attributes, "messaging.destination.partition.id", NULL, partition);
    if (otl_parse_uint(partition, 0, INT32_MAX, &number) != OTEL_OK ||
        !col_attribute_find(attributes, "messaging.kafka.offset", &offset) ||
        offset.kind != COL_VALUE_INT)
        return false;
    ret->partition = (int32_t)number;
    ret->offset = offset.integer;
    return true;
}

/* Group, topic, and how long it may take. False: no room. */
static bool group_of(struct hx_handlings *h, const struct col_span *span, struct hx_handling *ret)
{
    struct hx_namer_group group;
    struct col_value interval;

    take_text(&span->attributes, "messaging.consumer.group.name", NULL, group.name);
    take_text(&span->attributes, "messaging.destination.name", NULL, group.topic);
    if (col_attribute_find(&span->attributes, "kafka.consumer.max.poll.interval.ms", &interval) &&
        interval.kind == COL_VALUE_INT && interval.integer > 0 && interval.integer < DAY_MILLIS)
        ret->interval_ns = (uint64_t)interval.integer * OTL_NS_PER_MS;
    ret->group = hx_handlings_group(h, &group);
    return ret->group != UINT16_MAX;
}

/* A batch's span says at its links which messages it handled: a row for each. */
static enum otel_err add_links(struct hx_handlings *h, const struct col_span *span,
                               const struct hx_handling *row)
{
    struct col_list links = span->links;
    struct col_link link;
    enum otel_err err = OTEL_OK;

    while (err == OTEL_OK && col_link_next(&links, &link)) {
        struct hx_handling one = *row;
        if (place_of(&link.attributes, &one))
            err = hx_handlings_add(h, &one);
    }
    return err;
}

static enum otel_err read_request(struct hx_handlings *h, const struct col_tap_record *record,
                                  const char *hide)
{
    uint16_t instance = UINT16_MAX;
    uint64_t resources = 0;
    struct col_traces traces;
    struct col_span span;
    enum otel_err err = OTEL_OK;

    col_traces_init(&traces, record->body);
    while (err == OTEL_OK && col_traces_next(&traces, &span)) {
        struct hx_handling row = {.start_ns = span.start_time_unix_nano,
                                  .end_ns = span.end_time_unix_nano,
                                  .arrived_ns = record->wall_ns};

        if (h->first_ns == 0 || row.start_ns < h->first_ns)
            h->first_ns = row.start_ns;
        if (record->wall_ns > h->last_ns)
            h->last_ns = record->wall_ns;
        if (span.kind != CONSUMER_KIND || row.end_ns < row.start_ns || !group_of(h, &span, &row))
            continue;
        if (traces.resources != resources)
            instance = instance_of(h, span.resource, hide);
        resources = traces.resources;
        row.instance = instance;
        memcpy(row.span_id, span.span_id, sizeof row.span_id);
        if (instance != UINT16_MAX)
            err = place_of(&span.attributes, &row) ? hx_handlings_add(h, &row)
                                                   : add_links(h, &span, &row);
    }
    return err;
}

enum otel_err hx_handlings_read(const char *tap, const char *hide, struct hx_handlings *h,
                                struct otl_detail *reterr)
{
    struct col_tap_reader reader;
    struct col_tap_record record;
    enum otel_err err = col_tap_open(tap, &reader, reterr);

    if (err != OTEL_OK)
        return err;
    while (err == OTEL_OK && col_tap_next(&reader, &record))
        if (record.type == COL_TAP_REQUEST && record.signal == COL_TAP_TRACES &&
            record.encoding == COL_TAP_PROTOBUF)
            err = read_request(h, &record, hide);
    col_tap_close(&reader);
    return err;
}
