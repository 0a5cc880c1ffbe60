/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/topology/role.h"

#include <string.h>

#include "sdk/base/file.h"

enum { ROLE_FILE_MAX = 16 * 1024 * 1024, PROCESS_MAX = 1 << 24 };

static enum otel_err read_tree(const char *path, json_t **ret, struct otl_detail *reterr)
{
    struct otl_buf text;
    json_error_t where;
    enum otel_err err;

    otl_buf_init(&text, ROLE_FILE_MAX);
    err = otl_file_read(path, &text, reterr);
    if (err == OTEL_OK) {
        *ret = json_loadb(text.len ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &where);
        if (*ret == NULL)
            err = otl_detail_set(reterr, OTEL_ERR_SYNTAX, path,
                                 where.line > 0 ? (unsigned)where.line : 0,
                                 where.column > 0 ? (unsigned)where.column : 0, "%s", where.text);
    }
    otl_buf_fini(&text);
    return err;
}

/* A whole number below max; false if it is something else. A missing one is 0. */
static bool read_number(const json_t *tree, const char *key, uint64_t max, uint64_t *ret)
{
    const json_t *value = json_object_get(tree, key);
    json_int_t number = json_integer_value(value);

    *ret = (uint64_t)number;
    return value == NULL || (json_is_integer(value) && number >= 0 && (uint64_t)number < max);
}

static enum otel_err fill(const char *path, struct hx_role *role, struct otl_detail *reterr)
{
    const json_t *tree = role->tree;
    const char *service = json_string_value(json_object_get(tree, "service"));
    uint64_t replica, incarnation, process, port;

    role->instance = json_string_value(json_object_get(tree, "instance"));
    role->dir = json_string_value(json_object_get(tree, "dir"));
    role->seed = (uint64_t)json_integer_value(json_object_get(tree, "seed"));
    role->peers = json_object_get(tree, "peers");
    if (!read_number(tree, "replica", HX_MAX_REPLICAS, &replica) ||
        !read_number(tree, "incarnation", UINT32_MAX, &incarnation) ||
        !read_number(tree, "process", PROCESS_MAX, &process) ||
        !read_number(tree, "port", 65536, &port))
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, path, 0, 0,
                              "\"replica\", \"incarnation\", \"process\" and \"port\" are whole "
                              "numbers");
    role->replica = (unsigned)replica;
    role->incarnation = (uint32_t)incarnation;
    role->process = (uint32_t)process;
    role->port = (uint16_t)port;
    if (service == NULL || service[0] == '\0')
        return OTEL_OK;
    if (process == 0 || role->instance == NULL || role->instance[0] == '\0' ||
        strchr(role->instance, '/') != NULL || role->dir == NULL)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, path, 0, 0,
                              "a service's role needs \"instance\", \"dir\" and a \"process\" from "
                              "1");
    role->service = hx_scenario_service(role->scenario, service);
    if (role->service == NULL)
        return otl_detail_set(reterr, OTEL_ERR_NOT_FOUND, path, 0, 0,
                              "the scenario has no service '%s'", service);
    return OTEL_OK;
}

enum otel_err hx_role_read(const char *path, struct hx_role *role, struct otl_detail *reterr)
{
    enum otel_err err;

    memset(role, 0, sizeof(*role));
    err = read_tree(path, &role->tree, reterr);
    if (err == OTEL_OK && !json_is_object(json_object_get(role->tree, "scenario")))
        err = otl_detail_set(reterr, OTEL_ERR_SYNTAX, path, 0, 0, "a role needs a \"scenario\"");
    if (err == OTEL_OK)
        err = hx_scenario_load_tree(json_object_get(role->tree, "scenario"), &role->scenario,
                                    reterr);
    if (err == OTEL_OK)
        err = fill(path, role, reterr);
    if (err != OTEL_OK)
        hx_role_fini(role);
    return err;
}

void hx_role_fini(struct hx_role *role)
{
    hx_scenario_free(role->scenario);
    json_decref(role->tree);
    memset(role, 0, sizeof(*role));
}
