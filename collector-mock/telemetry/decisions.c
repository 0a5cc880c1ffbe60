/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/telemetry/decisions.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "sdk/base/file.h"
#include "sdk/base/text.h"

enum { LINE_MAX_BYTES = 8192 };

enum otel_err col_decisions_open(const char *path, struct col_decisions *ret,
                                 struct otl_detail *reterr)
{
    memset(ret, 0, sizeof(*ret));
    otl_buf_init(&ret->lines, COL_DECISIONS_BYTES + LINE_MAX_BYTES);
    ret->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (ret->fd < 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, path, 0, 0,
                              "cannot open the record of decisions: %s", strerror(errno));
    return OTEL_OK;
}

/* "key":"text" with what JSON wants escaped. */
static enum otel_err put_text(struct otl_buf *out, const char *key, const char *text)
{
    enum otel_err err = otl_buf_printf(out, ",\"%s\":\"", key);

    for (; *text != '\0' && err == OTEL_OK; text++) {
        if (*text == '"' || *text == '\\')
            err = otl_buf_printf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            err = otl_buf_printf(out, "\\u%04x", (unsigned)*text);
        else
            err = otl_buf_append_byte(out, (uint8_t)*text);
    }
    return err == OTEL_OK ? otl_buf_append_byte(out, '"') : err;
}

static enum otel_err put_row(struct otl_buf *out, const struct col_decision_row *row)
{
    enum otel_err err = otl_buf_printf(out, "{\"event\":\"%s\"", row->event);
    char hex[33];

    if (err == OTEL_OK)
        err = put_text(out, "processor", row->processor);
    if (err == OTEL_OK && row->trace_id != NULL) {
        otl_hex(row->trace_id, 16, hex);
        err = otl_buf_printf(out, ",\"trace_id\":\"%s\"", hex);
    }
    if (err == OTEL_OK && row->decision != NULL)
        err = otl_buf_printf(out, ",\"decision\":\"%s\"", row->decision);
    if (err == OTEL_OK && row->policy != NULL)
        err = put_text(out, "policy", row->policy);
    if (err == OTEL_OK)
        err = otl_buf_printf(out,
                             ",\"spans\":%" PRIu64 ",\"mono_ns\":%" PRIu64 ",\"wall_ns\":%" PRIu64
                             "}\n",
                             row->spans, row->mono_ns, row->wall_ns);
    return err;
}

void col_decisions_write(struct col_decisions *decisions, const struct col_decision_row *row)
{
    size_t before = decisions->lines.len;

    if (decisions->fd < 0)
        return;
    if (put_row(&decisions->lines, row) != OTEL_OK) {
        decisions->lines.len = before;
        decisions->failures++;
        return;
    }
    decisions->pending++;
    if (decisions->lines.len >= COL_DECISIONS_BYTES)
        col_decisions_flush(decisions);
}

void col_decisions_flush(struct col_decisions *decisions)
{
    if (decisions->fd < 0 || decisions->lines.len == 0)
        return;
    if (otl_fd_write_all(decisions->fd, decisions->lines.data, decisions->lines.len) != OTEL_OK)
        decisions->failures += decisions->pending;
    decisions->pending = 0;
    otl_buf_reset(&decisions->lines);
}

void col_decisions_close(struct col_decisions *decisions)
{
    if (decisions->fd < 0)
        return;
    col_decisions_flush(decisions);
    close(decisions->fd);
    decisions->fd = -1;
    otl_buf_fini(&decisions->lines);
}
