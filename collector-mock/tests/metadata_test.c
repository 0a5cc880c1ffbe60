/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of clients, as far as processors may have them: metadata_keys and from_context. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/grpc/tests/client.h"
#include "collector-mock/tests/lone.h"

static void configure(const char *include, const char *batch, const char *processors)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0', include_metadata: %s},"
             " grpc: {endpoint: '127.0.0.1:0', include_metadata: %s}}}}\n"
             "processors:\n"
             "  batch: {timeout: 1000s, send_batch_size: 1000, %s}\n"
             "  attributes: {actions: [{key: tenant, action: upsert, from_context: "
             "metadata.X-Extra}, {key: bare, action: upsert, from_context: x-extra}, "
             "{key: none, action: upsert, from_context: metadata.host-of}]}\n"
             "exporters: {file: {path: DIR/out.json}}\n"
             "service:\n"
             "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
             "  pipelines: {traces: {receivers: [otlp], processors: [%s], exporters: [file]}}\n",
             include, include, batch, processors);
    rig_config(&lone, text);
}

static const char *out_name = "out.json";

/* How often the text is in the n-th line of what the exporter wrote; -1: there is no such line. */
static int written(size_t line, const char *text)
{
    struct otl_buf out;
    char path[128], *at, *end;
    int count = -1;

    snprintf(path, sizeof(path), "%s/%s", lone.dir, out_name);
    rig_read(path, &out);
    for (at = out.data; line > 0 && at != NULL; line--)
        at = strchr(at, '\n') != NULL ? strchr(at, '\n') + 1 : NULL;
    end = at != NULL ? strchr(at, '\n') : NULL;
    if (end != NULL) {
        *end = '\0';
        for (count = 0; (at = strstr(at, text)) != NULL; at += strlen(text))
            count++;
    }
    otl_buf_fini(&out);
    return count;
}

#define TENANT(name) "{\"key\":\"tenant\",\"value\":{\"stringValue\":\"" name "\"}}"

static void each_set_of_values_has_a_batch_of_its_own(void **state)
{
    static const char series[] =
        "otelcol_processor_batch_metadata_cardinality{processor=\"batch\"}";

    (void)state;
    configure("true", "metadata_keys: [X-EXTRA], metadata_cardinality_limit: 3",
              "batch, attributes");
    rig_start(&lone, NULL);
    assert_int_equal(lone_post("X-Extra: a\r\n"), 200);
    assert_int_equal(lone_post("x-extra: b\r\n"), 200);
    assert_int_equal(lone_post("X-eXtra: a\r\n"), 200);
    assert_true(rig_metric(&lone, series) == 2);
    assert_int_equal(lone_post(""), 200);
    assert_true(rig_metric(&lone, series) == 3);
    assert_int_equal(lone_post("X-Extra: c\r\n"), 500); /* for good */
    assert_non_null(strstr(lone_answer.data, "too many batcher metadata-value combinations"));
    assert_int_equal(lone_post("X-Extra: b\r\n"), 200);
    assert_int_equal(rig_stop(&lone), 0);
    /* the last one made comes first at the end; each has its value alone */
    assert_int_equal(written(0, "\"spanId\""), LONE_SPANS);
    assert_int_equal(written(0, "\"tenant\""), 0);
    assert_int_equal(written(1, TENANT("b")), 2 * LONE_SPANS);
    assert_int_equal(written(1, TENANT("a")), 0);
    assert_int_equal(written(2, TENANT("a")), 2 * LONE_SPANS);
    assert_int_equal(written(3, ""), -1);
}

static void headers_of_grpc_count_likewise(void **state)
{
    struct ask ask = {.extra = "b"};
    struct otl_buf framed;
    struct client client;

    (void)state;
    configure("true", "metadata_keys: [x-extra]", "batch, attributes");
    rig_start(&lone, NULL);
    otl_buf_init(&framed, 1 << 20);
    put_message(&framed, 0, otl_view(lone_body.data, lone_body.len));
    ask.body = framed.data;
    ask.len = framed.len;
    client_open(&client, rig_connect(rig_port(&lone, "otlp/grpc")), NULL, NULL);
    assert_int_equal(client_call(&client, &ask), 0);
    client_close(&client);
    otl_buf_fini(&framed);
    assert_int_equal(lone_post("X-Extra: b\r\n"), 200);
    assert_int_equal(rig_stop(&lone), 0);
    assert_int_equal(written(0, TENANT("b")), 2 * LONE_SPANS);
    assert_int_equal(written(1, ""), -1);
}

static void headers_become_attributes(void **state)
{
    (void)state;
    configure("true", "", "attributes");
    rig_start(&lone, NULL);
    assert_int_equal(lone_post("X-Extra: a\r\n"), 200);
    assert_int_equal(lone_post("X-Extra: \xff\r\n"), 200); /* no text: nothing */
    assert_int_equal(rig_stop(&lone), 0);
    assert_int_equal(written(0, TENANT("a")), LONE_SPANS);
    assert_int_equal(written(0, "{\"key\":\"bare\",\"value\":{\"stringValue\":\"a\"}}"),
                     LONE_SPANS);
    assert_int_equal(written(0, "\"none\""), 0);
    assert_int_equal(written(1, "\"tenant\""), 0);
}

