/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TESTS_RIG_H
#define COL_TESTS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "collector-mock/wire/tap.h"
#include "sdk/base/buf.h"

/*
 * A collector-mock process for tests, with a directory of its own and a client made of a socket.
 *
 * Failures of the rig itself fail the test at once. Every wait is bounded.
 */

enum { RIG_WAIT_MS = 60000 };

struct rig {
    char dir[64];
    char config[128]; /* dir/config.yaml */
    char tap[128];    /* dir/tap.bin */
    char log[128];    /* dir/log: both outputs */
    char ready[4096]; /* the ready line */
    pid_t pid;
    char record[128]; /* dir/faults.jsonl: what faults did */
    int control;      /* our end of the control channel; 0: none */
    const char *more; /* a further option of rig_start, or NULL */
    unsigned long file_limit; /* RLIMIT_FSIZE of the process; 0: none. Set before rig_start. */
};

/* A private directory; call first. */
void rig_init(struct rig *rig);
/* For a case of a test: *state is a rig, made and removed. */
int rig_setup(void **state);
int rig_teardown(void **state);
/* Write dir/config.yaml; "DIR/" in the text, where a path begins, stands for the directory. */
void rig_config(struct rig *rig, const char *yaml);
/* Start with --config, --tap and --ready-fd (and extra, if not NULL) and wait until it is ready. */
void rig_start(struct rig *rig, const char *extra);
/* Start with this plan of faults ("DIR/" stands for the directory) and --fault-record, and wait
 * until so many faults are under way. */
void rig_start_faults(struct rig *rig, const char *plan, unsigned active);
/* Start with --control-fd and --fault-record. */
void rig_start_control(struct rig *rig);
/* Say a line on the control channel. */
void rig_command(struct rig *rig, const char *line);
/* The next line it says, without its end. */
const char *rig_reply(struct rig *rig, char *out, size_t size);
/* Run to its end with these arguments (ending with NULL); returns the exit status. */
int rig_run(struct rig *rig, const char *const *arguments);
/* SIGTERM, wait; returns the exit status, or 1000 + signal. */
int rig_stop(struct rig *rig);
void rig_kill(struct rig *rig);
int rig_wait(struct rig *rig);
/* Remove the directory; kills what still runs. */
void rig_fini(struct rig *rig);

/* The port of an endpoint in the ready line: "otlp/http", "metrics". */
unsigned rig_port(const struct rig *rig, const char *name);
int rig_connect(unsigned port);
void rig_send(int fd, const void *data, size_t len);
/* One answer into out (reset first): read until Content-Length is satisfied or the peer closes.
 * Returns the status, 0 if the peer closed without one. */
unsigned rig_answer(int fd, struct otl_buf *out);
/* True if the peer closes within the time. */
bool rig_closed(int fd);

/* Send POST /v1/traces of a body of this type, whole; headers: further lines, or "". */
void rig_begin(int fd, const char *type, const char *headers, struct otl_view body);
/* The same of protobuf, and its answer; the status. out may be NULL. */
unsigned rig_post(int fd, const char *headers, struct otl_view body, struct otl_buf *out);
/* The same to any path; headers name the type, too. */
unsigned rig_post_to(int fd, const char *path, const char *headers, struct otl_view body,
                     struct otl_buf *out);
/* The same of JSON, to any path: "/v1/metrics". */
unsigned rig_post_json(int fd, const char *path, struct otl_view body);
/* A file of ci/witness/official. */
void rig_official(const char *name, struct otl_buf *out);
void rig_read(const char *path, struct otl_buf *out);
/* All of /metrics, behind a line feed; out is initialised. */
void rig_metrics(const struct rig *rig, struct otl_buf *out);
/* The value of a series in it, -1 if it is absent. */
double rig_metric_in(const struct otl_buf *metrics, const char *series);
/* The value of a series in /metrics, -1 if it is absent. */
double rig_metric(const struct rig *rig, const char *series);
/* The same, waited for: until it is at least value. */
void rig_metric_until(const struct rig *rig, const char *series, double value);
/* The number of lines of the record of faults with this event ("begin", "hit", "end") that hold
 * text; recorded: of hits. */
size_t rig_recorded_as(const struct rig *rig, const char *event, const char *text);
size_t rig_recorded(const struct rig *rig, const char *text);

#endif
