/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_JSON_H
#define COL_WIRE_JSON_H

#include "collector-mock/wire/signal.h"
#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * OTLP/JSON of a request into the protobuf bytes that say the same: what the in-place reader
 * takes, so that everything behind the receiver knows one form.
 *
 * Written in one pass, without a tree: memory is the output and one unescaped text.
 *
 * Threads   no state.
 * Limits    the output's max; messages nest at most COL_JSON_DEPTH_MAX deep, what is skipped too.
 *
 * Ids are hex, enums are numbers (their names are taken, too), 64-bit numbers are texts or
 * numbers, bytes are base64 of either alphabet. Names are in lowerCamelCase; those of the .proto
 * files are taken, too. Unknown names are stepped over, null is as if it was not there, of a name
 * that occurs twice the last one counts (lists go on).
 *
 * Not judged here: what a span must be. Hold the output against col_request_check().
 *
 * Returns OTEL_OK, or
 *   OTEL_ERR_CORRUPT  no JSON, or a value of the wrong kind; *reterr says at which byte
 *   OTEL_ERR_LIMIT    nested too deep, or more than out->max
 *   OTEL_ERR_MEMORY
 *
 * Spec: OTLP 1.x "JSON Protobuf Encoding".
 */

enum { COL_JSON_DEPTH_MAX = 256 };

OTEL_MUST_USE enum otel_err col_json_decode(enum col_signal signal, struct otl_view json,
                                            struct otl_buf *out, struct otl_detail *reterr);

#endif
