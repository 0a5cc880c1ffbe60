/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CLI_REQUEST_H
#define HX_CLI_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "harness/cli/scenarios.h"
#include "harness/cli/set.h"
#include "harness/gate/compare.h"
#include "harness/scenario/scenario.h"
#include "harness/topology/facts.h"
#include "harness/topology/run.h"
#include "sdk/base/detail.h"
#include "sdk/base/opts.h"

/*
 * Request: what was asked of tracerig run, shared by its parts: the command and its set (run.c),
 * one run from the file to its page (run_once.c), a run's directory (run_dir.c), its report
 * (verdict.c).
 *
 * Life      filled by the command; good as long as argv.
 * Threads   one owner; one run at a time.
 */

enum { HX_RUN_PATH = 4096, HX_RUN_DIR = 3072 };

struct hx_request {
    int argc;
    char **argv;
    const char *out;
    const char *repeat;
    const char *baseline;
    struct hx_runs before; /* what --baseline names */
    struct hx_scenario_cli scenario;
    struct hx_scenario_options loading;
    struct otl_opt_list collector_options, agent_options;
    bool json;
    bool page; /* of a single run, too */
    bool quiet;
    uint64_t repeats;
    struct hx_set set; /* of several runs, or of one with a page */
    char error[900];   /* why the last run has no report, or "" */
    char tracerig[HX_RUN_PATH];
    char collector[HX_RUN_PATH];
    struct hx_scenario_files files;
};

/* Tell it on stderr, "what: detail", and keep it in request->error. Returns status. */
int hx_request_fail(struct hx_request *request, const char *what, const struct otl_detail *detail,
                    int status);

/* run_once.c: one run of a file, from its directory to its report; the exit status. nth: of the
 * repeats, from 1, or 0. */
int hx_run_once(struct hx_request *request, const char *file, unsigned nth);

/* run_dir.c: the run's own directory, made and without a report; its files. OTEL_ERR_ARGUMENT (it
 * holds a report), _IO, _LIMIT, _MEMORY, with *detail filled. */
OTEL_MUST_USE enum otel_err hx_run_dir_choose(const struct hx_request *request,
                                              const struct hx_scenario *scenario, unsigned nth,
                                              char *dir, size_t size, struct otl_detail *detail);
OTEL_MUST_USE enum otel_err hx_run_dir_write(const char *dir, const char *name, const void *data,
                                             size_t len, struct otl_detail *detail);
OTEL_MUST_USE enum otel_err hx_run_dir_write_tree(const char *dir, const char *name,
                                                  const json_t *tree, struct otl_detail *detail);
OTEL_MUST_USE enum otel_err hx_run_dir_write_scenario(const char *dir,
                                                      const struct hx_scenario *scenario,
                                                      struct otl_detail *detail);

/* verdict.c: report.json of a run that is over: facts, every check, overhead, thresholds, baseline,
 * verdict and exit status. before: the machine's CPU times when it began. */
OTEL_MUST_USE enum otel_err hx_verdict_of(const struct hx_request *request,
                                          const struct hx_run *run,
                                          const struct hx_cpu_times *before, const char *file,
                                          json_t **ret, struct otl_detail *detail);

#endif
