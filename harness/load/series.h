/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_SERIES_H
#define HX_LOAD_SERIES_H

#include <otel/err.h>

#include "harness/stats/hdr.h"
#include "harness/stats/hdr_log.h"
#include "sdk/base/detail.h"

/*
 * The three times of a request, kept apart, each second apart and in total:
 *   response   intended instant -> last byte: what somebody would have waited who came on time
 *   service    first byte sent  -> last byte: what a closed-loop tool would report
 *   send lag   intended instant -> first byte sent: how late the generator or its connections were
 *
 * Response includes requests that were given up after their timeout, at that time: leaving them
 * out would hide the worst. Service and send lag are of what was answered, and sent.
 *
 * Life      new -> record... -> rotate once a second, write_one while there is time -> finish ->
 *           free.
 * Threads   one owner.
 * Memory    fifteen histograms, 176 KiB each.
 *
 * Rotation only swaps histograms; encoding and writing one takes about 0.1 ms and is done apart,
 * so that it delays no request by more than that.
 */

enum hx_series_kind { HX_SERIES_RESPONSE, HX_SERIES_SERVICE, HX_SERIES_LAG, HX_SERIES_KINDS };
enum hx_load_phase { HX_LOAD_WARM_UP, HX_LOAD_MEASURE, HX_LOAD_PHASES };

struct hx_series;

/* dir: where response.hlog, service.hlog and sendlag.hlog go, and at the end the percentile tables
 * of the measured phase, response.hgrm and so on; NULL = nowhere. OTEL_ERR_IO, OTEL_ERR_MEMORY,
 * with *reterr filled. */
OTEL_MUST_USE enum otel_err hx_series_new(const char *dir, uint64_t wall_start_ns,
                                          struct hx_series **ret, struct otl_detail *reterr);
void hx_series_free(struct hx_series *series);

void hx_series_record(struct hx_series *series, enum hx_series_kind kind,
                      enum hx_load_phase phase, uint64_t value_ns);
/* End the interval that began at start_ns (from the start of the load). */
void hx_series_rotate(struct hx_series *series, uint64_t start_ns, uint64_t length_ns);
/* Put one ended interval away. False: there was none. */
bool hx_series_write_one(struct hx_series *series);
/* Why a log could not be written (errno), 0 if none failed; it stays so. */
int hx_series_failed(const struct hx_series *series);
/* Rotate for the last time, write all, close. OTEL_ERR_IO. */
OTEL_MUST_USE enum otel_err hx_series_finish(struct hx_series *series, uint64_t start_ns,
                                             uint64_t length_ns);

/* The interval that rotate ended last; read it right after rotate. */
const struct hx_hdr *hx_series_last(const struct hx_series *series, enum hx_series_kind kind,
                                    enum hx_load_phase phase);
/* Everything of the measured phase that was put away; complete after finish. */
const struct hx_hdr *hx_series_total(const struct hx_series *series, enum hx_series_kind kind);

#endif
