/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/html/layout.h"

#include <string.h>

#include "sdk/base/mem.h"

enum {
    HEAD = 30, /* the row with the box's name */
    ROW = 28,  /* an entry where at most one wire arrives without a label */
    FOOT = 6,
    BOX_GAP = 26,    /* between boxes of a layer */
    PLAIN_GAP = 56,  /* between layers without labels */
    LABEL_GAP = 158, /* with labels */
    NARROWEST = 74,
    WIDEST = 250,
    SWEEPS = 4,
    MARGIN = 10
};

/* ---- building ----------------------------------------------------------------------------- */

static size_t add_node(struct rep_layout *layout, enum rep_node_kind kind, const char *name,
                       size_t name_len)
{
    struct rep_node *node = &layout->nodes[layout->node_count];

    if (layout->node_count == REP_LAYOUT_NODES) {
        layout->too_large = true;
        return 0;
    }
    node->kind = kind;
    node->name = name;
    node->name_len = name_len;
    if (kind != REP_NODE_SERVICE) {
        node->entries[0].name = "";
        node->entry_count = 1;
    }
    return layout->node_count++;
}

static size_t find_node(struct rep_layout *layout, enum rep_node_kind kind, const char *name,
                        size_t name_len)
{
    for (size_t i = 0; i < layout->node_count; i++) {
        const struct rep_node *node = &layout->nodes[i];
        if (node->kind == kind && node->name_len == name_len &&
            memcmp(node->name, name, name_len) == 0)
            return i;
    }
    return add_node(layout, kind, name, name_len);
}

static size_t find_entry(struct rep_layout *layout, size_t index, const char *name)
{
    struct rep_node *node = &layout->nodes[index];

    if (node->kind != REP_NODE_SERVICE)
        return 0;
    for (size_t i = 0; i < node->entry_count; i++)
        if (strcmp(node->entries[i].name, name) == 0)
            return i;
    if (node->entry_count == REP_LAYOUT_ENTRIES) {
        layout->too_large = true;
        return 0;
    }
    node->entries[node->entry_count].name = name;
    return node->entry_count++;
}

struct end {
    size_t node;
    size_t entry;
};

/* "SERVICE ENTRY" with the service's name beside it, if the report gives it. */
static struct end end_of(struct rep_layout *layout, const json_t *edge, const char *text_key,
                         const char *service_key)
{
    const char *text = rep_str(edge, text_key);
    const char *service = rep_str(edge, service_key);
    size_t len = rep_has(edge, service_key) ? strlen(service) : strcspn(text, " ");
    const char *name = rep_has(edge, service_key) ? service : text;
    struct end end;

    if (strcmp(text, "load") == 0 || len == 0) {
        end.node = find_node(layout, REP_NODE_LOAD, "load", 4);
        end.entry = 0;
        return end;
    }
    end.node = find_node(layout, REP_NODE_SERVICE, name, len);
    if (strncmp(text, name, len) == 0 && text[len] == ' ')
        text += len + 1;
    end.entry = find_entry(layout, end.node, text);
    return end;
}

static struct rep_wire *add_wire(struct rep_layout *layout, struct end from, struct end to,
                                 const json_t *edge)
{
    struct rep_wire *wire = &layout->wires[layout->wire_count];

    if (layout->wire_count == REP_LAYOUT_WIRES) {
        layout->too_large = true;
        return &layout->wires[0];
    }
    layout->wire_count++;
    wire->from = from.node;
    wire->from_entry = from.entry;
    wire->to = to.node;
    wire->to_entry = to.entry;
    wire->edge = edge;
    wire->labelled = true;
    wire->arrow = true;
    return wire;
}

static struct rep_wire *find_wire(struct rep_layout *layout, struct end from, size_t to)
{
    for (size_t i = 0; i < layout->wire_count; i++) {
        struct rep_wire *wire = &layout->wires[i];
        if (wire->from == from.node && wire->from_entry == from.entry && wire->to == to)
            return wire;
    }
    return NULL;
}

static void add_edge(struct rep_layout *layout, const json_t *edge)
{
    struct end from = end_of(layout, edge, "from", "from_service");
    struct end to = end_of(layout, edge, "to", "to_service");
    const char *topic = rep_str(edge, "topic");
    struct end middle = {0, 0};
    struct rep_wire *wire;

    if (layout->too_large)
        return;
    if (*topic == '\0') {
        add_wire(layout, from, to, edge);
        return;
    }
    middle.node = find_node(layout, REP_NODE_TOPIC, topic, strlen(topic));
    wire = find_wire(layout, from, middle.node);
    if (wire == NULL)
        add_wire(layout, from, middle, edge)->labelled = false;
    else if (rep_int(edge, "broken") == 0)
        wire->edge = edge; /* red only if every consumer's edge is broken */
    add_wire(layout, middle, to, edge);
}

