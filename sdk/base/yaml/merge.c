/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/yaml/document.h"

/* One document over another: maps are merged key by key, everything else is replaced. */

static enum otel_err no_memory(const struct otl_yaml *doc, struct otl_detail *reterr)
{
    return otl_detail_set(reterr, OTEL_ERR_MEMORY, doc->source, 0, 0, "out of memory");
}

/* map[key] = value, which is shared, not copied: containers keep their address and so their
 * places. */
static enum otel_err replace(struct otl_yaml *doc, const json_t *from, json_t *to, const char *key,
                             json_t *value)
{
    struct otl_yaml_place place = {.container = to,
                                   .key = key,
                                   .key_pos = otl_yaml_key_pos(doc, from, key),
                                   .value_pos = otl_yaml_value_pos(doc, from, key)};
    enum otel_err err = otl_yaml_note(doc, &place);

    if (err != OTEL_OK)
        return err;
    return json_object_set_nocheck(to, key, value) == 0 ? OTEL_OK : OTEL_ERR_MEMORY;
}

/* As deep as max_depth of the documents lets it. */
static enum otel_err merge(struct otl_yaml *doc, json_t *from, json_t *to)
{
    const char *key;
    json_t *value;

    json_object_foreach(from, key, value)
    {
        json_t *old = json_object_get(to, key);
        bool maps = json_is_object(old) && json_is_object(value);
        enum otel_err err = maps ? merge(doc, value, old) : replace(doc, from, to, key, value);
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

enum otel_err otl_yaml_merge_text(struct otl_yaml *doc, const char *text, size_t len,
                                  const struct otl_yaml_options *options,
                                  struct otl_detail *reterr)
{
    struct otl_yaml_pos pos;
    json_t *tree;
    enum otel_err err = otl_yaml_build(doc, text, len, options, &tree, &pos, reterr);

    if (err != OTEL_OK)
        return otl_detail_set(reterr, err, options->source, 0, 0, "%s", otel_err_text(err));
    if (json_is_null(doc->root) && json_is_object(tree)) {
        doc->root = json_incref(tree);
    } else if (json_is_object(tree) && json_is_object(doc->root)) {
        err = merge(doc, tree, doc->root);
        if (err != OTEL_OK)
            no_memory(doc, reterr);
    } else if (!json_is_null(tree)) {
        err = otl_yaml_error(reterr, pos, "only maps can be merged");
    }
    json_decref(tree);
    return err;
}
