/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_DATABASE_H
#define HX_SERVICE_DATABASE_H

#include "harness/service/request.h"

/*
 * The instance's own sqlite3 database and the step sql on it: a CLIENT span around a statement.
 *
 * Write-ahead log, synchronous off, busy timeout 1 s. A statement runs on the loop's thread and is
 * kept prepared. Before the first request the service's own database statements are run, then
 * tables are made as harness/scenario/sql.h says.
 *
 * Life      new (the file is made) -> steps -> free (the file is removed).
 * Threads   the loop's.
 * Limits    HX_MAX_OPERATIONS prepared statements.
 */

struct hx_database;

/* dir: where the file goes; made if it is not there. OTEL_ERR_IO, OTEL_ERR_MEMORY, OTEL_ERR_SYNTAX
 * (a statement of the service's that sqlite refuses), with *reterr filled. */
OTEL_MUST_USE enum otel_err hx_database_new(const char *dir, const char *instance,
                                            const struct hx_scenario *scenario,
                                            const struct hx_service *service,
                                            struct hx_database **ret, struct otl_detail *reterr);
void hx_database_free(struct hx_database *database);

/* Run one statement beside the requests; those that are prepared follow a changed schema.
 * OTEL_ERR_IO: sqlite refuses it, *reterr says why. */
OTEL_MUST_USE enum otel_err hx_database_run(struct hx_database *database, const char *sql,
                                            struct otl_detail *reterr);

enum hx_progress hx_database_step(struct hx_frame *frame, const struct hx_step *step,
                                  struct hx_database *database);

#endif
