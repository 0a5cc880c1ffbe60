/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_RELAY_PARTS_H
#define HX_RELAY_PARTS_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "harness/ledger/writer.h"
#include "harness/relay/http.h"
#include "harness/relay/relay.h"
#include "harness/scenario/foreign.h"
#include "sdk/base/buf.h"

/* The inside of the relay, one file a concern. Private to harness/relay. */

/* ---- join.c: which entry does a call belong to? --------------------------------------------- */

struct hx_relay_entry {
    uint64_t seq; /* of the ENTRY row; 0 = an empty place */
    uint64_t request;
    uint64_t caller_seq;
    bool open;
    char key[HX_RELAY_KEY_MAX]; /* "" = none */
};

struct hx_relay_memory { /* a ring; the newest are remembered */
    struct hx_relay_entry *entries;
    size_t next;
};

OTEL_MUST_USE enum otel_err hx_relay_memory_init(struct hx_relay_memory *memory);
void hx_relay_memory_fini(struct hx_relay_memory *memory);
/* Copies; an older one is forgotten. */
void hx_relay_remember(struct hx_relay_memory *memory, const struct hx_relay_entry *entry);
/* NULL: forgotten. */
struct hx_relay_entry *hx_relay_recall(struct hx_relay_memory *memory, uint64_t seq);
/* What one call says of itself. */
struct hx_relay_caller {
    bool has_request; /* it carries tracerig-request */
    uint64_t request;
    uint64_t caller_seq;
    char key[HX_RELAY_KEY_MAX];
};
struct hx_relay_node;
struct hx_relay_bridge; /* bridge.h */
/* Of a call that came out of a replica; NULL: nobody can say. */
const struct hx_relay_entry *hx_relay_join(const struct hx_relay_node *node,
                                           const struct hx_relay_caller *caller);
/* Of a message that the service wrote; which replica did is not known. */
const struct hx_relay_entry *hx_relay_join_message(const struct hx_relay_bridge *bridge,
                                                   const struct hx_relay_caller *caller);
/* A top-level or dotted field of a JSON body as text; false: there is none, or it is too long. */
bool hx_relay_json_key(const char *body, size_t len, const char *path,
                       char out[HX_RELAY_KEY_MAX]);
bool hx_relay_text_key(struct otl_view text, char out[HX_RELAY_KEY_MAX]);

/* ---- rows.c: what is written ---------------------------------------------------------------- */

#define HX_RELAY_REQUEST_HEADER "tracerig-request"
enum { HX_RELAY_REQUEST_LEN = 33 };

bool hx_relay_request_read(struct otl_view value, uint64_t *ret_request, uint64_t *ret_seq);
void hx_relay_request_write(uint64_t request, uint64_t seq, char out[HX_RELAY_REQUEST_LEN + 1]);
/* The head with tracerig-request set to value: the rest byte for byte. */
OTEL_MUST_USE enum otel_err hx_relay_rewrite(const char *raw, const struct hx_relay_head *head,
                                             const char *value, struct otl_buf *out);

struct hx_relay_texts { /* the propagation headers, several of a name joined by \n */
    struct otl_buf traceparent, tracestate, baggage;
};
void hx_relay_texts_init(struct hx_relay_texts *texts);
void hx_relay_texts_fini(struct hx_relay_texts *texts);
struct hx_led_headers hx_relay_texts_of(struct hx_relay_texts *texts,
                                        const struct hx_relay_head *head);

/* ---- relay.c -------------------------------------------------------------------------------- */

struct hx_relay_link;

struct hx_relay_target { /* where calls to one service go, in turn */
    const struct hx_service *service;
    uint16_t ports[HX_MAX_REPLICAS];
    size_t count, turn;
};

struct hx_relay_node { /* one replica of somebody else's program */
    struct hx_relay *relay;
    struct hx_relay_replica replica;
    char *instance;
    struct hx_led_writer *ledger;
    struct hx_relay_memory memory;
    int holder;                  /* keeps the port */
    uint16_t port;
    bool served;                 /* the program is there */
    bool gone;                   /* it has left */
    uint64_t unanswered;         /* requests given up */
    size_t in_hand;
    uint64_t handled;
    uint64_t *slow_ns;           /* by route: what it takes longer */
    bool later;                  /* a later process of this replica */
    struct hx_relay_link *first_waiting, *last_waiting; /* for max_in_flight */
    struct event *resume;        /* lets the first one of them in */
    struct bufferevent *knock;   /* probe.c */
    struct event *again;
    uint64_t deadline_ns;
    unsigned last_status;
};