/* ---- layers ------------------------------------------------------------------------------- */

/* Wires that close a circle go backwards. Depth is at most the number of boxes. */
static void mark_backwards(struct rep_layout *layout, size_t index)
{
    layout->nodes[index].visited = true;
    layout->nodes[index].on_path = true;
    for (size_t i = 0; i < layout->wire_count; i++) {
        struct rep_wire *wire = &layout->wires[i];
        if (wire->from != index)
            continue;
        if (layout->nodes[wire->to].on_path)
            wire->backwards = true;
        else if (!layout->nodes[wire->to].visited)
            mark_backwards(layout, wire->to);
    }
    layout->nodes[index].on_path = false;
}

static void assign_layers(struct rep_layout *layout)
{
    bool moved = true;

    for (size_t i = 0; i < layout->node_count; i++)
        if (!layout->nodes[i].visited)
            mark_backwards(layout, i);
    while (moved) {
        moved = false;
        for (size_t i = 0; i < layout->wire_count; i++) {
            const struct rep_wire *wire = &layout->wires[i];
            unsigned next = layout->nodes[wire->from].layer + 1;
            if (!wire->backwards && layout->nodes[wire->to].layer < next) {
                layout->nodes[wire->to].layer = next;
                moved = true;
            }
        }
    }
}

/* A wire over more than one layer gets a bend in each between, so that it crosses no box. */
static void add_bends(struct rep_layout *layout)
{
    size_t count = layout->wire_count;

    for (size_t i = 0; i < count && !layout->too_large; i++) {
        struct rep_wire *wire = &layout->wires[i];
        unsigned last = layout->nodes[wire->to].layer;
        struct end from = {wire->from, wire->from_entry};
        const struct end to = {wire->to, wire->to_entry};
        bool labelled = wire->labelled;
        if (wire->backwards)
            continue;
        for (unsigned layer = layout->nodes[from.node].layer + 1; layer < last; layer++) {
            struct end bend = {add_node(layout, REP_NODE_BEND, "", 0), 0};
            if (layout->too_large)
                return;
            layout->nodes[bend.node].layer = layer;
            if (from.node == wire->from) {
                wire->to = bend.node;
                wire->to_entry = 0;
            } else {
                wire = add_wire(layout, from, bend, wire->edge);
            }
            wire->labelled = false;
            wire->arrow = false;
            from = bend;
        }
        if (from.node != layout->wires[i].from)
            add_wire(layout, from, to, wire->edge)->labelled = labelled;
    }
}

/* ---- places ------------------------------------------------------------------------------- */