/* As in the Collector: without include_metadata nobody has said anything. */
static void without_include_metadata_there_are_none(void **state)
{
    (void)state;
    configure("false", "metadata_keys: [x-extra], metadata_cardinality_limit: 1",
              "batch, attributes");
    rig_start(&lone, NULL);
    assert_int_equal(lone_post("X-Extra: a\r\n"), 200);
    assert_int_equal(lone_post("X-Extra: b\r\n"), 200);
    assert_int_equal(rig_stop(&lone), 0);
    assert_int_equal(written(0, "\"spanId\""), 2 * LONE_SPANS);
    assert_int_equal(written(0, "\"tenant\""), 0);
}

/* A header that comes several times: its values with ; between them, before a batch and behind. */
static void values_of_a_header_are_joined(void **state)
{
    static const char *const ways[][2] = {{"", "attributes"},
                                          {"metadata_keys: [x-extra]", "batch, attributes"}};

    for (size_t i = 0; i < 2; i++) {
        configure("true", ways[i][0], ways[i][1]);
        rig_start(&lone, NULL);
        assert_int_equal(lone_post("X-Extra: a\r\nOther: x\r\nx-extra: b\r\nX-EXTRA:\r\n"), 200);
        assert_int_equal(lone_post("X-Extra: a\r\n"), 200);
        assert_int_equal(lone_post("X-Extra:\r\n"), 200);
        assert_int_equal(rig_stop(&lone), 0);
        /* a batch made later comes first */
        assert_int_equal(written(i == 0 ? 0 : 2, TENANT("a;b;")), LONE_SPANS);
        assert_int_equal(written(1, TENANT("a")), LONE_SPANS);
        assert_int_equal(written(i == 0 ? 2 : 0, TENANT("")), LONE_SPANS);
        lone_teardown(state);
        lone_setup(state);
    }
}

#define CLIENT "- {key: address, action: upsert, from_context: client.address}\n"              \
               "    - {key: user, action: upsert, from_context: auth.username}\n"              \
               "    - {key: raw, action: upsert, from_context: auth.raw}\n"                    \
               "    - {key: other, action: upsert, from_context: auth.password, "              \
               "default_value: untold}\n"                                                      \
               "    - {key: number, action: upsert, default_value: 7}\n"
#define SAYS(key, text) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" text "\"}}"

/* Not a matter of include_metadata. Credentials are known where the protocol has a guard. */
static void client_and_credentials_become_attributes(void **state)
{
    struct ask ask = {.path = NULL};
    struct otl_buf framed;
    struct client client;

    (void)state;
    rig_config(&lone,
               "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0', auth: "
               "{authenticator: basicauth}}, grpc: {endpoint: '127.0.0.1:0'}}}}\n"
               "processors:\n"
               "  batch: {timeout: 1000s, send_batch_size: 24}\n"
               "  attributes:\n    actions:\n    " CLIENT
               "exporters: {file: {path: DIR/out.json}, file/late: {path: DIR/late.json}}\n"
               "extensions: {basicauth: {htpasswd: {inline: 'alice:sec:ret'}}}\n"
               "service:\n"
               "  extensions: [basicauth]\n"
               "  pipelines:\n"
               "    traces: {receivers: [otlp], processors: [attributes], exporters: [file]}\n"
               "    traces/late: {receivers: [otlp], processors: [batch, attributes], exporters: "
               "[file/late]}\n");
    rig_start(&lone, NULL);
    assert_int_equal(lone_post("Authorization: Basic YWxpY2U6c2VjOnJldA==\r\n"), 200);
    otl_buf_init(&framed, 1 << 20);
    put_message(&framed, 0, otl_view(lone_body.data, lone_body.len));
    ask.body = framed.data;
    ask.len = framed.len;
    client_open(&client, rig_connect(rig_port(&lone, "otlp/grpc")), NULL, NULL);
    assert_int_equal(client_call(&client, &ask), 0);
    client_close(&client);
    otl_buf_fini(&framed);
    assert_int_equal(rig_stop(&lone), 0);
    for (size_t line = 0; line < 2; line++) {
        assert_int_equal(written(line, SAYS("address", "127.0.0.1")), LONE_SPANS);
        assert_int_equal(written(line, SAYS("user", "alice")), line == 0 ? LONE_SPANS : 0);
        assert_int_equal(written(line, SAYS("raw", "YWxpY2U6c2VjOnJldA==")),
                         line == 0 ? LONE_SPANS : 0);
        assert_int_equal(written(line, SAYS("other", "untold")), LONE_SPANS);
        assert_int_equal(written(line, "{\"key\":\"number\",\"value\":{\"intValue\":\"7\"}}"),
                         LONE_SPANS);
    }
    out_name = "late.json"; /* behind a batch nobody is there */
    assert_int_equal(written(0, SAYS("address", "")), LONE_SPANS);
    assert_int_equal(written(0, "\"user\""), 0);
    out_name = "out.json";
}

