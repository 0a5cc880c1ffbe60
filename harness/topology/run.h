/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_RUN_H
#define HX_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "harness/scenario/faults.h"
#include "harness/topology/fleet.h"

/*
 * Run: one scenario from the first process to the last: start, ready, warm-up, measure, drain,
 * stop. Judging and reporting follow from the files it leaves.
 *
 * Life      hx_run_execute() fills the run -> hx_run_facts() -> hx_run_fini().
 * Threads   one owner; the process must have no other thread when execute is called.
 * Limits    every phase has a deadline (HX_LIMIT_...); what is not done by then is named.
 *
 * Whatever way it ends, no child is left. The first interrupt ends the load, or the drain, early;
 * the next one ends the run at once.
 */

struct hx_run_options {
    const struct hx_scenario *scenario;
    const char *dir;        /* exists; the run's files go below it */
    const char *tracerig;   /* path of this program */
    const char *collector;  /* path of collector-mock */
    const char *const *collector_options; /* added to its command line; NULL-terminated, or NULL */
    const char *const *agent_options; /* the same of every agent's */
    const char *const *service_prefix; /* put before each of our services' command lines, such as
                             * valgrind's; NULL-terminated, or NULL */
    uint64_t patience_ns;   /* how long the drain, and then each process's stop, may take;
                             * 0 = 30 s, or up to 120 s while something is still being handled,
                             * and 15 s; less than 15 s: the collector's last figures get 0.5 s */
    bool marks;             /* ask the services for their counters when the warm-up is over, and
                             * when the load is */
    bool quiet;             /* no progress */
    bool live;              /* progress is one refreshing line, for a terminal */
    int progress_fd;
};

enum { HX_RUN_PHASES = 6, HX_RUN_POINTS = 100000 };

struct hx_phase {
    const char *name;       /* as in the schema of report.json */
    uint64_t start_ns;      /* monotonic */
    uint64_t end_ns;        /* 0 = not ended */
};

/* A service's way from one incarnation to the next. */
struct hx_restart {
    const struct hx_fault *fault;
    struct hx_child *old;   /* NULL: it has exited and the new one was started */
    struct hx_child *young; /* NULL: not yet */
    bool unready;           /* the old one is to be ready before it is asked to stop */
    uint64_t limit_ns;      /* SIGKILL for the old one, or despair of the young one */
    size_t event;           /* of run.events */
};

enum { HX_RUN_RESTARTS = 256 };

struct hx_run {
    struct hx_run_options options;
    struct hx_fleet fleet;
    struct hx_child *load;
    struct hx_child *collector;
    struct hx_child *agents[HX_MAX_AGENTS]; /* in the order of the scenario; NULL: not started */
    struct hx_child *broker;
    struct hx_child *relay; /* NULL: no service has a command */
    struct hx_phase phases[HX_RUN_PHASES];
    size_t phase_count;
    uint64_t started_wall_ns;
    uint64_t started_mono_ns;
    uint64_t load_start_ns; /* monotonic; 0 = the load never began */
    uint64_t load_end_ns;
    bool interrupted;
    char fault[640];        /* what failed in the environment meanwhile; "" = nothing: a run with
                             * one has no verdict */
    unsigned interrupts;    /* how many signals were answered so far */
    bool hurry;             /* interrupted while stopping: kill what is left */
    bool deserted;          /* a service of which no process is left, by its own doing: the load
                             * ends, as nothing more can be found out */
    json_t *series;         /* array, as in report.json */
    json_t *events;         /* array, as in report.json: faults, and what came of them */
    bool done[HX_MAX_FAULTS]; /* faults that have been begun */
    uint64_t slow_until_ns[HX_MAX_FAULTS]; /* of slow routes; 0 = not slow, or to the end */
    struct hx_restart restarts[HX_RUN_RESTARTS];
    size_t restart_count;   /* under way */
    const struct hx_fault *regrouped[HX_MAX_SERVICES]; /* the last one that changed what a service's
                                                        * group has in common; NULL: none */
    int ports[HX_FLEET_CHILDREN]; /* held for services, so that a restart finds its own free */
    size_t port_count;
    unsigned next_process;  /* number in the ledger of the next process */
    json_t *incidents;      /* array of {"id","text","service"}: what went wrong with a process */
    char collector_metrics[64]; /* HOST:PORT, "" = none */
    char otlp[64];          /* HOST:PORT of OTLP/HTTP */
    char otlp_grpc[64];     /* of OTLP/gRPC, "" = none */
    uint64_t spans_received; /* by the collector's metrics, last reading */
};

/* OTEL_OK: the run took place (maybe interrupted, maybe with incidents): it can be judged.
 * Otherwise the environment failed (*reterr says how) and there is no verdict. */
OTEL_MUST_USE enum otel_err hx_run_execute(struct hx_run *run,
                                           const struct hx_run_options *options,
                                           struct otl_detail *reterr);
void hx_run_fini(struct hx_run *run);

#endif
