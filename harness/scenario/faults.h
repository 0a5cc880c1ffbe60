/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SCENARIO_FAULTS_H
#define HX_SCENARIO_FAULTS_H

#include "harness/scenario/scenario.h"

/*
 * Faults on a timeline: what is done to the fleet while the load runs, and when.
 *
 * Life      loaded with the scenario, read only, freed with it.
 * Threads   immutable; hx_scenario_adjust() changes the scenario it is given, whose owner calls it.
 * Limits    HX_MAX_FAULTS.
 *
 * A list that could not be carried out is refused by the loader: a time after the load, a process
 * that is already gone, one that is stopped and never continued, a restart of the embedded broker.
 */

enum { HX_MAX_FAULTS = 256 };

enum hx_fault_do {
    HX_FAULT_KILL,      /* SIGKILL */
    HX_FAULT_STOP,      /* SIGSTOP */
    HX_FAULT_CONTINUE,  /* SIGCONT */
    HX_FAULT_RESTART,   /* SIGTERM (unless it is gone already), then a new incarnation */
    HX_FAULT_REMOVE,    /* SIGTERM, and no new incarnation */
    HX_FAULT_SET,       /* change settings of the running process */
    HX_FAULT_SLOW,      /* a route takes longer */
    HX_FAULT_SQL,       /* a statement on the instance's own database, such as DROP INDEX */
    HX_FAULT_COLLECTOR, /* the collector misbehaves */
    HX_FAULT_BROKER     /* the embedded broker does */
};

/* By enum hx_fault_do. */
extern const char *const hx_fault_verbs[];

enum hx_collector_fault {
    HX_COLLECTOR_DELAY,  /* answers late */
    HX_COLLECTOR_STATUS, /* takes nothing, answers with a status */
    HX_COLLECTOR_STALL,  /* receives, never answers */
    HX_COLLECTOR_REFUSE, /* nobody listens, and open connections are reset */
    HX_COLLECTOR_OTHER   /* and on: as collector-mock/faults/fault.h has them, in its order */
};

enum hx_broker_fault {
    HX_BROKER_DOWN,  /* its connections are cut, nobody listens; it comes back with all it had */
    HX_BROKER_DELAY, /* answers late */
    HX_BROKER_ERROR  /* answers so many requests of a kind with an error */
};

/* Names and numbers of the protocol; DISCONNECT: the connection is cut instead. */
#define HX_BROKER_ERRORS(X)                                                                        \
    X(LEADER_NOT_AVAILABLE, 5) X(NOT_LEADER_OR_FOLLOWER, 6) X(REQUEST_TIMED_OUT, 7)                \
    X(MESSAGE_TOO_LARGE, 10) X(COORDINATOR_NOT_AVAILABLE, 15) X(NOT_COORDINATOR, 16)               \
    X(NOT_ENOUGH_REPLICAS, 19) X(REBALANCE_IN_PROGRESS, 27) X(FENCED_INSTANCE_ID, 82)              \
    X(DISCONNECT, -195)
#define HX_BROKER_ERROR_NAME(name, number) #name,

/* A figure that the runner learns about once a second. */
enum hx_watched {
    HX_WATCHED_SPANS_RECEIVED, /* by the collector */
    HX_WATCHED_HANDLED,        /* requests and messages that an instance has finished */
    HX_WATCHED_IN_HAND,        /* of an instance */
    HX_WATCHED_COMMITTED       /* messages whose offset an instance has committed */
};

struct hx_condition {
    enum hx_watched figure;
    const struct hx_service *service; /* NULL: the figure belongs to no instance */
    unsigned replica;
    bool or_equal;              /* >= and not > */
    double value;
};

/* services.NAME.PATH=VALUE, path and value as in --set. */
struct hx_setting {
    const char *path;
    const char *value;
};

struct hx_fault {
    const char *text;           /* "kill order-0": for people */
    const char *when;           /* the condition's text; NULL: at_ns counts */
    struct hx_condition condition;
    uint64_t at_ns;             /* from the start of the load, warm-up included */
    enum hx_fault_do what;
    const struct hx_service *service; /* NULL: the collector */
    unsigned first_replica, replica_count;
    uint64_t grace_ns;          /* restart, remove: from SIGTERM to SIGKILL */
    const struct hx_setting *settings; /* set, restart */
    size_t setting_count;
    bool together;              /* restart: no new process before all the old ones have ended, as
                                 * a setting is one that the whole group has in common; later
                                 * restarts keep it */
    const char *statement;      /* sql */
    const struct hx_agent *agent; /* which collector misbehaves; NULL: the recording one */
    enum hx_collector_fault collector;
    const json_t *with;         /* the collector's further settings of it; NULL: none */
    uint64_t delay_ns;          /* of an answer */
    unsigned status;
    uint64_t retry_after_ns;    /* 0 = the answer does not say */
    uint64_t for_ns;            /* 0 = to the end of the run */
    double probability;         /* of a request being hit */
    const struct hx_route *route; /* slow; delay_ns is what it takes longer */
    enum hx_broker_fault broker;
    int api;                    /* broker error: the requests' number in the protocol, */
    int error;                  /* theirs, */
    unsigned count;             /* and so many of them */
};

/* "delay", "status", "stall", "refuse"; "down", "delay", "error". */
const char *hx_collector_fault_word(enum hx_collector_fault fault);
const char *hx_broker_fault_word(enum hx_broker_fault fault);

/* Some fault is one of the collector's, or of this agent's. */
bool hx_scenario_troubles_collector(const struct hx_scenario *scenario,
                                    const struct hx_agent *agent);

/* A copy of a resolved tree with one setting of a service changed, without its faults. restart
 * says that a new process will read it. OTEL_ERR_ARGUMENT: nothing that can be changed so;
 * OTEL_ERR_SYNTAX: the value does not fit; *reterr says why. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_scenario_with(const json_t *tree, const char *service,
                                             const struct hx_setting *setting, bool restart,
                                             json_t **ret, struct otl_detail *reterr);

/* The members of a consumer group have it in common: its assignor. */
bool hx_setting_is_of_group(const struct hx_setting *setting);

/* Change what can be changed in a running process: delays and probabilities of steps, and
 * max_in_hand. Steps that are running keep what they drew. Errors as above. */
OTEL_MUST_USE enum otel_err hx_scenario_adjust(struct hx_scenario *scenario, const char *service,
                                               const struct hx_setting *setting,
                                               struct otl_detail *reterr);

#endif
