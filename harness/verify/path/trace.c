/* SPDX-License-Identifier: Apache-2.0 */
/* The critical path of a trace that the report shows, from those of its spans that came. */
#include <stdlib.h>
#include <string.h>

#include "harness/verify/path/paths.h"
#include "sdk/base/mem.h"

static const char *const KINDS[] = {"", "internal", "server", "client", "producer", "consumer"};

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL ? value : "";
}

static void take_id(const char *hex, uint8_t out[8])
{
    memset(out, 0, 8);
    for (size_t i = 0; i < 8 && strlen(hex) == 16; i++) {
        const char two[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
}

/* False: it was not received, or it ends before it starts. */
static bool take_node(const json_t *span, struct hx_path_node *ret)
{
    json_int_t start = json_integer_value(json_object_get(span, "start_ns"));
    json_int_t end = json_integer_value(json_object_get(span, "end_ns"));

    if (!json_is_true(json_object_get(span, "received")) || start < 0 || end < start)
        return false;
    memset(ret, 0, sizeof *ret);
    take_id(text(span, "id"), ret->span_id);
    take_id(text(span, "parent"), ret->parent_id);
    ret->start_ns = (uint64_t)start;
    ret->end_ns = (uint64_t)end;
    for (uint8_t i = 1; i < sizeof KINDS / sizeof KINDS[0]; i++)
        if (strcmp(KINDS[i], text(span, "kind")) == 0)
            ret->kind = i;
    ret->names_statement =
        json_object_get(json_object_get(span, "attributes"), "db.query.text") != NULL;
    return true;
}

static json_t *pieces_json(const struct hx_path_piece *pieces, size_t count, json_t *const *spans,
                           double *ret_unexplained_ns)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *item = json_pack("{s:s, s:I, s:I}", "span", text(spans[pieces[i].node], "id"),
                                 "start_ns", (json_int_t)pieces[i].from_ns, "end_ns",
                                 (json_int_t)pieces[i].to_ns);
        if (item == NULL || json_array_append(list, item) != 0) {
            json_decref(item);
            json_decref(list);
            return NULL;
        }
        if (pieces[i].gap != HX_PATH_EXPLAINED) {
            json_object_set_new(item, "gap", json_string(hx_path_gap_text(pieces[i].gap)));
            *ret_unexplained_ns += (double)(pieces[i].to_ns - pieces[i].from_ns);
        }
        json_decref(item);
    }
    return list;
}

int hx_path_put(json_t *trace)
{
    const json_t *list = json_object_get(trace, "spans");
    size_t all = json_array_size(list), count = 0, used = 0;
    struct hx_path_node *nodes = otl_mem_alloc((all + 1) * sizeof *nodes);
    struct hx_path_piece *pieces = otl_mem_alloc(HX_PATH_PIECES(all) * sizeof *pieces);
    json_t **spans = otl_mem_alloc((all + 1) * sizeof(json_t *));
    double unexplained_ns = 0;
    uint32_t root;
    int bad = nodes == NULL || pieces == NULL || spans == NULL;

    for (size_t i = 0; !bad && i < all && count < HX_PATH_SPANS; i++) {
        spans[count] = json_array_get(list, i);
        count += take_node(spans[count], &nodes[count]);
    }
    if (!bad)
        hx_path_find(nodes, count, pieces, &used, &root);
    if (!bad && used > 0) {
        bad |= json_object_set_new(trace, "path",
                                   pieces_json(pieces, used, spans, &unexplained_ns));
        bad |= json_object_set_new(trace, "unexplained_ns", json_real(unexplained_ns));
    }
    otl_mem_free(nodes);
    otl_mem_free(pieces);
    otl_mem_free(spans);
    return bad;
}
