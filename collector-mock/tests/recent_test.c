/* SPDX-License-Identifier: Apache-2.0 */
/* What people see of the traces: lines of --print, the status page. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/rig.h"
#include "collector-mock/wire/put.h"
#include "sdk/base/clock.h"

static const char config[] =
    "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
    "exporters: {nop: }\n"
    "service:\n"
    "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
    "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n";

static struct rig rig;
static struct otl_buf answer;

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&rig);
    rig_config(&rig, config);
    otl_buf_init(&answer, 1u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    otl_buf_fini(&answer);
    return 0;
}

struct span {
    uint64_t trace;
    bool root, error;
    const char *name;
    uint64_t start_ns, end_ns;
    const char *attribute; /* the value of "<k>"; NULL: none */
};

static void put(struct otl_buf *out, uint32_t number, const void *data, size_t len)
{
    assert_int_equal(col_put_field(out, number, otl_view(data, len)), OTEL_OK);
}

static void put_fixed(struct otl_buf *out, unsigned number, uint64_t value)
{
    uint8_t bytes[9] = {(uint8_t)(number << 3 | COL_WIRE_FIXED64)};

    memcpy(bytes + 1, &value, 8);
    assert_int_equal(otl_buf_append(out, bytes, 9), OTEL_OK);
}

static void put_attribute(struct otl_buf *out, const char *text)
{
    struct otl_buf pair, value;

    otl_buf_init(&pair, 1 << 20);
    otl_buf_init(&value, 1 << 20);
    put(&value, 1, text, strlen(text));
    put(&pair, 1, "<k>", 3);
    put(&pair, 2, value.data, value.len);
    put(out, 9, pair.data, pair.len);
    otl_buf_fini(&pair);
    otl_buf_fini(&value);
}

/* An export request of service "shop". */
static void request_of(const struct span *spans, size_t count, struct otl_buf *ret)
{
    static const char resource[] = "\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04shop";
    struct otl_buf one, scope, group;

    otl_buf_init(&one, 1 << 20);
    otl_buf_init(&scope, 1 << 20);
    otl_buf_init(&group, 1 << 20);
    otl_buf_init(ret, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        uint8_t id[16] = {0xab}, own[8] = {1, (uint8_t)i}, parent[8] = {2};
        for (unsigned k = 0; k < 8; k++)
            id[15 - k] = (uint8_t)(spans[i].trace >> (8 * k));
        otl_buf_reset(&one);
        put(&one, 1, id, 16);
        put(&one, 2, own, 8);
        if (!spans[i].root)
            put(&one, 4, parent, 8);
        put(&one, 5, spans[i].name, strlen(spans[i].name));
        put_fixed(&one, 7, spans[i].start_ns);
        put_fixed(&one, 8, spans[i].end_ns);
        if (spans[i].attribute != NULL)
            put_attribute(&one, spans[i].attribute);
        if (spans[i].error)
            put(&one, 15, "\x12\x03<e>\x18\x02", 7);
        put(&scope, 2, one.data, one.len);
    }
    put(&group, 1, resource, sizeof(resource) - 1);
    put(&group, 2, scope.data, scope.len);
    put(ret, 1, group.data, group.len);
    otl_buf_fini(&one);
    otl_buf_fini(&scope);
    otl_buf_fini(&group);
}

static void post(const struct span *spans, size_t count)
{
    int fd = rig_connect(rig_port(&rig, "otlp/http"));
    struct otl_buf request;

    request_of(spans, count, &request);
    assert_int_equal(rig_post(fd, "", otl_view(request.data, request.len), &answer), 200);
    close(fd);
    otl_buf_fini(&request);
}

/* Lines of standard output and error that hold text. */
static size_t lines_with(const char *text)
{
    struct otl_buf log;
    size_t count = 0;

    rig_read(rig.log, &log);
    for (char *line = log.data, *end; line != NULL && (end = strchr(line, '\n')) != NULL;
         line = end + 1) {
        *end = '\0';
        count += strstr(line, text) != NULL;
    }
    otl_buf_fini(&log);
    return count;
}

