/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/sql.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/faults.h"
#include "harness/scenario/internal.h"

enum { MENDINGS_MAX = 128, NAME_SIZE = 128 };

/* ---- tables --------------------------------------------------------------------------------- */

/* The identifier at text, without a leading "table." part; "" if there is none. */
static void identifier(const char *text, char *out, size_t size)
{
    size_t len = 0;
    const char *dot = strrchr(text, '.');

    for (text = dot != NULL ? dot + 1 : text; isalnum((unsigned char)*text) || *text == '_'; text++)
        if (len + 1 < size)
            out[len++] = *text;
    out[len] = '\0';
}

/* Makes what sqlite's last message says is missing. False: it says something else. */
static bool mend(sqlite3 *db, char *table)
{
    static const char no_table[] = "no such table: ", no_column[] = "no such column: ",
                      no_named[] = " has no column named ";
    char message[256], column[NAME_SIZE], sql[512];
    const char *named;

    snprintf(message, sizeof(message), "%s", sqlite3_errmsg(db));
    if (strncmp(message, no_table, strlen(no_table)) == 0) {
        identifier(message + strlen(no_table), table, NAME_SIZE);
        snprintf(sql, sizeof(sql), "CREATE TABLE \"%s\" (row_number INTEGER PRIMARY KEY)", table);
        return table[0] != '\0' && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    }
    named = strstr(message, no_named);
    if (strncmp(message, no_column, strlen(no_column)) == 0)
        identifier(message + strlen(no_column), column, sizeof(column));
    else if (named != NULL)
        identifier(named + strlen(no_named), column, sizeof(column));
    else
        return false;
    if (strncmp(message, "table ", 6) == 0)
        identifier(message + 6, table, NAME_SIZE);
    if (table[0] == '\0' || column[0] == '\0')
        return false;
    snprintf(sql, sizeof(sql), "ALTER TABLE \"%s\" ADD COLUMN \"%s\"", table, column);
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* The table that a statement over an existing table is about, for columns that are missing. */
static void find_table(const char *statement, char *table)
{
    static const char *const before[] = {"FROM", "INTO", "UPDATE", NULL};

    for (const char *p = statement; *p != '\0'; p++) {
        if (p != statement && !isspace((unsigned char)p[-1]))
            continue;
        for (const char *const *word = before; *word != NULL; word++) {
            size_t len = strlen(*word);
            if (sqlite3_strnicmp(p, *word, (int)len) == 0 && isspace((unsigned char)p[len])) {
                for (p += len; isspace((unsigned char)*p) || *p == '"'; p++)
                    continue;
                identifier(p, table, NAME_SIZE);
                return;
            }
        }
    }
}

int hx_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, const char **ret_tail)
{
    char table[NAME_SIZE] = "";
    int rc = SQLITE_ERROR;

    find_table(sql, table);
    for (int i = 0; i < MENDINGS_MAX; i++) {
        rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, ret_tail);
        if (rc == SQLITE_OK || !mend(db, table))
            break;
    }
    return rc;
}

/* ---- the check at load time ------------------------------------------------------------------ */

static enum otel_err check_statement(struct hx_loader *l, const struct hx_operation *op,
                                     sqlite3 *db)
{
    const json_t *map = l->maps[op->index];
    const char *sql = op->step->statement, *tail = "";
    struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, map, "sql");
    sqlite3_stmt *statement = NULL;
    int wanted;

    if (hx_sql_prepare(db, sql, &statement, &tail) != SQLITE_OK)
        return otl_yaml_error(l->reterr, pos, "sqlite refuses \"%.200s\": %.200s", sql,
                              sqlite3_errmsg(db));
    wanted = statement != NULL ? sqlite3_bind_parameter_count(statement) : 0;
    sqlite3_finalize(statement);
    if (statement == NULL || tail[strspn(tail, " \t\r\n;")] != '\0')
        return otl_yaml_error(l->reterr, pos, "expected one statement, found \"%.200s\"", sql);
    if (json_object_get(map, "parameters") != NULL)
        pos = otl_yaml_value_pos(l->doc, map, "parameters");
    if ((size_t)wanted != op->step->parameter_count)
        return otl_yaml_error(l->reterr, pos, "the statement takes %d parameters, found %zu",
                              wanted, op->step->parameter_count);
    return OTEL_OK;
}

