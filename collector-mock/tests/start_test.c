/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/rig.h"

/* What the program says when it cannot begin, and how it ends then. */

#define RECEIVER "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
#define FILE_EXPORTER(more)                                                                       \
    RECEIVER "exporters: {file: {path: x, " more "}}\n"                                           \
             "service: {pipelines: {traces: {receivers: [otlp], exporters: [file]}}}\n"
static const char with_nop[] =
    RECEIVER "exporters: {nop: }\nservice:\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n";

static void expect(struct rig *rig, const char *const *arguments, int status, const char *says)
{
    struct otl_buf text;
    int got;

    unlink(rig->log);
    got = rig_run(rig, arguments);
    rig_read(rig->log, &text);
    if (got != status || strstr(text.data, says) == NULL)
        fail_msg("exit %d, expected %d; said: %s\nexpected: %s", got, status, text.data, says);
    otl_buf_fini(&text);
}

static void wrong_words_and_files_end_with_2(void **state)
{
    static const struct {
        const char *config; /* NULL: none is written */
        const char *arguments[4];
        const char *says;
    } cases[] = {
        {NULL, {"--confg", "x"}, "unknown option --confg (did you mean --config?)"},
        {NULL, {"--config"}, "option --config needs a value"},
        {NULL, {"stray"}, "unexpected argument 'stray'"},
        {NULL, {"--ready-fd", "x"}, "--ready-fd: 'x' is no descriptor number"},
        {NULL, {"--broken", "lose"}, "--broken: 'lose' is not lose-after-ack:N"},
        {NULL, {"--broken", "lose-after-ack:0"}, "is not lose-after-ack:N"},
        {NULL, {"--config", "/nonexistent/c.yaml"}, "/nonexistent/c.yaml: cannot open"},
        {NULL, {"--config", "/"}, "/: this is a directory: --config takes files, once for each"},
        {"", {NULL}, "config.yaml: the configuration is empty"},
        {"receivers: {otlp: {protocols: {http: {endpont: x}}}}\nexporters: {nop: }\n"
         "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
         {NULL},
         "config.yaml:1:39: unknown key 'endpont' (did you mean 'endpoint'?)"},
        {"receivers: {otlp: {protocols: {grpc: {transport: unix}}}}\nexporters: {nop: }\n"
         "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
         {NULL},
         "config.yaml:1:39: receiver 'otlp': 'transport' is a setting of the Collector that this "
         "one does not have yet"},
        {"receivers: {otlp: {protocols: {http: {tls: {}}}}}\nexporters: {nop: }\n"
         "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
         {NULL},
         "config.yaml:1:39: receiver 'otlp': TLS needs both a certificate and its key"},
        {"receivers: {otlp: {protocols: }}\nexporters: {nop: }\n"
         "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
         {NULL},
         "config.yaml:1:13: receiver 'otlp': must specify at least one protocol"},
        {"receivers: {otlp: }\nexporters: {nop: }\n"
         "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
         {NULL},
         "config.yaml:1:13: receiver 'otlp': must specify at least one protocol"},
        {"receivers: {otlp: {protocols: {http: {endpoint: nowhere}}}}\nexporters: {nop: }\n"
         "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
         {NULL},
         "config.yaml:1:49: receiver 'otlp': 'nowhere' is no HOST:PORT"},
        {RECEIVER "exporters: {file: }\n"
                  "service: {pipelines: {traces: {receivers: [otlp], exporters: [file]}}}\n",
         {NULL},
         "config.yaml:2:13: exporter 'file': path must be non-empty"},
        {FILE_EXPORTER("encoding: otlp_json"),
         {NULL},
         "config.yaml:2:29: exporter 'file': 'encoding' is a setting of the Collector"},
        {FILE_EXPORTER("append: true, rotation: "),
         {NULL},
         "config.yaml:2:43: exporter 'file': append and rotation enabled at the same time is not"},
        {FILE_EXPORTER("directory_permissions: '0700'"),
         {NULL},
         "config.yaml:2:29: exporter 'file': directory_permissions requires create_directory"},
        {FILE_EXPORTER("create_directory: true, directory_permissions: '0788'"),
         {NULL},
         "config.yaml:2:53: exporter 'file': directory_permissions value must be a valid octal"},
        {FILE_EXPORTER("create_directory: true, directory_permissions: '10777'"),
         {NULL},
         "exporter 'file': directory_permissions contain invalid bits for file access"},
        {FILE_EXPORTER("compression: gzip"), {NULL}, "config.yaml:2:42: compression: unknown word"},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *with_config[] = {"--config", rig->config, NULL};

        if (cases[i].config != NULL)
            rig_config(rig, cases[i].config);
        expect(rig, cases[i].config != NULL ? with_config : cases[i].arguments, 2, cases[i].says);
    }
}