struct hx_relay_gate {
    struct hx_relay_node *node;
    const struct hx_service *to; /* whose routes are asked for */
    bool front;                  /* in front of the node; else behind it */
    struct evconnlistener *listener;
};

enum { HX_RELAY_GATES = 4096, HX_RELAY_NODES = 256 };

struct hx_relay {
    struct hx_relay_options options;
    struct hx_relay_node *nodes[HX_RELAY_NODES];
    size_t node_count;
    struct hx_relay_bridge *bridges[HX_MAX_SERVICES];
    size_t bridge_count;
    struct hx_relay_gate *gates[HX_RELAY_GATES];
    size_t gate_count;
    struct hx_relay_target targets[HX_MAX_SERVICES];
    struct hx_relay_link *links;
    size_t link_count;
    struct hx_relay_counts counts;
    struct hx_relay_texts texts;
    struct hx_relay_head head; /* of the message that is being read */
    struct event *second;      /* a look at the ledgers and the listeners */
    bool faulted;              /* a ledger; told once */
    bool told_ready;
};

/* Nothing is told twice. */
void hx_relay_is_ready(struct hx_relay *relay);
void hx_relay_trouble(struct hx_relay *relay, uint64_t *counter, const struct hx_relay_gate *gate,
                      const char *why, struct otl_view what);

/* ---- probe.c: does the program serve its port? ---------------------------------------------- */

OTEL_MUST_USE enum otel_err hx_relay_knock(struct hx_relay_node *node);
void hx_relay_knock_end(struct hx_relay_node *node);

/* ---- link.c, exchange.c: one connection and its partner ------------------------------------- */

struct hx_relay_exchange {
    bool active;         /* from the request's head to the end of its answer */
    bool head_sent;      /* the request's head was forwarded */
    bool answering;      /* the head of the final answer was forwarded */
    bool to_head;        /* a HEAD request */
    bool has_row;
    struct hx_relay_body request, response;
    uint64_t seq;        /* of its ENTRY or SEND row */
    uint64_t begun_ns;   /* monotonic */
    unsigned status;
    bool held;           /* a call whose head waits until its key is known */
    bool delayed;        /* it has waited: its route is slow */
    struct hx_relay_caller caller;
};

struct hx_relay_link {
    struct hx_relay_gate *gate;
    struct hx_relay_link *next, *before;
    struct hx_relay_link *next_waiting;
    bool waiting;
    bool last;           /* who asks has said its last word, but listens */
    bool closing;        /* after what is left for the client has gone out */
    struct bufferevent *down; /* who asks */
    struct bufferevent *up;   /* who is asked; NULL: not yet */
    struct event *later;      /* end of a delay; NULL: there was none */
    struct hx_relay_exchange now;
    struct otl_buf key_body;
};

void hx_relay_accept(struct evconnlistener *listener, evutil_socket_t fd,
                     struct sockaddr *address, int len, void *gate);
/* A connection cannot be accepted, for want of a descriptor, and the loop would be told again and
 * again: the listener rests until the second is over. */
void hx_relay_shortage(struct evconnlistener *listener, void *gate);
void hx_relay_link_free(struct hx_relay_link *link);
/* Nothing comes any more; what is under way to the client still goes out. */
void hx_relay_link_close(struct hx_relay_link *link);
/* The partner's connection, made when it is not there. False: it cannot be. */
bool hx_relay_link_connect(struct hx_relay_link *link);
/* Stop reading from the one whose bytes the other does not take. */
void hx_relay_link_flow(struct hx_relay_link *link);
/* The end of every callback: a link that is done with goes. */
void hx_relay_link_settle(struct hx_relay_link *link);
/* max_in_flight: to the end of the queue; the first one of it goes on. */
void hx_relay_link_wait(struct hx_relay_link *link);
void hx_relay_link_resume(struct hx_relay_node *node);
/* A slow route: on_request_bytes() comes again after so long. False: no memory. */
bool hx_relay_link_delay(struct hx_relay_link *link, uint64_t ns);

/* exchange.c: bytes came. The link may be closing afterwards. */
void hx_relay_on_request_bytes(struct hx_relay_link *link);
void hx_relay_on_response_bytes(struct hx_relay_link *link);
/* The asked one has closed. */
void hx_relay_on_response_end(struct hx_relay_link *link);
/* The exchange ends here, whatever became of it; its rows are closed. */
void hx_relay_exchange_end(struct hx_relay_link *link, enum hx_led_outcome outcome);

#endif
