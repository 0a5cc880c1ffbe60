/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_FACTS_H
#define HX_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

#include "collector-mock/wire/tap.h"
#include "harness/ledger/reader.h"
#include "harness/scenario/scenario.h"
#include "harness/verify/facts/table.h"
#include "sdk/base/detail.h"

/*
 * Facts: what the ledger, the drop records and the tap of one run say, joined by identity
 * (tracerig.seq and ids, never by counts). Nothing is judged here.
 *
 * Life      hx_facts_load() -> read, and let the judges fill fate and trace verdicts ->
 *           hx_facts_free().
 * Threads   one owner.
 * Memory    rows are compact and point into the mapped files: about 48 bytes a span started, 88 a
 *           span received, 36 in tables. Row numbers are 32 bit; HX_NONE = no such row.
 * Limits    HX_NONE - 1 rows of a kind.
 */

/* ---- what the player thinks of a span, and what became of it --------------------------------- */

enum hx_opinion { /* drop reasons in the order of enum hx_drop_reason */
    HX_OPINION_UNKNOWN,
    HX_OPINION_QUEUE_FULL,
    HX_OPINION_EXPORT_FAILED,
    HX_OPINION_REJECTED,
    HX_OPINION_AFTER_SHUTDOWN,
    HX_OPINION_NO_MEMORY,
    HX_OPINION_NOT_RECORDED,
    HX_OPINION_RECORD_ONLY,
    HX_OPINION_OPEN,
    HX_OPINION_ACKNOWLEDGED, /* the player counts it as exported */
    HX_OPINION_COUNTED,      /* the player counts it as dropped, but does not name it */
    HX_OPINION_AGENT,        /* acknowledged by an agent, which counts it as dropped */
    HX_OPINIONS
};

enum hx_fate {
    HX_FATE_UNJUDGED,
    HX_FATE_NOT_RECORDED,
    HX_FATE_RECORD_ONLY,
    HX_FATE_OPEN_AT_END,
    HX_FATE_DELIVERED,
    HX_FATE_ALTERED,
    HX_FATE_LOST, /* explained: the opinion is the reason */
    HX_FATE_KILLED,
    HX_FATE_LOST_AFTER_ACK,
    HX_FATE_UNEXPLAINED,
    HX_FATES
};

/* What differs between what was asked for and what arrived. */
enum hx_altered {
    HX_ALTERED_NAME = 1,
    HX_ALTERED_ATTRIBUTES = 2,
    HX_ALTERED_EVENTS = 4,
    HX_ALTERED_LINKS = 8,
    HX_ALTERED_STATUS = 16,
    HX_ALTERED_IDS = 32,
    HX_ALTERED_KIND = 64,
    HX_ALTERED_PARENT = 128,
    HX_ALTERED_FLAGS = 256
};

enum { HX_ALTERED_CONTENT = 31 };

/* ---- rows ----------------------------------------------------------------------------------- */

enum hx_root_sampler { HX_ROOT_UNKNOWN, HX_ROOT_ON, HX_ROOT_OFF, HX_ROOT_RATIO };

/* Which trace ids a ratio keeps; judge/ratio.h has the rules. */
enum hx_ratio_rule {
    HX_RULE_GO, /* and Rust: traceidratio */
    HX_RULE_JAVA,
    HX_RULE_DOTNET,
    HX_RULE_CPP,
    HX_RULE_JS,
    HX_RULE_PROBABILITY,
    HX_RULES
};

struct hx_fact_process {
    uint32_t number;
    const struct hx_led_process *open;        /* NULL: its row is missing */
    const struct hx_led_process_close *close; /* NULL: it did not stop cleanly */
    const struct hx_service *service;         /* NULL: the load client, or unknown */
    char *instance;
    char *sampler;                            /* "parentbased_traceidratio 0.05" */
    enum hx_root_sampler root;
    bool parent_based;
    enum hx_ratio_rule rule;
    double ratio;
    int64_t wall_offset_ns;                   /* wall - mono, of its first segment */
    const struct hx_led_drops *drops;         /* NULL: none */
    uint64_t tap_requests;                    /* in which its spans arrived */
    uint64_t tap_bytes;
    uint64_t tap_rejected;                    /* that answers of partial success refused */
    uint64_t drops_named[HX_DROP_NO_MEMORY + 1];   /* spans in its drop record, by reason */
    uint64_t drops_unnamed[HX_DROP_NO_MEMORY + 1]; /* of which it has only the number */
};

struct hx_fact_span {
    const struct hx_led_span *open;
    const struct hx_led_span_close *close; /* NULL: not ended */
    uint32_t process;
    uint32_t trace;
    uint32_t next_in_trace;
    uint32_t entry;
    uint32_t parent;   /* local */
    uint32_t received; /* first receipt, HX_NONE: not received */
    uint16_t altered;  /* enum hx_altered of the first receipt */
    uint8_t opinion;
    uint8_t fate;
    uint8_t hop; /* number (from 1) of what is wrong with a hop from or to it; 0: nothing */
};

