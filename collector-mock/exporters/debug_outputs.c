/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/debug_outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sdk/base/file.h"

const struct otl_schema col_debug_output_row[] = {{.type = OTL_SCHEMA_STRING, .min = 1},
                                                  OTL_SCHEMA_END};

static enum otel_err wrong(const struct col_create *args, const char *why,
                           struct otl_detail *reterr)
{
    return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, args->config, "output_paths"),
                          "exporter '%s': %s", args->id, why);
}

static void add(struct col_debug_outputs *outputs, const char *path)
{
    outputs->list[outputs->count].path = path;
    outputs->list[outputs->count++].fd = -1;
}

enum otel_err col_debug_outputs_read(const struct col_create *args, struct col_debug_outputs *ret,
                                     struct otl_detail *reterr)
{
    const json_t *paths = json_object_get(args->config, "output_paths"), *path;
    size_t i;

    memset(ret, 0, sizeof(*ret));
    ret->own = !otl_tree_bool(args->config, "use_internal_logger", true);
    if (json_is_null(paths))
        paths = NULL;
    if (paths != NULL && !ret->own)
        return wrong(args, "output_paths is not supported when use_internal_logger is true",
                     reterr);
    if (paths != NULL && json_array_size(paths) == 0)
        return wrong(args, "output_paths must not be empty when use_internal_logger is false",
                     reterr);
    if (json_array_size(paths) > COL_DEBUG_OUTPUTS_MAX)
        return wrong(args, "more than 16 output_paths", reterr);
    json_array_foreach(paths, i, path) {
        if (strstr(json_string_value(path), "://") != NULL)
            return wrong(args, "in output_paths, stdout, stderr and files by their paths are "
                               "here; URLs are not yet", reterr);
        add(ret, json_string_value(path));
    }
    if (ret->own && paths == NULL)
        add(ret, "stdout");
    return OTEL_OK;
}

enum otel_err col_debug_outputs_open(struct col_debug_outputs *outputs, const char *id,
                                     struct otl_detail *reterr)
{
    for (size_t i = 0; i < outputs->count; i++) {
        const char *path = outputs->list[i].path;
        if (strcmp(path, "stdout") == 0)
            outputs->list[i].fd = STDOUT_FILENO;
        else if (strcmp(path, "stderr") == 0)
            outputs->list[i].fd = STDERR_FILENO;
        else
            outputs->list[i].fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (outputs->list[i].fd < 0)
            return otl_detail_set(reterr, OTEL_ERR_IO, path, 0, 0,
                                  "exporter '%s': cannot open the file: %s", id, strerror(errno));
    }
    return OTEL_OK;
}

enum otel_err col_debug_outputs_write(const struct col_debug_outputs *outputs,
                                      struct otl_view text)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < outputs->count; i++) {
        enum otel_err its = otl_fd_write_all(outputs->list[i].fd, text.data, text.len);
        err = err == OTEL_OK ? its : err;
    }
    return err;
}

int col_debug_outputs_close(struct col_debug_outputs *outputs)
{
    int error = 0;

    for (size_t i = 0; i < outputs->count; i++) {
        if (outputs->list[i].fd > STDERR_FILENO && close(outputs->list[i].fd) != 0)
            error = errno;
        outputs->list[i].fd = -1;
    }
    return error;
}