static void lint_reports_and_ends_without_serving(void **state)
{
    struct rig *rig = *state;
    const char *arguments[] = {"--config", rig->config, "--lint", NULL, NULL};

    rig_config(rig, with_nop);
    expect(rig, arguments, 0, "config.yaml:4:15: advice: pipeline 'traces' has no memory_limiter");
    expect(rig, arguments, 0, "0 errors, 0 warnings, 1 advice");
    rig_config(rig, RECEIVER "exporters: {logging: }\nservice:\n"
                             "  pipelines: {traces: {receivers: [otl], exporters: [logging]}}\n");
    expect(rig, arguments, 2, "config.yaml:2:13: error: exporter 'logging': ");
    expect(rig, arguments, 2, "config.yaml:4:36: error: pipeline 'traces' references receiver");
    arguments[3] = "--lenient";
    expect(rig, arguments, 2, "config.yaml:2:13: warning: exporter 'logging': ");
    arguments[1] = "/nonexistent/c.yaml";
    expect(rig, arguments, 2, "/nonexistent/c.yaml: cannot open");
}

static void what_the_environment_refuses_ends_with_3(void **state)
{
    struct rig *rig = *state;
    const char *plain[] = {"--config", rig->config, NULL};
    const char *with_tap[] = {"--config", rig->config, "--tap", "/nonexistent/tap.bin", NULL};
    const char *no_tap[] = {"--config", rig->config, "--tap", rig->config, NULL};
    const char *bad_fd[] = {"--config", rig->config, "--ready-fd", "999", NULL};
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    char yaml[512], says[128];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(yaml, sizeof(yaml),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:%u'}}}}\n"
             "exporters: {nop: }\n"
             "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
             ntohs(address.sin_port));
    rig_config(rig, yaml);
    snprintf(says, sizeof(says), "cannot listen on 127.0.0.1:%u: Address already in use",
             ntohs(address.sin_port));
    expect(rig, plain, 3, says);
    close(fd);
    rig_config(rig, "receivers: {otlp: {protocols: {http: {endpoint: 'no.such.host.invalid:1'}}}}\n"
                    "exporters: {nop: }\n"
                    "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n");
    expect(rig, plain, 3, "cannot resolve 'no.such.host.invalid'");
    rig_config(rig, with_nop);
    expect(rig, with_tap, 3, "/nonexistent/tap.bin: cannot write the tap: No such file");
    expect(rig, no_tap, 3, "the file exists and is no tap: not overwritten");
    expect(rig, bad_fd, 3, "cannot write the ready line: Bad file descriptor");
    rig_config(rig, RECEIVER "exporters: {file: {path: /nonexistent/spans.json}}\n"
                             "service: {pipelines: {traces: {receivers: [otlp], exporters: "
                             "[file]}}}\n");
    expect(rig, plain, 3,
           "/nonexistent/spans.json: exporter 'file': cannot open the file: No such file");
}

static void help_and_version_are_printed(void **state)
{
    struct rig *rig = *state;
    const char *help[] = {"--help", NULL}, *version[] = {"--version", NULL};

    expect(rig, help, 0, "--ready-fd N");
    expect(rig, version, 0, "collector-mock 0");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(wrong_words_and_files_end_with_2),
        CASE(lint_reports_and_ends_without_serving),
        CASE(what_the_environment_refuses_ends_with_3),
        CASE(help_and_version_are_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