static double characters(const char *text, size_t len)
{
    double count = 0;

    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static void size_node(struct rep_node *node)
{
    double width = characters(node->name, node->name_len) * 8.0 + 24;
    double height = node->kind == REP_NODE_SERVICE ? HEAD + FOOT : 0;

    for (size_t i = 0; i < node->entry_count; i++) {
        double wide = characters(node->entries[i].name, strlen(node->entries[i].name)) * 7.0 + 24;
        width = wide > width ? wide : width;
        height += node->entries[i].height;
    }
    node->width = width < NARROWEST ? NARROWEST : width > WIDEST ? WIDEST : width;
    node->height = height;
    if (node->kind == REP_NODE_BEND)
        node->width = 0;
}

static void size_entries(struct rep_layout *layout)
{
    for (size_t i = 0; i < layout->wire_count; i++) {
        struct rep_wire *wire = &layout->wires[i];
        struct rep_entry *entry = &layout->nodes[wire->to].entries[wire->to_entry];
        wire->slot = entry->arriving++;
    }
    for (size_t i = 0; i < layout->node_count; i++) {
        struct rep_node *node = &layout->nodes[i];
        double row = node->kind == REP_NODE_SERVICE ? REP_LAYOUT_SLOT : ROW;
        for (size_t k = 0; k < node->entry_count; k++) {
            size_t arriving = node->entries[k].arriving;
            node->entries[k].height = arriving > 0 ? row * (double)arriving : ROW;
            if (node->kind == REP_NODE_TOPIC)
                node->entries[k].height += 8;
        }
        size_node(node);
    }
}

/* Boxes of a layer in order; each layer around the middle of the tallest. */
static void place_layer(struct rep_layout *layout, unsigned layer)
{
    double y = 0;
    double last = -1;

    for (size_t placed = 0; placed < layout->node_count; placed++) {
        struct rep_node *next = NULL;
        for (size_t i = 0; i < layout->node_count; i++) {
            struct rep_node *node = &layout->nodes[i];
            if (node->layer == layer && node->order > last &&
                (next == NULL || node->order < next->order))
                next = node;
        }
        if (next == NULL)
            break;
        last = next->order;
        next->y = y;
        y += next->height + BOX_GAP;
    }
    y -= BOX_GAP;
    for (size_t i = 0; i < layout->node_count; i++)
        if (layout->nodes[i].layer == layer)
            layout->nodes[i].y -= y / 2;
}

/* Sort a layer by where its callers stand; ties keep the order of the report. */
static void sort_layer(struct rep_layout *layout, unsigned layer)
{
    for (size_t i = 0; i < layout->node_count; i++) {
        struct rep_node *node = &layout->nodes[i];
        double sum = 0;
        double count = 0;
        if (node->layer != layer)
            continue;
        for (size_t k = 0; k < layout->wire_count; k++) {
            const struct rep_wire *wire = &layout->wires[k];
            const struct rep_node *from = &layout->nodes[wire->from];
            if (wire->to != i || wire->backwards)
                continue;
            sum += from->y + from->height / 2 + 5.0 * (double)wire->from_entry;
            count++;
        }
        node->order = (count > 0 ? sum / count : 0) * 1000 + (double)i;
    }
    for (size_t i = 0; i < layout->node_count; i++)
        if (layout->nodes[i].layer == layer)
            layout->nodes[i].order += 1e9; /* above place_layer()'s start */
    place_layer(layout, layer);
}

static void place_columns(struct rep_layout *layout)
{
    double x = MARGIN;

    for (unsigned layer = 0; layer < layout->layers; layer++) {
        double widest = 0;
        double gap = PLAIN_GAP;
        for (size_t i = 0; i < layout->wire_count; i++)
            if (layout->wires[i].labelled && !layout->wires[i].backwards &&
                layout->nodes[layout->wires[i].to].layer == layer + 1)
                gap = LABEL_GAP;
        for (size_t i = 0; i < layout->node_count; i++)
            if (layout->nodes[i].layer == layer && layout->nodes[i].width > widest)
                widest = layout->nodes[i].width;
        for (size_t i = 0; i < layout->node_count; i++) {
            if (layout->nodes[i].layer != layer)
                continue;
            layout->nodes[i].x = x;
            layout->nodes[i].width = widest;
        }
        x += widest + (layer + 1 < layout->layers ? gap : 0);
    }
    layout->width = x + MARGIN;
}

static void place_rows(struct rep_layout *layout)
{
    double top = 0;
    double bottom = 0;

    for (size_t i = 0; i < layout->node_count; i++) {
        const struct rep_node *node = &layout->nodes[i];
        top = node->y < top ? node->y : top;
        bottom = node->y + node->height > bottom ? node->y + node->height : bottom;
    }
    for (size_t i = 0; i < layout->node_count; i++) {
        struct rep_node *node = &layout->nodes[i];
        double y;
        node->y += MARGIN - top;
        y = node->y + (node->kind == REP_NODE_SERVICE ? HEAD : 0);
        for (size_t k = 0; k < node->entry_count; k++) {
            node->entries[k].y = y + node->entries[k].height / 2;
            y += node->entries[k].height;
        }
    }
    layout->height = bottom - top + 2 * MARGIN;
}

static void place_wires(struct rep_layout *layout)
{
    double lane = layout->height;

    for (size_t i = 0; i < layout->wire_count; i++) {
        struct rep_wire *wire = &layout->wires[i];
        const struct rep_node *from = &layout->nodes[wire->from];
        const struct rep_node *to = &layout->nodes[wire->to];
        const struct rep_entry *entry = &to->entries[wire->to_entry];
        double slot = entry->height / (double)(entry->arriving ? entry->arriving : 1);
        wire->x1 = from->x + from->width;
        wire->y1 = from->entries[wire->from_entry].y;
        wire->across = to->kind == REP_NODE_BEND ? to->width : 0;
        wire->x2 = to->x + wire->across;
        wire->y2 = entry->y - entry->height / 2 + slot * ((double)wire->slot + 0.5);
        if (wire->backwards)
            lane += 16;
    }
    if (lane > layout->height)
        layout->height = lane + MARGIN;
}

struct rep_layout *rep_layout_new(const json_t *edges)
{
    struct rep_layout *layout = otl_mem_zalloc(sizeof(*layout));

    if (layout == NULL)
        return NULL;
    for (size_t i = 0; i < json_array_size(edges); i++)
        add_edge(layout, json_array_get(edges, i));
    if (!layout->too_large)
        assign_layers(layout);
    if (!layout->too_large)
        add_bends(layout);
    if (layout->too_large || layout->wire_count == 0) {
        rep_layout_free(layout);
        return NULL;
    }
    for (size_t i = 0; i < layout->node_count; i++)
        if (layout->nodes[i].layer + 1 > layout->layers)
            layout->layers = layout->nodes[i].layer + 1;
    size_entries(layout);
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (unsigned layer = 0; layer < layout->layers; layer++)
            sort_layer(layout, layer);
    place_columns(layout);
    place_rows(layout);
    place_wires(layout);
    return layout;
}

void rep_layout_free(struct rep_layout *layout)
{
    otl_mem_free(layout);
}
