/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "reports/format.h"
#include "reports/html/layout.h"
#include "reports/html/parts.h"
#include "reports/words.h"

enum { ARROW = 8, TEXT_BYTES = 400 };

static bool is_broken(const json_t *edge)
{
    return rep_int(edge, "broken") > 0;
}

/* As many characters of text as fit; the whole is in the title. */
static void put_cut(struct rep_out *out, const char *text, size_t len, double width, double advance)
{
    size_t fit = width > 0 ? (size_t)(width / advance) : 0;
    size_t count = 0;
    size_t at = 0;
    size_t bytes = 0;
    char part[TEXT_BYTES + 8];

    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    if (count <= fit)
        fit = count + 1;
    for (at = 0; at < len && at < TEXT_BYTES; at++) {
        if (((unsigned char)text[at] & 0xc0) != 0x80) {
            bytes = at;
            if (fit == 0 || --fit == 0)
                break;
        }
    }
    if (at == len)
        bytes = len;
    memcpy(part, text, bytes);
    part[bytes] = '\0';
    rep_put_html(out, part);
    if (bytes < len)
        rep_put(out, "\xe2\x80\xa6");
}

static void put_title(struct rep_out *out, const char *text, size_t len)
{
    char part[TEXT_BYTES + 8];

    if (len >= TEXT_BYTES)
        return;
    memcpy(part, text, len);
    part[len] = '\0';
    rep_put(out, "<title>");
    rep_put_html(out, part);
    rep_put(out, "</title>");
}

