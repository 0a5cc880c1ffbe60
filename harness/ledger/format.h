/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LEDGER_FORMAT_H
#define HX_LEDGER_FORMAT_H

#include <stdint.h>

/*
 * The ledger's file format: what really happened, written by each player outside the SDK.
 *
 * A segment is a file of HX_LED_SEGMENT_BYTES, allocated and touched ahead, mapped shared, so that
 * it survives kill -9 of its writer: a header, then records, each 8-byte aligned. A record's size
 * is stored last (release), so a reader stops at the first size of 0 or at the end of the file: a
 * writer that stops cleanly cuts its last segment after the last record, one that was killed
 * leaves it whole and perhaps one after it without records (or, if its magic is not there yet,
 * never begun: an end, not damage). Segments of one writer are
 * INSTANCE.INCARNATION.NNNN.led, NNNN from 0000. Little-endian, fixed-width, no padding holes.
 *
 * A row is written as intent (..._OPEN), then closed (..._CLOSE) with the same seq. A row that is
 * never closed was cut off by the end of its writer.
 *
 * seq       process << 40 | counter from 1; unique in a run; 0 = none. A span's seq is its
 *           attribute tracerig.seq (int).
 * request   1.. in the order of the plan; 0 = none. It travels in the header
 *           tracerig-request: %016llx-%016llx (request, seq of the calling CLIENT/PRODUCER row),
 *           over HTTP and Kafka, which tracing never touches.
 * time      mono_...: CLOCK_MONOTONIC ns; wall_...: CLOCK_REALTIME ns, both read by the writer
 *           itself, never through the SDK's clock.
 * text      variable part after the fixed one: for each hx_led_text field the offset from the
 *           record's start and the length; absent = 0,0. Not NUL-terminated.
 */

enum { HX_LED_SEGMENT_BYTES = 8 * 1024 * 1024, HX_LED_VERSION = 2 };

#define HX_LED_MAGIC "TRLEDGR1"

struct hx_led_header { /* 64 bytes */
    char magic[8];
    uint32_t version;
    uint32_t process;      /* number of the process in the run, from 1 */
    uint32_t segment;      /* NNNN */
    uint32_t incarnation;  /* 0 for the first start of the instance */
    uint64_t seed;
    uint64_t mono_ns;      /* anchor: both clocks read together when the segment was made */
    uint64_t wall_ns;
    uint64_t reserved[2];
};

enum hx_led_type {
    HX_LED_PROCESS = 1,    /* once, first */
    HX_LED_PROCESS_CLOSE,  /* once, last, on a clean stop */
    HX_LED_ENTRY,          /* request or message arrived */
    HX_LED_ENTRY_CLOSE,
    HX_LED_SPAN,           /* span started (also one that is not recorded) */
    HX_LED_SPAN_CLOSE,     /* span ended */
    HX_LED_SEND,           /* call or publish: the headers that went out */
    HX_LED_SEND_CLOSE,     /* answered, or acknowledged by the broker */
    HX_LED_BAGGAGE,        /* a value was set or read */
    HX_LED_LOAD,           /* the load client's request */
    HX_LED_LOAD_CLOSE
};

struct hx_led_record {
    uint32_t size;         /* whole record, a multiple of 8; stored last */
    uint16_t type;
    uint16_t flags;        /* by type */
    uint64_t seq;
};

struct hx_led_text {
    uint32_t offset;
    uint32_t len;
};

struct hx_led_process {
    struct hx_led_record head;
    uint32_t pid;
    uint32_t service;      /* index in the scenario; UINT32_MAX = load client */
    uint32_t replica;
    uint32_t incarnation;
    uint64_t mono_ns;
    uint64_t wall_ns;
    uint64_t resource_hash; /* canon.h over the resource asked for */
    struct hx_led_text instance; /* service.instance.id */
    struct hx_led_text sampler;  /* word and argument, "parentbased_traceidratio 0.05" */
};

/* SDK counters at a clean stop, in the order of HX_LED_COUNTERS; the verifier holds them against
 * the drop record and the missing set. */
#define HX_LED_COUNTERS(X)                                                                         \
    X(started) X(not_recorded) X(record_only) X(ended) X(exported) X(queue_full) X(export_failed)  \
    X(rejected) X(after_shutdown) X(no_memory) X(export_requests) X(export_bytes)                  \
    X(queue_high_water) X(export_latency_sum_ns) X(export_latency_max_ns) X(exporter_cpu_ns)       \
    X(app_cpu_ns) X(process_cpu_ns) X(rss_peak_bytes) X(open_spans)      \
    X(player_errors) /* planted by broken:, harness/service/broken.h */

struct hx_led_process_close {
    struct hx_led_record head;
    uint64_t mono_ns;
#define HX_LED_COUNTER_FIELD(name) uint64_t name;
    HX_LED_COUNTERS(HX_LED_COUNTER_FIELD)
#undef HX_LED_COUNTER_FIELD
};

/* ENTRY of a message that was handled in a batch: head.flags says how many entries of the batch
 * come before it, right before it and with seqs right before its own. The batch's span and steps
 * belong to the first one, whose flags are 0. */
enum hx_led_entry_kind { HX_LED_ENTRY_HTTP = 1, HX_LED_ENTRY_KAFKA };