static enum otel_err refused(struct hx_loader *l, struct otl_yaml_pos pos, const char *sql,
                             sqlite3 *db)
{
    return otl_yaml_error(l->reterr, pos, "sqlite refuses \"%.200s\": %.200s", sql,
                          sqlite3_errmsg(db));
}

/* Rows are not made here: only what changes the tables is carried out. */
static int try_statement(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

    sqlite3_finalize(statement);
    sql += strspn(sql, " \t\r\n");
    if (rc == SQLITE_OK && (sqlite3_strnicmp(sql, "CREATE", 6) == 0 ||
                            sqlite3_strnicmp(sql, "DROP", 4) == 0 ||
                            sqlite3_strnicmp(sql, "ALTER", 5) == 0))
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc;
}

static enum otel_err open_filled(struct hx_loader *l, const struct hx_service *service,
                                 sqlite3 **ret)
{
    const json_t *list = json_object_get(
        json_object_get(json_object_get(l->scenario->tree, "services"), service->name), "database");

    if (sqlite3_open(":memory:", ret) != SQLITE_OK)
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; i < service->database_count; i++)
        if (try_statement(*ret, service->database[i]) != SQLITE_OK)
            return refused(l, otl_yaml_item_pos(l->doc, list, i), service->database[i], *ret);
    return OTEL_OK;
}

/* *ret: its database with all tables, NULL when it needs none. */
static enum otel_err check_service(struct hx_loader *l, const struct hx_service *service,
                                   sqlite3 **ret)
{
    const json_t *services = json_object_get(l->scenario->tree, "services");
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < l->scenario->operation_count; i++) {
        const struct hx_operation *op = &l->operations[i];

        if (op->service != service || op->step == NULL || op->step->kind != HX_STEP_SQL)
            continue;
        if (*ret == NULL)
            err = open_filled(l, service, ret);
        if (err == OTEL_OK)
            err = check_statement(l, op, *ret);
    }
    if (err == OTEL_OK && *ret == NULL && service->database_count > 0)
        err = otl_yaml_error(l->reterr,
                             otl_yaml_key_pos(l->doc, json_object_get(services, service->name),
                                              "database"),
                             "%s has a database and no sql step that uses it", service->name);
    return err;
}

enum otel_err hx_check_sql(struct hx_loader *l)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < l->scenario->service_count; i++) {
        sqlite3 *db = NULL; /* one for a service, as in a run */
        err = check_service(l, &l->services[i], &db);
        sqlite3_close(db);
    }
    return err;
}

enum otel_err hx_check_fault_sql(struct hx_loader *l)
{
    const json_t *list = json_object_get(l->scenario->tree, "faults");
    enum otel_err err = OTEL_OK;

    for (size_t s = 0; err == OTEL_OK && s < l->scenario->service_count; s++) {
        sqlite3 *db = NULL;
        for (size_t i = 0; err == OTEL_OK && i < l->scenario->fault_count; i++) {
            const struct hx_fault *f = &l->scenario->faults[i];
            struct otl_yaml_pos pos =
                otl_yaml_value_pos(l->doc, json_array_get(list, i), "statement");
            if (f->what != HX_FAULT_SQL || f->service != &l->services[s])
                continue;
            if (db == NULL)
                err = check_service(l, f->service, &db);
            if (err == OTEL_OK && db == NULL)
                err = otl_yaml_error(l->reterr, pos, "%s has no sql step, and so no database",
                                     f->service->name);
            else if (err == OTEL_OK && try_statement(db, f->statement) != SQLITE_OK)
                err = refused(l, pos, f->statement, db);
        }
        sqlite3_close(db);
    }
    return err;
}
