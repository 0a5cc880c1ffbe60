/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SCENARIO_SQL_H
#define HX_SCENARIO_SQL_H

#include <sqlite3.h>

/*
 * The statements of sql steps: what the loader checks, and what a service prepares.
 *
 * A scenario declares no tables: those that its statements name are made, with the columns that
 * they name, by asking sqlite what is missing until it can prepare the statement.
 *
 * Threads   those of the database given.
 */

/* SQLITE_OK and *ret (the caller finalizes it; NULL: the text holds no statement), or sqlite's
 * code, sqlite3_errmsg(db) saying why. *ret_tail is what follows the first statement. */
int hx_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, const char **ret_tail);

#endif
