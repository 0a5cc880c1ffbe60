/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/tests/books.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static double number(const struct otl_buf *metrics, const char *series)
{
    double value = rig_metric_in(metrics, series);

    if (value < 0)
        fail_msg("no %s", series);
    return value;
}

static double value_of(const struct otl_buf *metrics, const char *name, const char *labels)
{
    char series[200];

    snprintf(series, sizeof(series), "collector_mock_tail_sampling_%s{%s}", name, labels);
    return number(metrics, series);
}

double books_of(const struct otl_buf *metrics, const char *processor)
{
    static const char *const reasons[] = {"too_early",   "too_large", "max_bytes",
                                          "drop_policy", "shutdown",  "export_failed",
                                          "no_memory"};
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

/* ---- of a whole pipeline ---- */

/* NAME_spans_total and the like. */
static double items(const struct otl_buf *metrics, enum col_signal signal, const char *name,
                    const char *labels)
{
    char series[200];

    snprintf(series, sizeof(series), "%s_%s_total{%s}", name, col_signal_items(signal), labels);
    return number(metrics, series);
}

/* Of both protocols. */
static double of_receivers(const struct otl_buf *metrics, enum col_signal signal, const char *name)
{
    return items(metrics, signal, name, "receiver=\"otlp\",transport=\"http\"") +
           items(metrics, signal, name, "receiver=\"otlp\",transport=\"grpc\"");
}

static void expect(const char *when, const char *what, double left, double right)
{
    if (left < right || left > right) /* whole numbers: exact */
        fail_msg("%s: %s: %.0f and %.0f", when, what, left, right);
}

/* What tail sampling was given. */
static double behind_tail(const struct otl_buf *metrics, struct books *books)
{
    static const char label[] = "processor=\"tail_sampling\"";
    double given = books_of(metrics, "tail_sampling");

    books->left_out = value_of(metrics, "sampled_out_spans_total", label);
    books->held = value_of(metrics, "held_spans", label);
    books->lost = given - books->left_out - books->held -
                  value_of(metrics, "kept_spans_total", label) -
                  value_of(metrics, "refused_spans_total", label);
    return given;
}

/* Counted by the processor itself. */
static double left_out(const struct otl_buf *metrics, enum col_signal signal)
{
    static const char *const policies[] = {"trace_id_hash", "trace_id_w3c", "sampling_randomness",
                                           "sampling_priority", "missing_randomness"};
    char series[160];
    double sum = 0;

    if (signal == COL_METRICS)
        return number(metrics,
                      "otelcol_processor_filter_datapoints_filtered_total{filter=\"filter\"}");
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        snprintf(series, sizeof(series),
                 "otelcol_processor_probabilistic_sampler_count_logs_sampled_total{policy=\"%s\","
                 "sampled=\"false\"}",
                 policies[i]);
        sum += number(metrics, series);
    }
    return sum;
}

/* What the processor before the batch was given. */
static double behind_batch(const struct otl_buf *metrics, enum col_signal signal,
                           const char *when, struct books *books)
{
    static const char batch[] = "processor=\"batch\"";
    const char *chooser = signal == COL_METRICS ? "filter" : "probabilistic_sampler";
    char in[160], out[160], held[160];
    double given, handed_on, sent;

    snprintf(in, sizeof(in),
             "otelcol_processor_incoming_items_total{processor=\"%s\",otel_signal=\"%s\"}", chooser,
             col_signal_name(signal));
    snprintf(out, sizeof(out),
             "otelcol_processor_outgoing_items_total{processor=\"%s\",otel_signal=\"%s\"}", chooser,
             col_signal_name(signal));
    snprintf(held, sizeof(held), "collector_mock_batch_held_%s{%s}", col_signal_items(signal),
             batch);
    given = number(metrics, in);
    handed_on = number(metrics, out);
    sent = number(metrics, "otelcol_processor_batch_batch_send_size_sum{processor=\"batch\"}");
    books->left_out = left_out(metrics, signal);
    books->held = number(metrics, held);
    books->lost = items(metrics, signal, "collector_mock_batch_lost", batch);
    expect(when, "given to and left by the chooser", given, handed_on + books->left_out);
    expect(when, "given to and left by the batch", handed_on, sent + books->lost + books->held);
    expect(when, "sent by the batch and written", sent, books->written);
    return given;
}

struct books books_balanced(const struct otl_buf *metrics, enum col_signal signal,
                            const char *when)
{
    static const char limiter[] = "processor=\"memory_limiter\"", file[] = "exporter=\"file\"";
    double doubled = number(metrics, "collector_mock_fault_spans_total{fault=\"duplicate\"}");
    struct books books = {
        .received = of_receivers(metrics, signal, "collector_mock_received"),
        .accepted = of_receivers(metrics, signal, "otelcol_receiver_accepted"),
        .refused = of_receivers(metrics, signal, "otelcol_receiver_refused") +
                   of_receivers(metrics, signal, "otelcol_receiver_failed"),
        .written = items(metrics, signal, "otelcol_exporter_sent", file),
    };
    double limited = items(metrics, signal, "otelcol_processor_memory_limiter_accepted", limiter);
    double turned = items(metrics, signal, "otelcol_processor_memory_limiter_refused", limiter);
    double given = signal == COL_TRACES ? behind_tail(metrics, &books)
                                        : behind_batch(metrics, signal, when, &books);

    expect(when, "accepted and past the limiter", books.accepted, limited);
    /* the names of before v0.155 */
    expect(when, "past the limiter, by its old name", limited,
           items(metrics, signal, "otelcol_processor_accepted", limiter));
    expect(when, "refused by the limiter, by its old name", turned,
           items(metrics, signal, "otelcol_processor_refused", limiter));
    expect(when, "past the limiter and given to what follows", limited, given);
    expect(when, "lost and not written",
           signal == COL_TRACES
               ? value_of(metrics, "dropped_spans_total",
                          "processor=\"tail_sampling\",reason=\"export_failed\"")
               : books.lost,
           items(metrics, signal, "otelcol_exporter_send_failed", file));
    expect(when, "received, and what became of it", books.received + doubled,
           books.refused + books.left_out + books.written + books.lost + books.held);
    return books;
}
