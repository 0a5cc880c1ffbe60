/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/not_yet.h"

enum otel_err col_not_yet(const struct col_create *args, const char *kind, const json_t *map,
                          const char *key, struct otl_detail *reterr)
{
    struct otl_yaml_pos pos = otl_yaml_key_pos(args->doc, map, key);

    return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, pos.source, pos.line, pos.column,
                          "%s '%s': '%s' is a setting of the Collector that this one does not "
                          "have yet",
                          kind, args->id, key);
}

enum otel_err col_refuse_not_yet(const struct col_create *args, const char *kind,
                                 const json_t *map, const char *const *words,
                                 struct otl_detail *reterr)
{
    for (; *words != NULL; words++) {
        const json_t *value = json_object_get(map, *words);
        if (value != NULL && !json_is_null(value) && !json_is_false(value))
            return col_not_yet(args, kind, map, *words, reterr);
    }
    return OTEL_OK;
}
