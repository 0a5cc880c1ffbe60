/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/model.h"

#include <string.h>

#include "reports/resources.h"
#include "reports/schema.h"
#include "sdk/base/buf.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

static enum otel_err judge(const json_t *root, struct otl_detail *reterr)
{
    json_t *schema = json_loads(rep_resource_schema, 0, NULL);
    enum otel_err err;

    if (schema == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    err = rep_schema_check(schema, root, reterr);
    json_decref(schema);
    return err;
}

enum otel_err rep_model_take(json_t *root, const char *dir, struct rep_model **ret,
                             struct otl_detail *reterr)
{
    struct rep_model *model = otl_mem_zalloc(sizeof(*model));
    enum otel_err err;
    size_t len = strlen(dir);

    while (len > 1 && dir[len - 1] == '/')
        len--;
    if (model == NULL) {
        json_decref(root);
        return OTEL_ERR_MEMORY;
    }
    model->root = root;
    model->dir = otl_mem_strndup(dir, len);
    err = model->dir && root ? judge(root, reterr) : OTEL_ERR_MEMORY;
    if (err == OTEL_OK)
        *ret = model;
    else
        rep_model_free(model);
    return err;
}

static enum otel_err read_text(const char *dir, struct otl_buf *text, struct otl_detail *reterr)
{
    struct otl_buf path;
    enum otel_err err;

    otl_buf_init(&path, 4096);
    err = otl_buf_printf(&path, "%s/report.json", dir);
    if (err == OTEL_OK)
        err = otl_file_read(path.data, text, reterr);
    otl_buf_fini(&path);
    return err;
}

enum otel_err rep_model_load(const char *dir, struct rep_model **ret, struct otl_detail *reterr)
{
    struct rep_model *model = NULL;
    struct otl_buf text;
    json_error_t where;
    json_t *root = NULL;
    enum otel_err err;

    otl_buf_init(&text, REP_MODEL_MAX_BYTES);
    err = read_text(dir, &text, reterr);
    if (err == OTEL_OK) {
        root = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &where);
        if (root == NULL)
            err = otl_detail_set(reterr, OTEL_ERR_SYNTAX, "report.json", (unsigned)where.line,
                                 where.column > 0 ? (unsigned)where.column : 0, "%s", where.text);
    }
    if (err == OTEL_OK) {
        struct otl_detail place = OTL_DETAIL_NONE;
        char told[sizeof(place.source) + sizeof(place.text) + 32];
        err = rep_model_take(root, dir, &model, &place);
        if (err != OTEL_OK)
            otl_detail_set(reterr, err, "report.json", 0, 0, "%.480s",
                           otl_detail_format(&place, told, sizeof(told)));
    }
    if (err == OTEL_OK)
        err = otl_buf_take(&text, &model->text, &model->text_len);
    if (err == OTEL_OK)
        *ret = model;
    else
        rep_model_free(model);
    otl_buf_fini(&text);
    return err;
}

void rep_model_free(struct rep_model *model)
{
    if (model == NULL)
        return;
    json_decref(model->root);
    otl_mem_free(model->dir);
    otl_mem_free(model->text);
    otl_mem_free(model);
}

const json_t *rep_get(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

bool rep_has(const json_t *object, const char *key)
{
    return json_object_get(object, key) != NULL;
}

const char *rep_str(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

double rep_num(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

long long rep_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

bool rep_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

bool rep_is(const json_t *object, const char *key, const char *word)
{
    return strcmp(rep_str(object, key), word) == 0;
}

bool rep_any(const json_t *array, const char *key)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (rep_has(json_array_get(array, i), key))
            return true;
    return false;
}

size_t rep_count_of(const json_t *array, const char *key, const char *word)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(array); i++)
        count += rep_is(json_array_get(array, i), key, word);
    return count;
}