struct hx_fact_entry {
    const struct hx_led_entry *open;
    const struct hx_led_entry_close *close;
    uint32_t process;
    uint32_t span; /* its SERVER or CONSUMER span */
    uint32_t send; /* the caller's */
    uint32_t load; /* the load client's request, when it was the caller */
    uint32_t baggage; /* last baggage row */
    uint32_t first; /* of a batch: the entry of its first message, which has the span; HX_NONE */
    bool linked;   /* a received link of its span names the sender's context */
    bool again;    /* this message was handled before in the same group */
};

struct hx_fact_send {
    const struct hx_led_send *open;
    const struct hx_led_send_close *close;
    uint32_t process;
    uint32_t entry;    /* HX_NONE: nobody knows (a service without ledger) */
    uint32_t span;     /* the CLIENT or PRODUCER span */
    uint32_t arrivals; /* HTTP: entries; Kafka: groups that handled it to the end */
    uint32_t baggage;  /* last baggage row of its entry at that time */
};

struct hx_fact_load {
    const struct hx_led_load *open;
    const struct hx_led_load_close *close;
    uint32_t entry;
};

struct hx_fact_baggage {
    const struct hx_led_baggage *row;
    uint32_t before; /* earlier row of the same entry */
    uint32_t entry;
};

enum hx_received_flags {
    HX_RECEIVED_HAS_LINKS = 2,
    HX_RECEIVED_NO_SEQ = 4,       /* joined by ids */
    HX_RECEIVED_STATUS_ERROR = 8,
    HX_RECEIVED_EXPORTED = 16, /* by the exporter that is looked at */
    HX_RECEIVED_FOREIGN = 32  /* of a service without ledger, asked for by none */
};

struct hx_fact_received {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t parent_span_id[8];
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t seq;     /* tracerig.seq, 0 = none */
    uint32_t span;    /* HX_NONE: nobody started it */
    uint32_t request; /* tap request */
    uint32_t resource;
    uint32_t next;    /* another receipt of the same span */
    uint32_t trace_flags;
    uint16_t altered;
    uint8_t flags;
    uint8_t kind;
};

struct hx_fact_request { /* of the tap */
    uint64_t life;
    uint64_t number;
    uint64_t mono_ns;
    uint64_t answered_ns; /* 0: never */
    uint64_t rejected;
    uint32_t status;      /* HTTP, or the grpc-status */
    uint32_t spans;
    uint32_t process;     /* of its first span */
    uint32_t same;        /* the first request of the same bytes; the next six are of that one: */
    uint32_t times;       /* so many requests have these bytes */
    uint32_t acked;       /* of them, so many were answered with success */
    uint32_t exported;    /* so often they stand behind the pipeline, by one exporter */
    bool partial;         /* an answer of success rejected some: then spans are counted, */
    uint64_t due;         /* ... so many were taken */
    uint64_t found;       /* ... so many stand behind the pipeline one by one, or are unknown */
    bool success;         /* answered with 2xx, or with grpc-status 0 */
    bool unsent;          /* the answer did not leave */
    bool undecodable;
    struct otl_view body;
};

struct hx_fact_resource {
    struct otl_view raw;
    struct otl_view service;
    struct otl_view instance;
    uint64_t sum;       /* canon.h, without telemetry.sdk.* */
    bool sdk_named;     /* telemetry.sdk.name, .language and .version are there */
    uint32_t process;   /* of the first span that carried it */
    const struct hx_service *foreign; /* of a service without ledger; NULL: of another */
};

struct hx_fact_trace {
    uint32_t first;     /* span; next_in_trace leads on */
    uint32_t spans;     /* executions */
    uint32_t sampled;
    uint32_t received;
    uint8_t flags;      /* enum hx_trace_flags */
};

enum hx_trace_flags {
    HX_TRACE_BROKEN = 1,
    HX_TRACE_PARTIAL = 2, /* by sampling: some spans sampled, others not */
    HX_TRACE_ORPHANED = 4,
    HX_TRACE_MISSING = 8, /* nothing of it arrived */
    HX_TRACE_COMPLETE = 16,
    HX_TRACE_INCOMPLETE = 32 /* by loss: a sampled span did not arrive */
};

struct hx_facts {
    const struct hx_scenario *scenario;
    struct hx_led_reader *ledger;
    struct col_tap_reader tap;
    bool tap_open;

    struct hx_fact_process *processes;
    size_t process_count, process_cap;
    struct hx_fact_span *spans;
    size_t span_count, span_cap;
    struct hx_fact_entry *entries;
    size_t entry_count, entry_cap;
    struct hx_fact_send *sends;
    size_t send_count, send_cap;
    struct hx_fact_load *loads;
    size_t load_count, load_cap;
    struct hx_fact_baggage *baggage;
    size_t baggage_count, baggage_cap;
    struct hx_fact_received *received;
    size_t received_count, received_cap;
    struct hx_fact_request *requests;
    size_t request_count, request_cap;
    struct hx_fact_resource *resources;
    size_t resource_count, resource_cap;
    struct hx_fact_trace *traces;
    size_t trace_count, trace_cap;

