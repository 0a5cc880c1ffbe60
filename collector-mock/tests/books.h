/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TESTS_BOOKS_H
#define COL_TESTS_BOOKS_H

#include "collector-mock/tests/rig.h"
#include "collector-mock/wire/signal.h"

/* The spans that tail sampling has received, by one answer of /metrics (between two of them a tick
 * may fall), in which received = kept + sampled out + refused + dropped by reason + held; else the
 * test fails. processor: the id. */
double books_of(const struct otl_buf *metrics, const char *processor);

/* Of spans, data points or log records. */
struct books {
    double received, accepted, refused; /* by receivers; refused: or failed */
    double left_out;                    /* sampled out or filtered, as is asked for */
    double held;                        /* in memory */
    double written, lost;               /* lost: dropped by a processor, whatever the reason */
};

/*
 * The books of a collector with one pipeline from otlp, by both protocols, over memory_limiter to
 * the exporter file, with tail_sampling (traces), filter and batch (metrics) or
 * probabilistic_sampler and batch (logs) between, by one answer of /metrics:
 *
 *   what whole requests held, and what the fault duplicate has doubled of it
 *     = refused or failed to be taken + left out + written + lost + held
 *
 * and each number of it as each component counts it that sees it. Else the test fails, and says
 * when.
 */
struct books books_balanced(const struct otl_buf *metrics, enum col_signal signal,
                            const char *when);

#endif
