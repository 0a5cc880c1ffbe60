/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TESTS_FUZZ_OTTL_H
#define COL_PROCESSORS_TESTS_FUZZ_OTTL_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/processors/statement.h"
#include "collector-mock/wire/logs.h"
#include "collector-mock/wire/metrics.h"
#include "sdk/base/text.h"

/* For fuzz targets of the transformation language: any text, in each of its contexts, with one of
 * everything to be run on. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_ATTRIBUTE(tag) tag "\x09\x0a\x01k\x12\x04\x0a\x02vv"

struct fuzz_things {
    struct col_resource resource;
    struct col_scope scope;
    struct col_span span;
    struct col_event event;
    struct otl_view event_raw;
    struct col_log log;
    struct col_metric metric;
    struct col_point point;
};

static inline struct otl_view fuzz_bytes(const char *bytes, size_t len)
{
    return otl_view(bytes, len);
}
#define FUZZ_BYTES(text) fuzz_bytes(text, sizeof(text) - 1)

/* kind: what kind of metric there is. */
static inline void fuzz_things_init(struct fuzz_things *things, enum col_metric_kind kind)
{
    static const char events[] = "\x2a\x01n\x5a\x0b" FUZZ_ATTRIBUTE("\x1a") FUZZ_ATTRIBUTE("\x4a");
    struct otl_view points = FUZZ_BYTES("\x0a\x0b" FUZZ_ATTRIBUTE("\x3a"));
    static char metric[64];
    size_t len = points.len;
    struct col_list list;

    memset(things, 0, sizeof(*things));
    col_span_split(FUZZ_BYTES(events), &things->span);
    things->span.resource = &things->resource;
    things->span.scope = &things->scope;
    list = things->span.events;
    (void)col_event_next(&list, &things->event);
    things->event_raw = FUZZ_BYTES(FUZZ_ATTRIBUTE("\x1a"));
    col_log_split(FUZZ_BYTES("\x2a\x04\x0a\x02" "bo" FUZZ_ATTRIBUTE("\x32")), &things->log);
    metric[0] = (char)(kind << 3 | 2);
    metric[1] = (char)len;
    memcpy(metric + 2, points.data, len);
    metric[4] = (char)(col_point_attributes_field(kind) << 3 | 2);
    col_metric_split(otl_view(metric, len + 2), &things->metric);
    list = things->metric.points;
    (void)col_point_next(kind, &list, &things->point);
}

/* take is called with the text in every context; what is not UTF-8 is in no configuration. */
static inline int fuzz_text(const uint8_t *data, size_t size,
                            void (*take)(const char *text, enum col_condition_on on,
                                         struct fuzz_things *things))
{
    static const enum col_metric_kind kinds[] = {COL_METRIC_GAUGE, COL_METRIC_SUM,
                                                 COL_METRIC_HISTOGRAM, COL_METRIC_EXPONENTIAL,
                                                 COL_METRIC_SUMMARY};
    char *text = malloc(size + 1);
    struct fuzz_things things;

    if (text == NULL)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (otl_utf8_valid(text, strlen(text)))
        for (int on = COL_ON_RESOURCE; on <= COL_ON_POINT; on++) {
            fuzz_things_init(&things, kinds[size % 5]);
            take(text, (enum col_condition_on)on, &things);
        }
    free(text);
    return 0;
}

#endif