    struct hx_fact_agent *agents; /* agents.h; as many as the scenario has */
    struct hx_fact_taken *taken;
    size_t taken_count, taken_cap;
    uint32_t *taken_first; /* of each span; NULL: the scenario has no agents */

    struct hx_table span_by_seq, span_by_ids, entry_by_seq, send_by_seq, load_by_request;
    struct hx_table trace_by_id;
    struct hx_table foreign_by_id;     /* received rows, by span id */
    struct hx_table foreign_by_parent; /* likewise, by hx_facts_tie_key() of their parents, */
    struct hx_table foreign_by_link;   /* and of what their links name; as many as rows */

    uint64_t dangling;        /* ledger rows that close or name a row that is not there */
    uint64_t same_ids;        /* ledger spans whose span id another one has */
    uint64_t tap_undecodable; /* requests */
    uint64_t drops_unknown;   /* drop rows that name a span which nobody started */
    bool tap_torn, tap_damaged;
};

/* dir: the run directory. What cannot be read at all is an error; what is damaged is recorded in
 * the facts. OTEL_ERR_NOT_FOUND: no ledger directory. A missing tap is a tap without records. */
OTEL_MUST_USE enum otel_err hx_facts_load(const char *dir, const struct hx_scenario *scenario,
                                          struct hx_facts **ret, struct otl_detail *reterr);
void hx_facts_free(struct hx_facts *facts);

/* The span with these ids, HX_NONE if there is none. */
uint32_t hx_facts_span_by_ids(const struct hx_facts *facts, const uint8_t trace_id[16],
                              const uint8_t span_id[8]);
/* "order"; "load" for the load client, "?" when unknown. */
const char *hx_facts_service(const struct hx_facts *facts, uint32_t process);
/* Its service has tracing switched off: the API without SDK makes no spans of its own, its rows are
 * left out, and the context that came in is passed on. */
bool hx_facts_untraced(const struct hx_facts *facts, uint32_t process);
/* Its service is somebody else's program: its rows are the relay's. */
bool hx_facts_foreign(const struct hx_facts *facts, uint32_t process);
/* The service without ledger of this name; NULL: there is none. */
const struct hx_service *hx_facts_foreign_named(const struct hx_scenario *scenario,
                                                struct otl_view name);
/* A span of such a service with these ids; under them, or linked to them; HX_NONE. */
uint32_t hx_facts_foreign_span(const struct hx_facts *facts, const uint8_t trace_id[16],
                               const uint8_t span_id[8]);
/* Of this service: several may have read the same message. */
uint32_t hx_facts_foreign_child(const struct hx_facts *facts, const struct hx_service *service,
                                const uint8_t trace_id[16], const uint8_t parent_span_id[8]);
uint32_t hx_facts_foreign_linked(const struct hx_facts *facts, const struct hx_service *service,
                                 const uint8_t trace_id[16], const uint8_t span_id[8]);
/* The key of both. */
uint64_t hx_facts_tie_key(const struct hx_service *service, const uint8_t trace_id[16],
                          const uint8_t span_id[8]);
/* The span that a received row is of, by tracerig.seq or, without one, by its ids (flagged). */
uint32_t hx_facts_find_span(const struct hx_facts *facts, struct hx_fact_received *row);
/* A record of a tap that is a request with readable spans; its row, zeroed before; the answer. */
bool hx_facts_is_request(const struct col_tap_record *record);
void hx_facts_request_init(struct hx_fact_request *request, const struct col_tap_record *record);
void hx_facts_answered(struct hx_fact_request *request, const struct col_tap_record *record);
/* Row of the process that made this seq, HX_NONE. */
uint32_t hx_facts_process_of_seq(const struct hx_facts *facts, uint64_t seq);
bool hx_facts_sampled(const struct hx_fact_span *span);
/* Name of the operation, "?" when the number is none. */
const char *hx_facts_op_name(const struct hx_facts *facts, uint32_t op);
/* Request that the span belongs to was part of the warm-up. */
bool hx_facts_warmup(const struct hx_facts *facts, uint64_t request);

/* ---- steps of loading, one file each --------------------------------------------------------- */

enum otel_err hx_facts_read_ledger(struct hx_facts *facts, const char *dir,
                                   struct otl_detail *reterr);
enum otel_err hx_facts_link(struct hx_facts *facts);
void hx_facts_read_drops(struct hx_facts *facts);
enum otel_err hx_facts_read_tap(struct hx_facts *facts, const char *dir,
                                struct otl_detail *reterr);

#endif
