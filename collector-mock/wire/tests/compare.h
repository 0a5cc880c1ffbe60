/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_TESTS_COMPARE_H
#define COL_WIRE_TESTS_COMPARE_H

#include "ci/witness/otlp_pb.h"
#include "collector-mock/wire/traces.h"

/*
 * Hold what the in-place reader says of a request against what protobuf-c says of it, field by
 * field. Returns NULL, or the name of the first field that differs (static).
 */
const char *compare_request(struct otl_view request,
                            const Otlp__ExportTraceServiceRequest *witness);

#endif
