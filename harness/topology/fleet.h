/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_FLEET_H
#define HX_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "harness/topology/guardian.h"
#include "harness/topology/memory.h"
#include "sdk/base/buf.h"
#include "sdk/base/clock.h"

/*
 * Fleet: the children of one run and the loop that listens to them (control.h).
 *
 * Life      init -> add... -> pump until something is true -> stop. After stop the children's
 *           last words (final, exit) may still be read, until fini.
 * Threads   one owner; must be started before the process has other threads (it forks).
 * Limits    HX_FLEET_CHILDREN; a control line is at most HX_CONTROL_LINE_MAX bytes, the log of a
 *           program of somebody else's HX_FOREIGN_LOG_BYTES.
 */

enum { HX_FLEET_CHILDREN = 512, HX_GUARDIAN_GONE = 1000, /* interrupts when it was killed */
       HX_CHILD_MEMBERSHIP = 10000,
       HX_FOREIGN_LOG_BYTES = 16 << 20 }; /* of what a program of somebody else's says; output.h */

enum hx_role {
    HX_ROLE_SERVICE,
    HX_ROLE_BROKER,
    HX_ROLE_COLLECTOR,
    HX_ROLE_LOAD,
    HX_ROLE_RELAY,
    HX_ROLE_FOREIGN /* somebody else's program: it knows nothing of control.h */
};

struct hx_child {
    enum hx_role role;
    uint32_t id;           /* index in the fleet */
    char name[128];        /* instance: "order-0", "collector", "broker", "load" */
    unsigned service;      /* index in the scenario, for a service */
    unsigned replica;      /* likewise */
    unsigned incarnation;  /* 0 = started with the run */
    unsigned process;      /* number in the ledger, 0 = none */
    pid_t pid;
    int fd;                /* our end of the control channel; -1 = closed */
    struct otl_buf input;
    unsigned seen;         /* bits of enum hx_event_bit, cleared by whoever waits again */
    unsigned port;         /* service: from "bound" */
    char address[128];     /* broker: bootstrap */
    json_t *ready;         /* the whole "ready" object, or NULL */
    json_t *progress;      /* the latest one, or NULL */
    json_t *final;         /* "finished" of the load client, "stopped" of a service, or NULL */
    json_t *membership;    /* service: array of its "membership" events, or NULL */
    char version[65];      /* service.version, "" = none */
    json_t *places;        /* relay: array of "bound", or NULL */
    json_t *served;        /* relay: the latest "served" by instance, or NULL */
    json_t *marked;        /* service: the first "marked", when the warm-up was over, or NULL */
    json_t *marked_end;    /* ... and the next, when the load was, or NULL */
    json_t *acted;         /* collector, broker: array of its "acted" events, or NULL */
    char fault[256];       /* text of a "fault" event, or "" */
    bool exited;
    bool exit_expected;    /* it was asked to stop */
    bool ended_by_fault;   /* killed, or stopped in a way that closes no ledger */
    bool death_noted;      /* the runner has told it */
    bool gone_told;        /* ... and the relay knows of it */
    bool late;             /* it was not idle in time */
    struct hx_memory memory;      /* when it was looked at last; foreign ones never are */
    struct hx_memory memory_most; /* of each part the largest seen */
    uint64_t exit_mono_ns;
    struct hx_child_exit exit;
};

enum hx_event_bit {
    HX_SEEN_BOUND = 1,
    HX_SEEN_READY = 2,
    HX_SEEN_PROGRESS = 4,
    HX_SEEN_FINISHED = 8,
    HX_SEEN_IDLE = 16,
    HX_SEEN_FLUSHED = 32,
    HX_SEEN_STOPPED = 64,
    HX_SEEN_ACTED = 128
};

struct hx_fleet {
    struct hx_guardian guardian;
    struct hx_child children[HX_FLEET_CHILDREN];
    size_t count;
    int signal_fd;         /* SIGINT, SIGTERM, SIGHUP */
    unsigned interrupts;   /* how often one of them came */
    void (*tick)(void *state); /* about once a second while pumping; may be NULL */
    void *tick_state;
    uint64_t next_tick_ns;
    uint64_t next_due_ns;  /* set by the owner; a pump never sleeps beyond it; 0 = none */
    uint64_t (*turn)(void *state); /* before every look at the condition; returns when it wants the
                                    * next one (monotonic, 0 = whenever something happens); may be
                                    * NULL. May add children. */
    void *turn_state;
};

struct hx_child_options {
    enum hx_role role;
    const char *name;
    unsigned service;
    unsigned replica;
    unsigned incarnation;
    unsigned process;
    const char *const *argv;
    const char *const *env; /* "NAME=value", ends with NULL; NULL: the control fd's alone */
    const char *directory;
    const char *log;
};

OTEL_MUST_USE enum otel_err hx_fleet_init(struct hx_fleet *fleet, struct otl_detail *reterr);

OTEL_MUST_USE enum otel_err hx_fleet_add(struct hx_fleet *fleet,
                                         const struct hx_child_options *options,
                                         struct hx_child **ret, struct otl_detail *reterr);

/* One line to the child; message is consumed. A child that is gone is not an error here: its exit
 * says so. */
void hx_fleet_tell(struct hx_child *child, json_t *message);

typedef bool hx_condition_fn(struct hx_fleet *fleet, void *state);

/* Handle events until condition is true. OTEL_ERR_TIMEOUT: not within limit_ns. OTEL_ERR_CLOSED:
 * more interrupts came than allowed. */
OTEL_MUST_USE enum otel_err hx_fleet_pump(struct hx_fleet *fleet, hx_condition_fn *condition,
                                          void *state, uint64_t limit_ns,
                                          unsigned interrupts_allowed);

/* Kill and reap everything that is left. */
void hx_fleet_stop(struct hx_fleet *fleet);
void hx_fleet_fini(struct hx_fleet *fleet);

/* "exit 0", "killed by signal 9", "running"; returns out. */
const char *hx_child_exit_text(const struct hx_child *child, char *out, size_t size);

#endif