/* Behind a batch without keys the client is forgotten. */
static void a_batch_without_keys_forgets_the_client(void **state)
{
    (void)state;
    configure("true", "", "batch, attributes");
    rig_start(&lone, NULL);
    assert_int_equal(lone_post("X-Extra: a\r\n"), 200);
    assert_int_equal(rig_stop(&lone), 0);
    assert_int_equal(written(0, "\"spanId\""), LONE_SPANS);
    assert_int_equal(written(0, "\"tenant\""), 0);
}

static unsigned post_official(const char *signal, const char *headers)
{
    int fd = rig_connect(rig_port(&lone, "otlp/http"));
    struct otl_buf body;
    char path[32], lines[128];
    unsigned status;

    snprintf(path, sizeof(path), "/v1/%s", signal);
    snprintf(lines, sizeof(lines), "Content-Type: application/x-protobuf\r\n%s", headers);
    rig_official(signal, &body);
    status = rig_post_to(fd, path, lines, otl_view(body.data, body.len), &lone_answer);
    otl_buf_fini(&body);
    close(fd);
    return status;
}

/* Into each point and record, at once and behind a batch with keys. */
static void headers_become_attributes_of_points_and_records(void **state)
{
    static const struct {
        const char *signal, *direct, *batched;
        int count; /* of the official request */
    } rows[] = {{"metrics", "metrics.json", "metrics-b.json", 16},
                {"logs", "logs.json", "logs-b.json", 6}};

    (void)state;
    rig_config(&lone,
               "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0', include_metadata: "
               "true}}}}\n"
               "processors:\n"
               "  batch: {timeout: 1000s, send_batch_size: 1000, metadata_keys: [x-extra]}\n"
               "  attributes: {actions: [{key: tenant, action: upsert, from_context: "
               "metadata.X-Extra}, {key: address, action: upsert, from_context: client.address}]}\n"
               "exporters: {file/m: {path: DIR/metrics.json}, file/l: {path: DIR/logs.json},\n"
               "            file/mb: {path: DIR/metrics-b.json}, file/lb: {path: "
               "DIR/logs-b.json}}\n"
               "service:\n"
               "  pipelines:\n"
               "    metrics: {receivers: [otlp], processors: [attributes], exporters: [file/m]}\n"
               "    logs: {receivers: [otlp], processors: [attributes], exporters: [file/l]}\n"
               "    metrics/b: {receivers: [otlp], processors: [batch, attributes], exporters: "
               "[file/mb]}\n"
               "    logs/b: {receivers: [otlp], processors: [batch, attributes], exporters: "
               "[file/lb]}\n");
    rig_start(&lone, NULL);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(post_official(rows[i].signal, "X-Extra: a\r\n"), 200);
        assert_int_equal(post_official(rows[i].signal, "X-Extra: b\r\n"), 200);
        assert_int_equal(post_official(rows[i].signal, "x-extra: a\r\n"), 200);
        assert_int_equal(post_official(rows[i].signal, ""), 200);
    }
    assert_int_equal(rig_stop(&lone), 0);
    for (size_t i = 0; i < 2; i++) {
        out_name = rows[i].direct;
        assert_int_equal(written(0, TENANT("a")), rows[i].count);
        assert_int_equal(written(0, SAYS("address", "127.0.0.1")), rows[i].count);
        assert_int_equal(written(1, TENANT("b")), rows[i].count);
        assert_int_equal(written(3, "\"tenant\""), 0);
        out_name = rows[i].batched; /* the last one made comes first */
        assert_int_equal(written(0, "\"tenant\""), 0);
        assert_int_equal(written(1, TENANT("b")), rows[i].count);
        assert_int_equal(written(2, TENANT("a")), 2 * rows[i].count);
        assert_int_equal(written(3, ""), -1);
    }
    out_name = "out.json";
}

static void mistakes_are_told_with_their_place(void **state)
{
    const char *arguments[] = {"--config", lone.config, NULL};
    struct otl_buf log;

    (void)state;
    configure("true", "metadata_keys: [a, B, b]", "batch");
    assert_int_equal(rig_run(&lone, arguments), 2);
    rig_read(lone.log, &log);
    assert_non_null(strstr(log.data, ":3:72: processor 'batch': duplicate entry in metadata_keys: "
                                     "\"b\" (case-insensitive)"));
    otl_buf_fini(&log);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, lone_setup, lone_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_set_of_values_has_a_batch_of_its_own),
        CASE(headers_of_grpc_count_likewise),
        CASE(headers_become_attributes),
        CASE(values_of_a_header_are_joined),
        CASE(client_and_credentials_become_attributes),
        CASE(without_include_metadata_there_are_none),
        CASE(a_batch_without_keys_forgets_the_client),
        CASE(headers_become_attributes_of_points_and_records),
        CASE(mistakes_are_told_with_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