static void wait_for_line(const char *text)
{
    uint64_t end = otl_clock_mono(otl_clock_real()) + RIG_WAIT_MS * OTL_NS_PER_MS;

    while (lines_with(text) == 0) {
        if (otl_clock_mono(otl_clock_real()) > end)
            fail_msg("no line with '%s' has come", text);
        poll(NULL, 0, 20); /* between looks at a file */
    }
}

static unsigned get(const char *path)
{
    int fd = rig_connect(rig_port(&rig, "metrics"));
    unsigned status;
    char text[200];
    int len = snprintf(text, sizeof(text),
                       "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);

    rig_send(fd, text, (size_t)len);
    status = rig_answer(fd, &answer);
    close(fd);
    return status;
}

static const char *page(void)
{
    assert_int_equal(get("/"), 200);
    assert_non_null(strstr(answer.data, "Content-Type: text/html; charset=utf-8"));
    return answer.data;
}

#define SHOP_TRACE "ab000000000000000000000000000007"
static const struct span shop[] = {{7, false, true, "SELECT", 2000000, 4000000, NULL},
                                   {7, true, false, "GET /\x1b[31m<x>", 1000000, 4000000, NULL}};

static void print_says_one_line_a_trace(void **state)
{
    (void)state;
    rig_start(&rig, "--print");
    post(shop, 2);
    assert_int_equal(rig_stop(&rig), 0);
    assert_int_equal(lines_with(SHOP_TRACE), 1);
    assert_int_equal(
        lines_with("  " SHOP_TRACE "  shop  GET /?[31m<x>  2 spans  3.000 ms  1 error"), 1);
}

static void print_says_it_while_the_program_runs_and_again_if_more_comes(void **state)
{
    static const struct span late = {7, false, false, "late", 4000000, 9000000, NULL};

    (void)state;
    rig_start(&rig, "--print");
    post(shop, 1); /* without its root */
    wait_for_line("  SELECT  1 span  2.000 ms  1 error  no root");
    post(&late, 1);
    assert_int_equal(rig_stop(&rig), 0);
    assert_int_equal(lines_with(SHOP_TRACE), 2);
    assert_int_equal(lines_with("  2 spans  7.000 ms  1 error  no root  late spans"), 1);
}

static void the_page_shows_recent_traces_and_where_to_send_them(void **state)
{
    const char *text;
    char port[16];

    (void)state;
    rig_start(&rig, "--status");
    post(shop, 2);
    text = page();
    snprintf(port, sizeof(port), ":%u</tr>", rig_port(&rig, "otlp/http"));
    assert_non_null(strstr(text, port));
    assert_non_null(strstr(text, "traces: 2 spans in 1 request; metrics: 0 data points in 0 req"));
    assert_non_null(strstr(text, "<a href=\"/trace/" SHOP_TRACE "\"><code>" SHOP_TRACE
                                 "</code></a><td>shop<td>GET /?[31m&lt;x&gt;<td>2<td>3.000<td>1"
                                 "<td>yes</tr>"));
    assert_int_equal(rig_metric(&rig, "otelcol_exporter_sent_spans_total{exporter=\"nop\"}"), 2);
    assert_int_equal(rig_stop(&rig), 0);
    assert_int_equal(lines_with(SHOP_TRACE), 0); /* and nothing is printed */
}

/* By their start; what others said is text. */
static void a_trace_has_a_page_of_its_spans(void **state)
{
    static const struct span more[] = {{7, false, false, "late", 9000000, 9500000, "<b>&\x1b"},
                                       {8, true, false, "other", 1, 2, NULL}};
    static const char *const nowhere[] = {
        "/trace/ab000000000000000000000000000009", "/trace/ab00000000000000000000000000000",
        "/trace/ab0000000000000000000000000000079", "/trace/zz000000000000000000000000000007",
        "/trace/", "/trace/ab000000000000000000000000000007/"};
    const char *root, *select, *late;

    (void)state;
    rig_start(&rig, "--status");
    post(shop, 2);
    post(more, 2);
    assert_int_equal(get("/trace/" SHOP_TRACE), 200);
    root = strstr(answer.data, "<tr><td>0.000<td>3.000<td>shop<td>GET /?[31m&lt;x&gt;<td><td><code>"
                               "0101000000000000</code><td><code></code><td><td><td></tr>");
    select = strstr(answer.data, "<tr><td>1.000<td>2.000<td>shop<td>SELECT<td><td><code>"
                                 "0100000000000000</code><td><code>0200000000000000</code><td>error"
                                 " &lt;e&gt;<td><td></tr>");
    late = strstr(answer.data, "<tr><td>8.000<td>0.500<td>shop<td>late<td><td><code>"
                               "0100000000000000</code><td><code>0200000000000000</code><td><td>"
                               "&lt;k&gt; = &lt;b&gt;&amp;?<br><td></tr>");
    if (root == NULL || select == NULL || late == NULL || root > select || select > late)
        fail_msg("%s", answer.data);
    assert_null(strstr(answer.data, "other"));
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
        assert_int_equal(get(nowhere[i]), 404);
    assert_int_equal(rig_stop(&rig), 0);
}

/* The newest are kept; a page is cut, and says so. */
static void pages_of_traces_are_bounded(void **state)
{
    enum { SPANS = 1300, TEXT = 60000 };
    static struct span spans[SPANS];
    static char text[TEXT + 1], larger[70000];
    const char *at;

    (void)state;
    memset(text, '<', TEXT);
    memset(larger, '<', sizeof(larger) - 1);
    for (size_t i = 0; i < SPANS; i++) {
        const struct span span = {7, false, false, "many", 1, 2, NULL};
        spans[i] = span;
    }
    rig_start(&rig, "--status");
    post(spans, SPANS);
    assert_int_equal(get("/trace/" SHOP_TRACE), 200);
    at = strstr(answer.data, "<p>300 more are not shown.</p>");
    assert_non_null(at);
    for (size_t i = 0; i < 80; i++) { /* more than 4 MiB */
        struct span span = {8, false, false, "large", i, i, text};
        span.trace = i < 79 ? 8 : 9;
        post(&span, 1);
    }
    assert_int_equal(get("/trace/" SHOP_TRACE), 404);
    assert_int_equal(get("/trace/ab000000000000000000000000000008"), 200);
    assert_non_null(strstr(answer.data, "&lt;&hellip;<br>"));
    assert_true(strlen(answer.data) < 200000);
    assert_int_equal(get("/trace/ab000000000000000000000000000009"), 200);
    spans[0].trace = 10;
    spans[0].attribute = larger; /* this one alone would not be kept */
    post(spans, 1);
    assert_int_equal(get("/trace/ab00000000000000000000000000000a"), 404);
    assert_int_equal(get("/trace/ab000000000000000000000000000009"), 200);
    assert_int_equal(rig_stop(&rig), 0);
}

static void the_page_says_that_no_traces_are_kept(void **state)
{
    (void)state;
    rig_start(&rig, NULL);
    post(shop, 2);
    assert_non_null(strstr(page(), "Not kept; start with --status"));
    assert_null(strstr(answer.data, SHOP_TRACE));
    assert_int_equal(get("/trace/" SHOP_TRACE), 404);
    assert_int_equal(rig_stop(&rig), 0);
}

static void old_traces_make_room_and_each_has_its_line(void **state)
{
    enum { TRACES = 600, KEPT = 256 };
    static struct span spans[TRACES];
    size_t rows = 0;

    (void)state;
    for (size_t i = 0; i < TRACES; i++) {
        const struct span span = {1000 + i, true, false, "many", 1, 2, NULL};
        spans[i] = span;
    }
    rig_start(&rig, "--print");
    post(spans, TRACES);
    for (const char *at = page(); (at = strstr(at, "<td>many<td>1<td>")) != NULL; at++)
        rows++;
    assert_int_equal(rows, KEPT);
    assert_int_equal(rig_stop(&rig), 0);
    assert_int_equal(lines_with("  shop  many  1 span  "), TRACES);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(print_says_one_line_a_trace),
        CASE(print_says_it_while_the_program_runs_and_again_if_more_comes),
        CASE(the_page_shows_recent_traces_and_where_to_send_them),
        CASE(a_trace_has_a_page_of_its_spans),
        CASE(pages_of_traces_are_bounded),
        CASE(the_page_says_that_no_traces_are_kept),
        CASE(old_traces_make_room_and_each_has_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
