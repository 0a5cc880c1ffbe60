/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>
#include <ftw.h>
#include <unistd.h>

#include <otel/sdk/otlp.h>

#include "harness/service/database.h"
#include "harness/service/peers.h"
#include "harness/service/tracing.h"
#include "harness/service/work.h"
#include "sdk/base/clock.h"

static char g_dir[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(g_dir, sizeof(g_dir), "/tmp/parts-test-XXXXXX");
    return mkdtemp(g_dir) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(g_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* With as many parameters as the statement has question marks. */
static void write_step(FILE *file, const char *statement)
{
    const char *separator = "";

    fprintf(file, "          - sql: \"%s\"\n            parameters: [", statement);
    for (; *statement != '\0'; statement++)
        if (*statement == '?') {
            fprintf(file, "%sx", separator);
            separator = ", ";
        }
    fputs("]\n", file);
}

/* A scenario whose first service runs these statements. */
static struct hx_scenario *scenario_of(const char *const *statements)
{
    struct hx_scenario *scenario = NULL;
    struct otl_detail detail = OTL_DETAIL_NONE;
    char path[128], text[1024];
    FILE *file;

    snprintf(path, sizeof(path), "%s/scenario.yaml", g_dir);
    file = fopen(path, "w");
    fputs("# Test.\nservices:\n  a:\n    routes:\n      GET /:\n        steps:\n"
          "          - call: b GET /\n",
          file);
    for (; *statements != NULL; statements++)
        write_step(file, *statements);
    fputs("  b: {routes: {GET /: {}}}\nload: {route: a GET /, rate: 1, duration: 1s}\n", file);
    fclose(file);
    if (hx_scenario_load_file(path, NULL, &scenario, &detail) != OTEL_OK)
        fail_msg("%s", otl_detail_format(&detail, text, sizeof(text)));
    return scenario;
}

static enum otel_err open_database(const char *const *statements, struct otl_detail *detail)
{
    struct hx_scenario *scenario = scenario_of(statements);
    struct hx_database *database = NULL;
    char dir[128], path[160];
    enum otel_err err;

    snprintf(dir, sizeof(dir), "%s/db", g_dir);
    snprintf(path, sizeof(path), "%s/a-0.sqlite", dir);
    err = hx_database_new(dir, "a-0", scenario, &scenario->services[0], &database, detail);
    if (err == OTEL_OK)
        assert_int_equal(access(path, F_OK), 0);
    hx_database_free(database);
    assert_int_not_equal(access(path, F_OK), 0);
    hx_scenario_free(scenario);
    return err;
}

static void tables_are_made_from_the_statements(void **state)
{
    const char *const statements[] = {
        "UPDATE orders SET total = ? WHERE id = ?",
        "INSERT INTO orders (id, customer) VALUES (?, ?)",
        "SELECT o.total, c.name FROM orders o JOIN customers c ON o.customer = c.id "
        "WHERE c.country = ? ORDER BY c.name",
        "WITH recent AS (SELECT id FROM orders) SELECT count(*) FROM recent",
        NULL};
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    assert_int_equal(open_database(statements, &detail), OTEL_OK);
}

static void work_takes_the_cpu_time_asked_for(void **state)
{
    uint64_t start, took, least = UINT64_MAX;
    struct hx_work work;

    (void)state;
    hx_work_calibrate(&work);
    /* the least of some: a CPU that is taken away meanwhile may count as used */
    for (int i = 0; i < 100 && least >= 50 * OTL_NS_PER_MS; i++) {
        start = otl_clock_thread_cpu_ns();
        hx_work_burn(&work, 5 * OTL_NS_PER_MS);
        took = otl_clock_thread_cpu_ns() - start;
        assert_true(took >= 5 * OTL_NS_PER_MS);
        if (took < least)
            least = took;
    }
    assert_true(least < 50 * OTL_NS_PER_MS);
}

static enum otel_err open_peers(const char *json, struct otl_detail *detail)
{
    const char *const none[] = {NULL};
    struct hx_scenario *scenario = scenario_of(none);
    struct event_base *base = event_base_new();
    json_t *services = json_loads(json, 0, NULL);
    struct hx_peers *peers = NULL;
    enum otel_err err = hx_peers_new(base, &hx_http_lean, scenario, &scenario->services[0],
                                     services, &peers, detail);

    if (err == OTEL_OK) {
        const struct hx_service *b = &scenario->services[1];
        assert_int_equal(hx_peers_next(peers, b)->port, 1001);
        assert_int_equal(hx_peers_next(peers, b)->port, 1002);
        assert_int_equal(hx_peers_next(peers, b)->port, 1001);
        assert_null(hx_peers_next(peers, &scenario->services[0]));
    }
    hx_peers_free(peers);
    json_decref(services);
    event_base_free(base);
    hx_scenario_free(scenario);
    return err;
}

static void replicas_are_called_in_turn(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    assert_int_equal(open_peers("{\"b\": [\"127.0.0.1:1001\", \"127.0.0.1:1002\"]}", &detail),
                     OTEL_OK);
}

static void missing_and_malformed_peers_are_named(void **state)
{
    struct otl_detail missing = OTL_DETAIL_NONE, malformed = OTL_DETAIL_NONE;

    (void)state;
    assert_int_equal(open_peers("{}", &missing), OTEL_ERR_NOT_FOUND);
    assert_non_null(strstr(missing.text, "no endpoint of b, which a calls"));
    assert_int_equal(open_peers("{\"b\": [\"127.0.0.1\"]}", &malformed), OTEL_ERR_SYNTAX);
    assert_non_null(strstr(malformed.text, "expected HOST:PORT"));
}

/* ---- the exporter ---------------------------------------------------------------------------- */

static struct hx_scenario *fleet_of_two(void)
{
    static const char text[] = "# Test.\n"
                               "services:\n"
                               "  patient: {tracing: {export_timeout: 30s},\n"
                               "            routes: {GET /: {steps: [{call: hasty GET /}]}}}\n"
                               "  hasty: {tracing: {export_timeout: 900ms, compression: gzip},\n"
                               "          routes: {GET /: {}}}\n"
                               "load: {route: patient GET /, rate: 1, duration: 1s}\n";
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario = NULL;

    if (hx_scenario_load_text(text, strlen(text), "fleet.yaml", NULL, &scenario, &detail) !=
        OTEL_OK)
        fail_msg("%s", detail.text);
    return scenario;
}

/* An exporter's own limit is 10 s: a batch that met an outage was given up half-way through a limit
 * of 30 s, and with the same draws of back-off it was the same one in each service. */
static void an_exporter_is_as_patient_as_the_scenario(void **state)
{
    struct hx_scenario *scenario = fleet_of_two();
    struct hx_tracing_options options = {.service = &scenario->services[0], .seed = 7};
    struct otel_sdk_otlp_options first, other;

    (void)state;
    hx_tracing_exporter(&options, &first);
    assert_int_equal(first.timeout_millis, 30000);
    assert_int_equal(first.compression, OTEL_SDK_COMPRESSION_NONE);
    assert_true(first.seeded);
    hx_tracing_exporter(&options, &other);
    assert_true(other.seed == first.seed); /* it repeats */
    options.replica = 1;
    hx_tracing_exporter(&options, &other);
    assert_true(other.seed != first.seed);
    options = (struct hx_tracing_options){.service = &scenario->services[1], .seed = 7};
    hx_tracing_exporter(&options, &other);
    assert_int_equal(other.timeout_millis, 900);
    assert_int_equal(other.compression, OTEL_SDK_COMPRESSION_GZIP);
    assert_true(other.seed != first.seed);
    hx_scenario_free(scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(tables_are_made_from_the_statements),
        T(work_takes_the_cpu_time_asked_for),
        T(replicas_are_called_in_turn),
        T(missing_and_malformed_peers_are_named),
        T(an_exporter_is_as_patient_as_the_scenario),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
