/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_HTML_PARTS_H
#define REP_HTML_PARTS_H

#include "reports/model.h"
#include "reports/out.h"
#include "reports/plot/plot.h"

/*
 * The sections of report.html, one or two a file. Each writes whole elements and nothing when
 * report.json has nothing for it. No script, no request to anywhere, all text escaped.
 */

/* findings.c: what failed, what could not be judged, all claims and checks */
void rep_html_findings(struct rep_out *out, const json_t *root);
void rep_html_claims(struct rep_out *out, const json_t *root);
/* topology.c: the fleet as a picture */
void rep_html_topology(struct rep_out *out, const json_t *root);
/* load.c: edges, latency, over time */
void rep_html_edges(struct rep_out *out, const json_t *root);
void rep_html_latency(struct rep_out *out, const json_t *root, const struct rep_plots *plots);
void rep_html_over_time(struct rep_out *out, const json_t *root, const struct rep_plots *plots);
/* books.c: spans and traces */
void rep_html_books(struct rep_out *out, const json_t *root);
/* cost.c: tracing a service, processes, collector, broker */
void rep_html_cost(struct rep_out *out, const json_t *root);
/* overhead.c: arm against base */
void rep_html_overhead(struct rep_out *out, const json_t *root);
/* machine.c: trust, environment, files */
void rep_html_trust(struct rep_out *out, const json_t *root);
void rep_html_environment(struct rep_out *out, const json_t *root);
void rep_html_files(struct rep_out *out, const json_t *root);
/* namer.c: the consumer instance that the spans name */
void rep_html_namer(struct rep_out *out, const json_t *root);
/* path.c: the operation that makes slow traces slow */
void rep_html_path(struct rep_out *out, const json_t *root);
/* waterfall.c */
void rep_html_waterfalls(struct rep_out *out, const json_t *root);

/* table.c: cells */
struct rep_column {
    const char *key; /* of the row's object */
    const char *title;
    const char *form;  /* text, name (unbroken), code, count, number, ns, bytes, share, s, start */
    const char *alarm; /* "bad", "warn": coloured when not zero; NULL = never */
};

void rep_html_section(struct rep_out *out, const char *id, const char *title, const char *lead);
void rep_html_section_end(struct rep_out *out);
void rep_html_badge(struct rep_out *out, const char *verdict);
/* A table with one row for each object; columns that no row has are left out. Ends with NULL key.
 */
void rep_html_table(struct rep_out *out, const json_t *rows, const struct rep_column *columns);
/* <td> with an escaped text. */
void rep_html_cell(struct rep_out *out, const char *class_name, const char *text);
void rep_html_count_cell(struct rep_out *out, long long count, const char *alarm);

#endif
