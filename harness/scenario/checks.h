/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CHECKS_H
#define HX_CHECKS_H

/*
 * Names of the verifier's checks, as they stand in a scenario's expect.checks and in report.json.
 * One list for both, so that a scenario cannot name a check that nobody makes.
 *
 * id, title
 */
#define HX_CHECKS(X)                                                                              \
    X(headers, "context headers say what the API said")                                           \
    X(books, "every span is accounted for")                                                       \
    X(drops_named, "callback, counters and missing spans agree")                                  \
    X(duplicates, "no span arrives twice but as a retry")                                         \
    X(ids, "no id is used twice")                                                                 \
    X(content, "what arrived is what was asked for")                                              \
    X(sampling, "sampling decisions are exact")                                                   \
    X(traces, "sampled traces are whole")                                                         \
    X(edges, "every hop joins caller and callee")                                                 \
    X(parents, "spans hang where they were started")                                              \
    X(resource, "every span names the instance that made it")                                     \
    X(baggage, "baggage arrives as it was set")                                                   \
    X(times, "times and durations are true")

#endif
