/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/path/path.h"

#include <string.h>

enum { KIND_CLIENT = 3 };

/* Two processes read their clocks apart; a child that ends so much later was still waited for. */
#define CLOCK_SLACK_NS 1000000

static const char *const texts[HX_PATH_GAPS] = {
    [HX_PATH_EXPLAINED] = "",
    [HX_PATH_BETWEEN] = "no span says what was done meanwhile",
    [HX_PATH_ON_THE_WAY] = "between the caller's span and the callee's",
    [HX_PATH_NO_CALLEE] = "the callee left no span",
};

struct walk {
    struct hx_path_node *nodes;
    size_t count;
    struct hx_path_piece *pieces;
    size_t used, room;
};

const char *hx_path_gap_text(enum hx_path_gap gap)
{
    return texts[gap];
}

static void tie(struct hx_path_node *nodes, size_t count)
{
    static const uint8_t none[8];

    for (size_t i = 0; i < count; i++) {
        nodes[i].parent = HX_PATH_NONE;
        nodes[i].children = 0;
        for (size_t k = 0; k < count && memcmp(nodes[i].parent_id, none, 8) != 0; k++) {
            if (k == i || memcmp(nodes[k].span_id, nodes[i].parent_id, 8) != 0)
                continue;
            nodes[i].parent = (uint32_t)k;
            break;
        }
    }
}

/* Did its parent wait for it? */
static bool waited_for(const struct walk *w, uint32_t child)
{
    const struct hx_path_node *node = &w->nodes[child], *above = &w->nodes[node->parent];

    return node->end_ns <= above->end_ns + CLOCK_SLACK_NS && node->end_ns > above->start_ns;
}

/* The child of parent that was waited for last before at; HX_PATH_NONE: none was. */
static uint32_t last_before(const struct walk *w, uint32_t parent, uint64_t low, uint64_t at)
{
    uint32_t best = HX_PATH_NONE;
    uint64_t best_end = 0;

    for (uint32_t i = 0; i < w->count; i++) {
        const struct hx_path_node *node = &w->nodes[i];
        uint64_t end = node->end_ns < at ? node->end_ns : at;
        if (node->parent != parent || node->start_ns >= at || end <= low || !waited_for(w, i))
            continue;
        if (best == HX_PATH_NONE || end > best_end ||
            (end == best_end && node->start_ns < w->nodes[best].start_ns)) {
            best = i;
            best_end = end;
        }
    }
    return best;
}

static enum hx_path_gap gap_of(const struct walk *w, uint32_t n)
{
    const struct hx_path_node *node = &w->nodes[n];

    if (node->children == 0)
        return node->kind == KIND_CLIENT && !node->names_statement ? HX_PATH_NO_CALLEE
                                                                  : HX_PATH_EXPLAINED;
    return node->kind == KIND_CLIENT ? HX_PATH_ON_THE_WAY : HX_PATH_BETWEEN;
}

/* Pieces are written from the end to the start. */
static void put(struct walk *w, uint32_t node, uint64_t from_ns, uint64_t to_ns)
{
    if (from_ns >= to_ns || w->used == w->room)
        return;
    w->pieces[w->used++] =
        (struct hx_path_piece){node, from_ns, to_ns, gap_of(w, node)};
}

static void walk(struct walk *w, uint32_t n, uint64_t low, uint64_t high, unsigned depth)
{
    uint64_t at = high;

    while (at > low && depth < HX_PATH_DEPTH) {
        uint32_t child = last_before(w, n, low, at);
        uint64_t from, to;
        if (child == HX_PATH_NONE)
            break;
        from = w->nodes[child].start_ns > low ? w->nodes[child].start_ns : low;
        to = w->nodes[child].end_ns < at ? w->nodes[child].end_ns : at;
        put(w, n, to, at);
        walk(w, child, from, to, depth + 1);
        at = from;
    }
    put(w, n, low, at);
}

static void count_children(struct walk *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->nodes[i].parent != HX_PATH_NONE && waited_for(w, i))
            w->nodes[w->nodes[i].parent].children++;
}

static void turn_round(struct hx_path_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct hx_path_piece piece = pieces[i];
        pieces[i] = pieces[count - 1 - i];
        pieces[count - 1 - i] = piece;
    }
}

void hx_path_find(struct hx_path_node *nodes, size_t count, struct hx_path_piece *pieces,
                  size_t *ret_count, uint32_t *ret_root)
{
    struct walk w = {nodes, count, pieces, 0, HX_PATH_PIECES(count)};
    uint32_t root = HX_PATH_NONE;

    tie(nodes, count);
    count_children(&w);
    for (uint32_t i = 0; i < count; i++)
        if (nodes[i].parent == HX_PATH_NONE && nodes[i].end_ns > nodes[i].start_ns &&
            (root == HX_PATH_NONE || nodes[i].start_ns < nodes[root].start_ns))
            root = i;
    if (root != HX_PATH_NONE)
        walk(&w, root, nodes[root].start_ns, nodes[root].end_ns, 0);
    turn_round(pieces, w.used);
    *ret_count = w.used;
    *ret_root = root;
}
