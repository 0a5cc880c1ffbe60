/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/tests/books.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static double value_of(const struct otl_buf *metrics, const char *name, const char *labels)
{
    char series[200];
    double value;

    snprintf(series, sizeof(series), "collector_mock_tail_sampling_%s{%s}", name, labels);
    value = rig_metric_in(metrics, series);
    if (value < 0)
        fail_msg("no %s", series);
    return value;
}

double books_of(const struct otl_buf *metrics, const char *processor)
{
    static const char *const reasons[] = {"too_early", "too_large",     "drop_policy",
                                          "shutdown",  "export_failed", "no_memory"};
    static const char *const parts[] = {"kept_spans_total", "sampled_out_spans_total",
                                        "refused_spans_total", "held_spans"};
    char labels[80], with_reason[120];
    double sum = 0, received;

    snprintf(labels, sizeof(labels), "processor=\"%s\"", processor);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        sum += value_of(metrics, parts[i], labels);
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        snprintf(with_reason, sizeof(with_reason), "%s,reason=\"%s\"", labels, reasons[i]);
        sum += value_of(metrics, "dropped_spans_total", with_reason);
    }
    received = value_of(metrics, "received_spans_total", labels);
    if (sum < received || sum > received) /* whole numbers: exact */
        fail_msg("%g spans received, %g in the books", received, sum);
    return received;
}
