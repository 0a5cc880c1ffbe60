/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_TESTS_RIG_H
#define HX_SERVICE_TESTS_RIG_H

#include <otel/sdk/exporter.h>
#include <otel/sdk/provider.h>

#include "harness/ledger/reader.h"
#include "harness/service/request.h"

/*
 * A service without sockets: the steps of a scenario over fake effects and a fake loop, the SDK
 * with the memory exporter, a real ledger in a private directory.
 */

enum { RIG_EVENTS_MAX = 256 };

struct rig {
    char dir[64];
    struct hx_scenario *scenario;
    struct hx_led_writer *ledger;
    struct hx_led_reader *reader;
    struct otel_sdk_memory *memory;
    struct otel_sdk_provider *provider;
    struct hx_runtime runtime;
    struct hx_entry entry;
    /* what the effects saw, in order: "call payment POST /charge", "wait 5000", ... */
    char events[RIG_EVENTS_MAX][64];
    size_t event_count;
    /* frames that wait; resumed by rig_resume() */
    struct hx_frame *waiting[64];
    const struct hx_step *waiting_step[64];
    size_t waiting_count;
    /* publishes whose report is due */
    struct hx_request *reports[16];
    struct hx_span *report_spans[16];
    const struct hx_step *report_steps[16];
    size_t report_count;
    int answers;
    int last_status;
};

/* yaml: a whole scenario; its first service is the one that runs. */
void rig_open(struct rig *rig, const char *yaml);
void rig_close(struct rig *rig);

/* A request to the entry operation (route or consumer) of that name. NULL: none was in hand's
 * limit left. traceparent and header may be NULL; header is "name: value". */
struct hx_request *rig_begin(struct rig *rig, const char *name, uint64_t request,
                             const char *traceparent, const char *header);
/* Resume the i-th frame that waits. */
void rig_resume(struct rig *rig, size_t i);
/* The i-th report comes. */
void rig_report(struct rig *rig, size_t i);

/* Close the writer and read back. */
void rig_read(struct rig *rig);
/* The n-th row (from 0) of a type; NULL if there is none. */
const struct hx_led_record *rig_row(struct rig *rig, enum hx_led_type type, size_t n);
size_t rig_rows(struct rig *rig, enum hx_led_type type);
/* The span row of an operation's name; NULL if there is none. */
const struct hx_led_span *rig_span(struct rig *rig, const char *name);

#endif
