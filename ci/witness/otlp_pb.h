/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CI_WITNESS_OTLP_PB_H
#define CI_WITNESS_OTLP_PB_H

/*
 * The protobuf-c view of OTLP traces, made from otlp.proto by the build. For tests only: nothing
 * that is shipped links the library otlp_pb.
 *
 * Types are Otlp__ExportTraceServiceRequest and so on; text is ProtobufCBinaryData.
 */
#include "build/gen/ci/witness/otlp.pb-c.h" /* IWYU pragma: export */

#endif