static void put_node(struct rep_out *out, const struct rep_node *node)
{
    double middle = node->x + node->width / 2;

    if (node->kind == REP_NODE_BEND)
        return;
    rep_put(out, "<g>");
    put_title(out, node->name, node->name_len);
    rep_putf(
        out,
        "<rect class=\"node%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%d\"/>",
        node->kind == REP_NODE_TOPIC ? " topic" : "", node->x, node->y, node->width, node->height,
        node->kind == REP_NODE_SERVICE ? 7 : 16);
    rep_putf(out, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", middle,
             node->kind == REP_NODE_SERVICE ? node->y + 19.5 : node->entries[0].y + 4.5);
    put_cut(out, node->name, node->name_len, node->width - 18, 7.6);
    rep_put(out, "</text></g>\n");
    if (node->kind != REP_NODE_SERVICE)
        return;
    for (size_t i = 0; i < node->entry_count; i++) {
        const struct rep_entry *entry = &node->entries[i];
        double top = entry->y - entry->height / 2;
        rep_putf(out, "<line class=\"rule\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                 node->x + 1, node->x + node->width - 1, top, top);
        rep_put(out, "<g>");
        put_title(out, entry->name, strlen(entry->name));
        rep_putf(out, "<text class=\"entry\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", middle,
                 entry->y + 4);
        put_cut(out, entry->name, strlen(entry->name), node->width - 14, 6.95);
        rep_put(out, "</text></g>\n");
    }
}

static void put_path(struct rep_out *out, const struct rep_wire *wire, double lane)
{
    double run = wire->labelled ? REP_LAYOUT_LABEL : wire->arrow ? 14 : wire->across;
    double end = wire->x2 - (wire->arrow ? ARROW - 1 : 0);
    double turn = wire->x2 - run;
    double half = (turn - wire->x1) / 2;

    rep_putf(out, "<path class=\"wire%s%s\" d=\"M%.1f %.1f",
             *rep_str(wire->edge, "kind") == 'k' ? " kafka" : "",
             is_broken(wire->edge) ? " bad" : "", wire->x1, wire->y1);
    if (wire->backwards)
        rep_putf(out, "H%.1fV%.1fH%.1fV%.1fH%.1f\"/>", wire->x1 + 12, lane, turn - 12, wire->y2,
                 end);
    else
        rep_putf(out, "C%.1f %.1f %.1f %.1f %.1f %.1fH%.1f\"/>", wire->x1 + half, wire->y1,
                 turn - half, wire->y2, turn, wire->y2, end);
    if (wire->arrow)
        rep_putf(out, "<path class=\"head%s\" d=\"M%.1f %.1fl-%d -4v8z\"/>",
                 is_broken(wire->edge) ? " bad" : "", wire->x2, wire->y2, ARROW);
    rep_put(out, "\n");
}

static void put_figure_line(struct rep_out *out, const struct rep_wire *wire, double dy, bool bad)
{
    rep_putf(out, "<text class=\"fig%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
             bad ? " bad" : "", wire->x2 - REP_LAYOUT_LABEL / 2.0 - ARROW / 2.0, wire->y2 + dy);
}

/* Above the wire what was called and joined, below how long it took. */
static void put_label(struct rep_out *out, const struct rep_wire *wire)
{
    const json_t *edge = wire->edge;
    long long calls = rep_int(edge, "calls");
    long long complete = rep_int(edge, "complete");
    bool joined = !rep_is(edge, "mode", "none");

    put_figure_line(out, wire, -6, is_broken(edge));
    if (is_broken(edge))
        rep_putf(out, "%s broken", rep_format_count(rep_int(edge, "broken")).text);
    else if (joined && complete != calls && rep_has(edge, "sampled") &&
             complete == rep_int(edge, "sampled"))
        rep_putf(out, "%s sampled \xe2\x9c\x93", rep_format_count(complete).text);
    else if (joined && complete != calls)
        rep_putf(out, "%s of %s joined", rep_format_count(complete).text,
                 rep_format_count(calls).text);
    else
        rep_putf(out, "%s calls%s", rep_format_count(calls).text, joined ? " \xe2\x9c\x93" : "");
    rep_put(out, "</text>");
    if (rep_has(edge, "p50_ns")) {
        put_figure_line(out, wire, 14, false);
        rep_putf(out, "%s \xc2\xb7 ", rep_format_ns(rep_num(edge, "p50_ns")).text);
        rep_putf(out, "%s</text>", rep_latency_text(edge, "p99_ns").text);
    }
    rep_put(out, "\n");
}

static void put_picture(struct rep_out *out, const struct rep_layout *layout)
{
    double lane = layout->height;

    rep_putf(out,
             "<svg class=\"topo\" role=\"img\" aria-label=\"topology\" viewBox=\"0 0 %.0f %.0f\" "
             "style=\"width:min(100%%,%.0fpx);min-width:%.0fpx\">\n",
             layout->width, layout->height, layout->width, layout->width * 0.78);
    for (size_t i = 0; i < layout->wire_count; i++)
        if (layout->wires[i].backwards)
            lane -= 16;
    for (size_t i = 0; i < layout->wire_count; i++) {
        put_path(out, &layout->wires[i], lane);
        if (layout->wires[i].backwards)
            lane += 16;
    }
    for (size_t i = 0; i < layout->node_count; i++)
        put_node(out, &layout->nodes[i]);
    for (size_t i = 0; i < layout->wire_count; i++)
        if (layout->wires[i].labelled)
            put_label(out, &layout->wires[i]);
    rep_put(out, "</svg>");
}

void rep_html_topology(struct rep_out *out, const json_t *root)
{
    const json_t *edges = rep_get(root, "edges");
    struct rep_layout *layout;

    if (json_array_size(edges) == 0)
        return;
    rep_html_section(
        out, "topology", "Topology",
        "What called what, by the ledger. On each wire: calls, or those sampled (a tick when each "
        "is joined "
        "in the traces), and p50 \xc2\xb7 p99 of the hop: for HTTP from sent to answered, for "
        "Kafka (dashed) from published to handled. Red: the context was lost.");
    layout = rep_layout_new(edges);
    if (layout != NULL) {
        rep_put(out, "<div class=\"card pad\"><div class=\"scroll\">\n");
        put_picture(out, layout);
        rep_put(out, "</div></div>\n");
    } else {
        rep_put(out, "<p class=\"missing\">The fleet is too large, or there was no memory for a "
                     "picture.</p>\n");
    }
    rep_layout_free(layout);
    rep_html_edges(out, root);
    rep_html_section_end(out);
}
