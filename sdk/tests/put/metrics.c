/* SPDX-License-Identifier: Apache-2.0 */
/* What the SDK shows of itself. */
#include <inttypes.h>
#include <otel/sdk/metrics.h>

#include "sdk/tests/put/put.h"

enum { WORD_SIZE = 2048 };

/* "NAME|TYPE|UNIT|NUMBER|KEY=VALUE|...", NUMBER of a histogram COUNT,SUM,MIN,MAX. */
static void say_metric(void *arg, const struct otel_sdk_metric *metric)
{
    static const char *const types[] = {"counter", "updowncounter", "histogram"};
    struct put *put = arg;
    char word[WORD_SIZE];
    int len =
        snprintf(word, sizeof(word), "%s|%s|%s|", metric->name, types[metric->type], metric->unit);

    if (metric->type == OTEL_SDK_METRIC_HISTOGRAM)
        len += snprintf(word + len, sizeof(word) - (size_t)len, "%" PRIu64 ",%.9f,%.9f,%.9f",
                        metric->count, metric->sum, metric->min, metric->max);
    else
        len += snprintf(word + len, sizeof(word) - (size_t)len, "%" PRId64, metric->value);
    for (size_t i = 0; i < metric->attribute_count && len < WORD_SIZE; i++) {
        const struct otel_attribute *a = &metric->attributes[i];
        if (a->value.type == OTEL_VALUE_INT)
            len += snprintf(word + len, sizeof(word) - (size_t)len, "|%.*s=%" PRId64,
                            (int)a->key.len, a->key.data, a->value.as.integer);
        else
            len += snprintf(word + len, sizeof(word) - (size_t)len, "|%.*s=%.*s", (int)a->key.len,
                            a->key.data, (int)a->value.count, a->value.as.string);
    }
    put_say(put, otel_str(word));
}

/* metrics -> METRIC... */
static void do_metrics(struct put *put, struct put_words *words)
{
    (void)words;
    fprintf(put->out, "ok");
    otel_sdk_provider_metrics(put->provider, say_metric, put);
}

const struct put_command put_metric_commands[] = {{"metrics", do_metrics}, {NULL, NULL}};