struct hx_led_entry {
    struct hx_led_record head;
    uint64_t request;
    uint64_t caller_seq;   /* SEND/SPAN row of the caller (another process), 0 = the load client */
    uint32_t op;           /* operation index of the route or consumer */
    uint32_t kind;
    int32_t partition;     /* Kafka, else -1 */
    uint32_t delivery;     /* n-th delivery of this partition and offset to this process, from 1 */
    int64_t offset;        /* Kafka, else -1 */
    uint64_t mono_ns;
    uint64_t wall_ns;
    struct hx_led_text traceparent; /* raw headers as received; several are joined by \n */
    struct hx_led_text tracestate;
    struct hx_led_text baggage;
};

enum hx_led_outcome {
    HX_LED_OUTCOME_OK,
    HX_LED_OUTCOME_FAILED,
    HX_LED_OUTCOME_EXCEPTION,
    HX_LED_OUTCOME_UNREACHABLE,
    HX_LED_OUTCOME_TIMEOUT
};

struct hx_led_entry_close {
    struct hx_led_record head;
    uint64_t mono_ns;
    uint32_t outcome;
    uint32_t http_status;  /* 0 for Kafka */
};

enum hx_led_span_flags {
    HX_LED_SPAN_RECORDING = 1, /* what the API said right after the start */
    HX_LED_SPAN_SAMPLED = 2,
    HX_LED_SPAN_REMOTE_PARENT = 4, /* the parent given came out of a carrier */
    HX_LED_SPAN_ROOT = 8,      /* no valid parent was given */
    HX_LED_SPAN_ASYNC = 16     /* may outlive its parent */
};

struct hx_led_span {
    struct hx_led_record head;
    uint64_t request;
    uint64_t entry_seq;
    uint64_t parent_seq;   /* span row of the local parent; 0 = none (root or remote parent) */
    uint32_t op;
    uint8_t kind;          /* OTLP span kind */
    uint8_t trace_flags;   /* as the API returned them */
    uint16_t link_count;   /* links asked for */
    uint8_t trace_id[16];  /* as the API returned them */
    uint8_t span_id[8];
    uint8_t parent_span_id[8]; /* of the parent context given to the API; zero = none */
    uint64_t mono_before_ns;   /* around the call that starts the span */
    uint64_t mono_after_ns;
    uint64_t wall_ns;
};

/* What was asked of the span, hashed by canon.h; the verifier hashes what it received. */
struct hx_led_content {
    uint64_t name;
    uint64_t attributes;
    uint64_t events;
    uint64_t links;
    uint64_t status;
};

struct hx_led_span_close {
    struct hx_led_record head;
    uint64_t mono_before_ns; /* around the call that ends the span */
    uint64_t mono_after_ns;
    uint64_t wall_ns;
    struct hx_led_content content;
};

struct hx_led_send { /* head.seq: the CLIENT or PRODUCER span row (or a number of its own) */
    struct hx_led_record head;
    uint64_t request;
    uint64_t entry_seq;
    uint32_t to_op;        /* HTTP: operation of the callee's route; Kafka: UINT32_MAX */
    uint32_t topic;        /* Kafka: topic index; HTTP: UINT32_MAX */
    uint64_t mono_ns;
    struct hx_led_text traceparent; /* raw headers as sent */
    struct hx_led_text tracestate;
    struct hx_led_text baggage;
};

struct hx_led_send_close {
    struct hx_led_record head;
    uint64_t mono_ns;
    uint32_t outcome;
    int32_t status;        /* HTTP status, or librdkafka's error code */
    int32_t partition;     /* Kafka, else -1 */
    uint32_t reserved;
    int64_t offset;        /* Kafka, else -1 */
};

enum hx_led_baggage_what { HX_LED_BAGGAGE_SET = 1, HX_LED_BAGGAGE_READ };

struct hx_led_baggage { /* head.seq: the entry row */
    struct hx_led_record head;
    uint64_t request;
    uint32_t what;
    uint32_t found;        /* read: 1 if there was a value */
    struct hx_led_text name;
    struct hx_led_text value;
};

enum hx_led_load_flags {
    HX_LED_LOAD_WARMUP = 1,
    HX_LED_LOAD_PARENT_SAMPLED = 2,
    HX_LED_LOAD_PARENT_NOT_SAMPLED = 4
};

struct hx_led_load {
    struct hx_led_record head;
    uint64_t request;
    uint32_t op;           /* the route's operation */
    uint32_t reserved;
    uint64_t intended_mono_ns;
    uint64_t sent_mono_ns; /* 0 = never sent (see the close's outcome) */
    struct hx_led_text traceparent; /* as sent; absent = none */
};

struct hx_led_load_close {
    struct hx_led_record head;
    uint64_t end_mono_ns;
    uint32_t outcome;
    uint32_t http_status;
};

/* ---- drop record: INSTANCE.INCARNATION.drops, mapped, one fixed row a drop; cut after the last
 * row on a clean stop ------------------------------------------------------------------------- */

#define HX_DROP_MAGIC "TRDROPS1"

struct hx_drop_header { /* 64 bytes */
    char magic[8];
    uint32_t version;
    uint32_t process;
    uint64_t capacity;     /* rows that the file has room for */
    uint64_t count;        /* rows given out; those over capacity were not kept, but counted */
    uint64_t reserved[4];
};

enum hx_drop_reason {
    HX_DROP_QUEUE_FULL = 1,
    HX_DROP_EXPORT_FAILED,
    HX_DROP_REJECTED,
    HX_DROP_AFTER_SHUTDOWN,
    HX_DROP_NO_MEMORY
};

struct hx_drop_row { /* 40 bytes; reason stored last */
    uint8_t trace_id[16]; /* both ids of zeros: so many spans, which the SDK cannot name */
    uint8_t span_id[8];
    uint64_t mono_ns;
    uint32_t count;       /* spans; 0 = 1 */
    uint32_t reason;
};

#endif
