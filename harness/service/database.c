/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/database.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/scenario/sql.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { BUSY_TIMEOUT_MILLIS = 1000 };

struct hx_database {
    sqlite3 *db;
    sqlite3_stmt *statements[HX_MAX_OPERATIONS]; /* by operation; NULL: not one of ours */
    char path[PATH_MAX];
};

static enum otel_err prepare(struct hx_database *database, const struct hx_operation *operation,
                             struct otl_detail *reterr)
{
    const char *sql = operation->step->statement, *tail;

    if (hx_sql_prepare(database->db, sql, &database->statements[operation->index], &tail) ==
        SQLITE_OK)
        return OTEL_OK;
    return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0, "sqlite refuses \"%s\": %s", sql,
                          sqlite3_errmsg(database->db));
}

enum otel_err hx_database_run(struct hx_database *database, const char *sql,
                              struct otl_detail *reterr)
{
    if (sqlite3_exec(database->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return OTEL_OK;
    return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "sqlite refuses \"%s\": %s", sql,
                          sqlite3_errmsg(database->db));
}

/* ---- life ----------------------------------------------------------------------------------- */

static void remove_files(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[PATH_MAX + 8];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

static enum otel_err open_file(struct hx_database *database, struct otl_detail *reterr)
{
    static const char set_up[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;";

    if (sqlite3_open(database->path, &database->db) != SQLITE_OK ||
        sqlite3_busy_timeout(database->db, BUSY_TIMEOUT_MILLIS) != SQLITE_OK ||
        sqlite3_exec(database->db, set_up, NULL, NULL, NULL) != SQLITE_OK)
        return otl_detail_set(reterr, OTEL_ERR_IO, database->path, 0, 0, "cannot open: %s",
                              sqlite3_errmsg(database->db));
    return OTEL_OK;
}

enum otel_err hx_database_new(const char *dir, const char *instance,
                              const struct hx_scenario *scenario, const struct hx_service *service,
                              struct hx_database **ret, struct otl_detail *reterr)
{
    struct hx_database *database;
    enum otel_err err = otl_make_dirs(dir, reterr);

    if (err != OTEL_OK)
        return err;
    database = otl_mem_zalloc(sizeof(*database));
    if (database == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a database");
    snprintf(database->path, sizeof(database->path), "%s/%s.sqlite", dir, instance);
    remove_files(database->path); /* of an incarnation that was killed */
    err = open_file(database, reterr);
    for (size_t i = 0; err == OTEL_OK && i < service->database_count; i++)
        err = hx_database_run(database, service->database[i], reterr);
    for (size_t i = 0; err == OTEL_OK && i < scenario->operation_count; i++) {
        const struct hx_operation *operation = &scenario->operations[i];
        if (operation->service == service && operation->step != NULL &&
            operation->step->kind == HX_STEP_SQL)
            err = prepare(database, operation, reterr);
    }
    if (err != OTEL_OK) {
        hx_database_free(database);
        return err;
    }
    *ret = database;
    return OTEL_OK;
}

void hx_database_free(struct hx_database *database)
{
    if (database == NULL)
        return;
    for (size_t i = 0; i < HX_MAX_OPERATIONS; i++)
        sqlite3_finalize(database->statements[i]);
    sqlite3_close(database->db);
    remove_files(database->path);
    otl_mem_free(database);
}

/* ---- the step ------------------------------------------------------------------------------- */

static void bind_parameters(struct hx_frame *frame, const struct hx_step *step,
                            sqlite3_stmt *statement)
{
    struct hx_request *request = frame->request;
    struct otl_random random;
    struct hx_fill fill = {&request->arena, &random, request->trail.request,
                           request->runtime->replica, request->runtime->instance};

    hx_frame_random(frame, &random);
    for (size_t i = 0; i < step->parameter_count; i++) {
        struct otel_str text = hx_fill_text(&fill, step->parameters[i]);
        sqlite3_bind_text(statement, (int)i + 1, text.data, (int)text.len, SQLITE_STATIC);
    }
}

static struct hx_span *start_span(struct hx_frame *frame, const struct hx_step *step)
{
    struct otel_attribute attributes[] = {
        otel_attr_str("db.system.name", "sqlite"),
        otel_attr_str("db.query.text", step->statement),
        otel_attr_str("db.operation.name", ""),
    };
    const char *verb = step->statement + strspn(step->statement, " \t\r\n(");

    attributes[2].value = otel_value_strn(verb, strcspn(verb, " \t\r\n(;"));
    return hx_step_span(frame, step, attributes, sizeof(attributes) / sizeof(attributes[0]), false);
}

enum hx_progress hx_database_step(struct hx_frame *frame, const struct hx_step *step,
                                  struct hx_database *database)
{
    sqlite3_stmt *statement = database->statements[step->op];
    struct hx_span *span = start_span(frame, step);
    int64_t rows = 0;
    int rc;

    if (span == NULL)
        return HX_GO_ON;
    bind_parameters(frame, step, statement);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
        rows++;
    if (rc == SQLITE_DONE) {
        hx_span_set(span, "db.response.returned_rows", otel_value_int(rows));
        hx_step_span_end(frame->request, step, span);
    } else {
        const char *message = sqlite3_errmsg(database->db);
        char code[16];
        snprintf(code, sizeof(code), "%d", sqlite3_extended_errcode(database->db));
        hx_span_set(span, "db.response.status_code", otel_value_str(code));
        hx_span_set(span, "error.type", otel_value_str(sqlite3_errstr(rc)));
        hx_span_status(span, HX_STATUS_ERROR, message);
        hx_step_span_end(frame->request, step, span);
        hx_frame_fail(frame, HX_LED_OUTCOME_FAILED, 500, "database_error", message);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return HX_GO_ON;
}
