/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_HTML_LAYOUT_H
#define REP_HTML_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/model.h"

/*
 * Where the boxes of the topology stand: callers left of callees, in layers; a box has a row for
 * each entry (route or consumer) and a row as high as the labels of what arrives there.
 *
 * Life      rep_layout_new() -> read -> rep_layout_free().
 * Memory    names borrow from the model.
 * Limits    REP_LAYOUT_...; a fleet over one has no picture (NULL), only its table.
 */

enum { REP_LAYOUT_NODES = 256, REP_LAYOUT_ENTRIES = 32, REP_LAYOUT_WIRES = 768 };

enum rep_node_kind { REP_NODE_LOAD, REP_NODE_SERVICE, REP_NODE_TOPIC, REP_NODE_BEND };

struct rep_entry {
    const char *name;
    size_t arriving; /* wires */
    double y;        /* middle of the row */
    double height;
};

struct rep_node {
    enum rep_node_kind kind;
    const char *name;
    size_t name_len;
    struct rep_entry entries[REP_LAYOUT_ENTRIES]; /* a load, topic or bend has one without name */
    size_t entry_count;
    unsigned layer;
    double order; /* within the layer, while sorting */
    bool visited;
    bool on_path;
    double x, y, width, height;
};

struct rep_wire {
    size_t from, from_entry;
    size_t to, to_entry;
    size_t slot; /* the n-th wire that arrives at the entry */
    const json_t *edge;
    bool labelled;  /* the last piece of its edge: carries the figures */
    bool arrow;     /* ends at a box, not at a bend */
    bool backwards; /* to an earlier layer: led around below */
    double x1, y1, x2, y2;
    double across; /* to a bend: the last so many pixels are straight, over the bend's column */
};

struct rep_layout {
    struct rep_node nodes[REP_LAYOUT_NODES];
    size_t node_count;
    struct rep_wire wires[REP_LAYOUT_WIRES];
    size_t wire_count;
    unsigned layers;
    bool too_large;
    double width, height;
};

enum { REP_LAYOUT_SLOT = 44, REP_LAYOUT_LABEL = 122 }; /* pixels: height and width of a label */

/* NULL: no edges, too many, or no memory. */
struct rep_layout *rep_layout_new(const json_t *edges);
void rep_layout_free(struct rep_layout *layout);

#endif
