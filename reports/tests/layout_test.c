/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reports/html/layout.h"
#include "reports/tests/help.h"

static json_t *edge(const char *from, const char *to, const char *topic)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:i}", "from", from, "to", to, "topic",
                     topic, "kind", *topic ? "kafka" : "http", "mode", "parent", "calls", 1,
                     "complete", 1, "broken", 0, "errors", 0);
}

static const struct rep_node *find(const struct rep_layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->node_count; i++)
        if (strncmp(layout->nodes[i].name, name, layout->nodes[i].name_len) == 0 &&
            layout->nodes[i].name_len == strlen(name))
            return &layout->nodes[i];
    fail_msg("no box %s", name);
    return NULL;
}

static bool overlap(const struct rep_node *a, const struct rep_node *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
           b->y < a->y + a->height;
}

/* What must hold for every picture. */
static void hold_sane(const struct rep_layout *layout)
{
    for (size_t i = 0; i < layout->node_count; i++) {
        const struct rep_node *node = &layout->nodes[i];
        assert_true(node->x >= 0 && node->y >= 0);
        assert_true(node->x + node->width <= layout->width);
        assert_true(node->y + node->height <= layout->height);
        for (size_t k = i + 1; k < layout->node_count; k++)
            assert_false(overlap(node, &layout->nodes[k]));
    }
    for (size_t i = 0; i < layout->wire_count; i++) {
        const struct rep_wire *wire = &layout->wires[i];
        assert_true(wire->y2 > 0 && wire->y2 < layout->height);
        assert_true(wire->backwards || wire->x1 < wire->x2);
    }
}

/* What passes a layer goes on where it ended. */
static void long_wires_have_no_gaps(void **state)
{
    json_t *edges = json_array();
    struct rep_layout *layout;
    size_t bends = 0;

    (void)state;
    json_array_append_new(edges, edge("load", "gw GET /", ""));
    json_array_append_new(edges, edge("gw GET /", "middle GET /with-a-long-name", ""));
    json_array_append_new(edges, edge("middle GET /with-a-long-name", "low GET /", ""));
    json_array_append_new(edges, edge("low GET /", "leaf GET /", ""));
    json_array_append_new(edges, edge("gw GET /", "leaf GET /", ""));
    layout = rep_layout_new(edges);
    assert_non_null(layout);
    hold_sane(layout);
    for (size_t i = 0; i < layout->wire_count; i++) {
        const struct rep_wire *wire = &layout->wires[i];
        if (layout->nodes[wire->to].kind != REP_NODE_BEND)
            continue;
        bends++;
        assert_true(wire->across > 0);
        for (size_t k = 0; k < layout->wire_count; k++) {
            if (layout->wires[k].from != wire->to)
                continue;
            assert_float_equal(layout->wires[k].x1, wire->x2, 0.01);
            assert_float_equal(layout->wires[k].y1, wire->y2, 0.01);
        }
    }
    assert_int_equal(bends, 2);
    rep_layout_free(layout);
    json_decref(edges);
}

static void callers_stand_left_of_callees(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");
    struct rep_layout *layout = rep_layout_new(rep_get(model->root, "edges"));

    (void)state;
    assert_non_null(layout);
    hold_sane(layout);
    assert_int_equal(layout->layers, 5);
    assert_true(find(layout, "load")->x < find(layout, "gateway")->x);
    assert_true(find(layout, "gateway")->x < find(layout, "order")->x);
    assert_true(find(layout, "order.created")->x < find(layout, "shipping")->x);
    assert_int_equal(find(layout, "order.created")->kind, REP_NODE_TOPIC);
    rep_layout_free(layout);
    rep_model_free(model);
}

static void circles_and_calls_to_oneself_are_drawn(void **state)
{
    json_t *edges = json_array();
    struct rep_layout *layout;
    size_t backwards = 0;

    (void)state;
    json_array_append_new(edges, edge("load", "a GET /x", ""));
    json_array_append_new(edges, edge("a GET /x", "b GET /y", ""));
    json_array_append_new(edges, edge("b GET /y", "a GET /z", ""));
    json_array_append_new(edges, edge("a GET /z", "a GET /z", ""));
    layout = rep_layout_new(edges);
    assert_non_null(layout);
    hold_sane(layout);
    for (size_t i = 0; i < layout->wire_count; i++)
        backwards += layout->wires[i].backwards;
    assert_int_equal(backwards, 2);
    rep_layout_free(layout);
    json_decref(edges);
}

static void a_long_wire_passes_between_the_boxes(void **state)
{
    json_t *edges = json_array();
    struct rep_layout *layout;
    size_t bends = 0;
    size_t labels = 0;

    (void)state;
    json_array_append_new(edges, edge("load", "a GET /", ""));
    json_array_append_new(edges, edge("a GET /", "b GET /", ""));
    json_array_append_new(edges, edge("b GET /", "c GET /", ""));
    json_array_append_new(edges, edge("a GET /", "c GET /", ""));
    json_array_append_new(edges, edge("load", "c GET /", ""));
    layout = rep_layout_new(edges);
    assert_non_null(layout);
    hold_sane(layout);
    for (size_t i = 0; i < layout->node_count; i++)
        bends += layout->nodes[i].kind == REP_NODE_BEND;
    for (size_t i = 0; i < layout->wire_count; i++)
        labels += layout->wires[i].labelled;
    assert_int_equal(bends, 3);
    assert_int_equal(labels, 5);
    rep_layout_free(layout);
    json_decref(edges);
}

static void a_fleet_beyond_the_limits_has_no_picture(void **state)
{
    json_t *edges = json_array();
    char from[32];
    char to[32];

    (void)state;
    assert_null(rep_layout_new(edges));
    for (int i = 0; i < REP_LAYOUT_NODES + 10; i++) {
        snprintf(from, sizeof(from), "s%d GET /", i);
        snprintf(to, sizeof(to), "s%d GET /", i + 1);
        json_array_append_new(edges, edge(from, to, ""));
    }
    assert_null(rep_layout_new(edges));
    json_array_clear(edges);
    for (int i = 0; i < REP_LAYOUT_ENTRIES + 1; i++) {
        snprintf(to, sizeof(to), "one GET /%d", i);
        json_array_append_new(edges, edge("load", to, ""));
    }
    assert_null(rep_layout_new(edges));
    json_decref(edges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_stand_left_of_callees),
        cmocka_unit_test(long_wires_have_no_gaps),
        cmocka_unit_test(circles_and_calls_to_oneself_are_drawn),
        cmocka_unit_test(a_long_wire_passes_between_the_boxes),
        cmocka_unit_test(a_fleet_beyond_the_limits_has_no_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
