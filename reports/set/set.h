/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_SET_H
#define REP_SET_H

#include <stdbool.h>

#include <jansson.h>
#include <otel/err.h>

#include "reports/render.h"
#include "sdk/base/detail.h"

/*
 * Set: the one page of several runs. Claim, held or not, measured, time, link; JUnit of all (a
 * suite a scenario, a case a claim), Markdown and text.
 *
 * Like the renderers of one run it computes nothing: what it shows stands in set.json
 * (schema/set.schema.json), which the runner writes.
 *
 * Life      rep_set_new() -> rep_set_add()... -> rep_set_write(), rep_set_text() -> json_decref().
 * Threads   one owner.
 * Limits    as render.h.
 */

struct rep_set_run {
    const char *scenario; /* name */
    const char *title;
    const char *claim;
    const char *dir;      /* relative to the set's own */
    unsigned nth;         /* of the repeats, from 1; 0 = there is one only */
    int exit_status;
    const char *error;    /* without a report: why; else NULL */
    const json_t *report; /* of the run; NULL: there is none */
    bool not_begun;       /* the set was interrupted before it; dir is "" then */
};

/* An empty set; NULL: no memory. */
json_t *rep_set_new(const char *started_at);
OTEL_MUST_USE enum otel_err rep_set_add(json_t *set, const struct rep_set_run *run);

/* DIR/set.json, index.html, junit.xml, summary.md; each whole or not at all. OTEL_ERR_SYNTAX: the
 * set breaks its schema (a bug of who made it); OTEL_ERR_IO, _LIMIT, _MEMORY. */
OTEL_MUST_USE enum otel_err rep_set_write(const json_t *set, const char *dir,
                                          struct otl_detail *reterr);
/* A table for the terminal. */
void rep_set_text(const json_t *set, const struct rep_render_options *options,
                  struct rep_out *out);

/* Inside: one a format. */
void rep_set_html(const json_t *set, struct rep_out *out);
void rep_set_junit(const json_t *set, struct rep_out *out);
void rep_set_markdown(const json_t *set, struct rep_out *out);

#endif
