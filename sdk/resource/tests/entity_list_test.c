/* SPDX-License-Identifier: Apache-2.0 */
/* What OTEL_ENTITIES says, what is told of its mistakes, and what comes of it in the resource. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/base/mem.h"
#include "sdk/resource/detect.h"
#include "sdk/resource/environment.h"

static char g_told[4096]; /* a line each */
static unsigned g_told_count;

static void tell(void *arg, enum otel_err err, const char *text)
{
    size_t len = strlen(g_told);

    (void)arg;
    assert_int_equal(err, OTEL_OK);
    g_told_count++;
    snprintf(g_told + len, sizeof(g_told) - len, "%s\n", text);
}

static void append(char *out, size_t size, const struct otel_attribute *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(out);
        snprintf(out + len, size - len, "%s%.*s=%.*s", i > 0 ? "," : "", (int)items[i].key.len,
                 items[i].key.data, (int)items[i].value.count, items[i].value.as.string);
    }
}

static const char *shown(const struct otel_sdk_entity *entities, size_t count)
{
    static char out[2000];
    size_t len;

    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        len = strlen(out);
        snprintf(out + len, sizeof(out) - len, "%s%.*s{", i > 0 ? ";" : "",
                 (int)entities[i].type.len, entities[i].type.data);
        append(out, sizeof(out), entities[i].id, entities[i].id_count);
        strncat(out, "}[", sizeof(out) - strlen(out) - 1);
        append(out, sizeof(out), entities[i].description, entities[i].description_count);
        len = strlen(out);
        snprintf(out + len, sizeof(out) - len, "]@%.*s", (int)entities[i].schema_url.len,
                 entities[i].schema_url.data);
    }
    return out;
}

/* The last of the text first. */
static const char *read_as(const char *text)
{
    struct otl_teller teller = {tell, NULL};
    struct otl_entity_list list;
    const char *out;

    g_told[0] = '\0';
    g_told_count = 0;
    assert_int_equal(otl_entity_list_read(text, &teller, &list), OTEL_OK);
    out = shown(list.items, list.count);
    otl_entity_list_fini(&list);
    return out;
}

/* So many things were told, the text among them. */
static bool told(unsigned count, const char *text)
{
    return g_told_count == count && strstr(g_told, text) != NULL;
}

static void the_specifications_examples_are_read(void **state)
{
    (void)state;
    assert_string_equal(
        read_as("service{service.name=my-app,service.instance.id=instance-1}"
                "[service.version=1.0.0]"),
        "service{service.name=my-app,service.instance.id=instance-1}[service.version=1.0.0]@");
    assert_string_equal(
        read_as("service{service.name=my-app,service.instance.id=instance-1}"
                "[service.version=1.0.0]@https://opentelemetry.io/schemas/1.21.0;"
                "host{host.id=host-123}[host.name=web-server-01]"),
        "host{host.id=host-123}[host.name=web-server-01]@;"
        "service{service.name=my-app,service.instance.id=instance-1}[service.version=1.0.0]"
        "@https://opentelemetry.io/schemas/1.21.0");
    assert_string_equal(
        read_as("k8s.pod{k8s.pod.uid=pod-abc123}[k8s.pod.name=my-pod,k8s.pod.label.app=my-app]"),
        "k8s.pod{k8s.pod.uid=pod-abc123}[k8s.pod.name=my-pod,k8s.pod.label.app=my-app]@");
    assert_string_equal(read_as("service{service.name=minimal-app}"),
                        "service{service.name=minimal-app}[]@");
    assert_string_equal(read_as(";service{service.name=app1};;host{host.id=host-123};"),
                        "host{host.id=host-123}[]@;service{service.name=app1}[]@");
    assert_string_equal(read_as("service{service.name=my%2Capp,service.instance.id=inst-1}"
                                "[config=key%3Dvalue%5Bprod%5D]"),
                        "service{service.name=my,app,service.instance.id=inst-1}"
                        "[config=key=value[prod]]@");
    assert_int_equal(g_told_count, 0);
}

static void nothing_and_blanks_say_nothing(void **state)
{
    (void)state;
    assert_string_equal(read_as(""), "");
    assert_string_equal(read_as(" ; ;\t;"), "");
    assert_string_equal(read_as(" ; a { k = v , , l = w } [ d = 1 ] @ https://x.test/1 ; "),
                        "a{k=v,l=w}[d=1]@https://x.test/1");
    assert_string_equal(read_as("a{k=}[]"), "a{k=}[]@");
    assert_string_equal(read_as("a{k=%7b%7D%40%3b%20%C3%A9,l=b c+d:/}"),
                        "a{k={}@; \xc3\xa9,l=b c+d:/}[]@");
    assert_int_equal(g_told_count, 0);
}

static void a_malformed_entity_is_left_out_alone(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"bad", "no identifying attributes in {}"},
        {"bad[d=1]", "no identifying attributes in {}"},
        {"bad{}", "no identifying attributes in {}"},
        {"bad{ , }[d=1]", "no identifying attributes in {}"},
        {"bad{syntax", "{ is not closed"},
        {"bad{k=v}[d=1", "[ is not closed"},
        {"{k=v}", "type is no name"},
        {"1bad{k=v}", "type is no name"},
        {"b ad{k=v}", "type is no name"},
        {"b\xc3\xa4" "d{k=v}", "type is no name"},
        {"bad{k=v}x", "something stands behind"},
        {"bad{k=v}[d=1]x", "something stands behind"},
        {"bad{k=v}{l=w}", "something stands behind"},
        {"bad{k=v}[d=1][e=2]", "something stands behind"},
        {"bad{k}", "not key=value"},
        {"bad{=v}", "not key=value"},
        {"bad{1k=v}", "not key=value"},
        {"bad{k/l=v}", "not key=value"},
        {"bad{k%41=v}", "not key=value"},
        {"bad{k=v=w}", "not key=value"},
        {"bad{k=v@w}", "not key=value"},
        {"bad{k={v}", "not key=value"},
        {"bad{k=[v]}", "not key=value"},
        {"bad{k=%zz}", "not key=value"},
        {"bad{k=%4}", "not key=value"},
        {"bad{k=%ff}", "not key=value"},
        {"bad{k=\xff}", "not key=value"},
        {"bad{k=v}[d]", "not key=value"},
        {"bad{k=v}[d=%]", "not key=value"},
    };
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "a{k=1};%s;c{l=2}", rows[i].text);
        if (strcmp(read_as(text), "c{l=2}[]@;a{k=1}[]@") != 0)
            fail_msg("%s: %s", rows[i].text, read_as(text));
        if (!told(1, rows[i].why) || !told(1, "entity 2: "))
            fail_msg("%s: told %s", rows[i].text, g_told);
    }
    assert_string_equal(
        read_as("service{service.name=app1};invalid{syntax;service{service.name=app2}"),
        "service{service.name=app2}[]@");
    assert_true(told(2, "entity 2: its { is not closed; left out"));
}

static void a_schema_url_has_to_be_a_uri(void **state)
{
    static const char *const good[] = {"https://x.test/1.2.0", "urn:x:y",
                                       "http://[::1]:80/a?b#c%20", "a+b-c.1:x@y,z=1"};
    static const char *const bad[] = {"invalid-url", "", "https:", "://x", "1x://y", "http://a b",
                                      "http://%zz", "http://a%2", "http://\xc3\xa9", "a/b:c",
                                      "http://<x>"};
    char text[100], want[100];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(text, sizeof(text), "a{k=1}@%s", good[i]);
        snprintf(want, sizeof(want), "a{k=1}[]@%s", good[i]);
        assert_string_equal(read_as(text), want);
        assert_int_equal(g_told_count, 0);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), "a{k=1}[d=2]@%s", bad[i]);
        assert_string_equal(read_as(text), "a{k=1}[d=2]@");
        if (!told(1, "entity 1: its schema URL is no URI"))
            fail_msg("%s: told %s", bad[i], g_told);
    }
}

static void of_a_type_the_last_entity_counts(void **state)
{
    (void)state;
    assert_string_equal(read_as("service{service.name=app1}[version=1.0];"
                                "service{service.name=app1}[version=2.0]"),
                        "service{service.name=app1}[version=2.0]@");
    assert_true(told(1, "service: the same entity is there twice; the last counts"));
    assert_string_equal(read_as("service{service.name=app1};service{service.name=app2}"),
                        "service{service.name=app2}[]@");
    assert_true(told(1, "service: two entities of the type, of different identity"));
    assert_string_equal(read_as("a{k=1}[x=1];b{m=1};a{l=2}"), "a{l=2}[]@;b{m=1}[]@");
    assert_true(told(1, "a: two entities of the type, of different identity"));
    assert_string_equal(read_as("a{k=1,k=2}[d=1,d=2]"), "a{k=2}[d=2]@");
    assert_int_equal(g_told_count, 0);
}

static void a_description_belongs_to_the_last_entity_that_has_it(void **state)
{
    (void)state;
    assert_string_equal(read_as("a{k=1}[v=1,w=1];b{l=1}[v=2]"), "b{l=1}[v=2]@;a{k=1}[w=1]@");
    assert_true(told(1, "a: v is another for b; only the last counts"));
    assert_string_equal(read_as("a{k=1}[v=1,w=1];b{l=1}[v=1]"), "b{l=1}[v=1]@;a{k=1}[w=1]@");
    assert_int_equal(g_told_count, 0);
    assert_string_equal(read_as("a{k=1};b{l=1}[k=2,d=3]"), "b{l=1}[d=3]@;a{k=1}[]@");
    assert_true(told(1, "b: k describes it, but identifies a; left out of the description"));
    assert_string_equal(read_as("a{k=1}[k=2,d=3]"), "a{k=1}[d=3]@");
    assert_true(told(1, "a: k describes it, but identifies a"));
}

static void what_is_beyond_the_limits_is_left_out(void **state)
{
    static char text[70 * 1024];
    size_t len = 0;
    struct otl_entity_list list;

    (void)state;
    for (unsigned i = 0; i < 40; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "t%u{k%u=1};", i, i);
    read_as(text);
    assert_true(told(8, "entity 40: more than 32 entities; left out"));
    len = (size_t)snprintf(text, sizeof(text), "a{k=1};b{k0=1");
    for (unsigned i = 1; i < 1025; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, ",k%u=1", i);
    snprintf(text + len, sizeof(text) - len, "};c{l=1}");
    assert_string_equal(read_as(text), "c{l=1}[]@;a{k=1}[]@");
    assert_true(told(1, "entity 2: too many attributes; left out"));
    for (len = 0; len + 1003 < 65 * 1024; len += 1003) { /* much room for lists that fail */
        memset(text + len, ',', 1003);
        memcpy(text + len, "a{x", 3);
        memcpy(text + len + 1001, "};", 2);
    }
    text[64 * 1024] = '\0';
    assert_string_equal(read_as(text), "");
    memset(text, ';', 64 * 1024 + 1);
    text[64 * 1024 + 1] = '\0';
    assert_string_equal(read_as(text), "");
    assert_true(told(1, "longer than 64 KiB; ignored"));
    assert_int_equal(otl_entity_list_read("bad", NULL, &list), OTEL_OK);
    otl_entity_list_fini(&list);
}

/* ---- in the resource ---- */

static struct otel_sdk_resource *resource_of(struct otl_resource_environment environment,
                                             const struct otel_sdk_resource *code)
{
    struct otel_sdk_resource *resource = NULL;
    bool discarded = true;

    g_told[0] = '\0';
    g_told_count = 0;
    environment.teller.error = tell;
    assert_int_equal(otl_resource_from_environment(&environment, code, &discarded, &resource),
                     OTEL_OK);
    assert_false(discarded);
    return resource;
}

/* Consumes it. */
static const char *entities_of(struct otel_sdk_resource *resource)
{
    const char *out =
        shown(otel_sdk_resource_entities(resource), otel_sdk_resource_entity_count(resource));

    otel_sdk_resource_unref(resource);
    return out;
}

static bool has(const struct otel_sdk_resource *resource, const char *key, const char *text)
{
    struct otel_value value;

    return otel_sdk_resource_get(resource, otel_str(key), &value) &&
           otel_str_equal(otel_strn(value.as.string, value.count), otel_str(text));
}

static void entities_take_what_the_sdk_would_say_itself(void **state)
{
    struct otel_sdk_resource *resource =
        resource_of((struct otl_resource_environment){
                        .entities = "service{service.name=s,service.instance.id=i}"
                                    "@https://x.test/1"},
                    NULL);

    (void)state;
    assert_true(has(resource, "service.name", "s"));
    assert_true(has(resource, "service.instance.id", "i"));
    assert_true(has(resource, "telemetry.sdk.language", "c"));
    assert_int_equal(otel_sdk_resource_loose_count(resource), 3); /* telemetry.sdk.* */
    assert_int_equal(otel_sdk_resource_count(resource), 5);
    assert_true(
        otel_str_equal(otel_sdk_resource_schema_url(resource), otel_str("https://x.test/1")));
    assert_string_equal(entities_of(resource),
                        "service{service.name=s,service.instance.id=i}[]@https://x.test/1");
    assert_int_equal(g_told_count, 0);
}

static void stable_variables_win_over_entities(void **state)
{
    struct otl_resource_environment environment = {
        .entities = "service{service.name=s};host{host.id=h}", .service_name = "other"};
    struct otel_sdk_resource *resource = resource_of(environment, NULL);

    (void)state;
    assert_true(has(resource, "service.name", "other"));
    assert_string_equal(entities_of(resource), "host{host.id=h}[]@");
    assert_true(told(1, "service: another entity, or an attribute of the resource, says other"));
    environment.service_name = "s";
    environment.attributes = "host.id=h,service.name=s,env=prod";
    assert_string_equal(entities_of(resource_of(environment, NULL)),
                        "host{host.id=h}[]@;service{service.name=s}[]@");
    assert_int_equal(g_told_count, 0);
    environment.attributes = "host.id=g";
    assert_string_equal(entities_of(resource_of(environment, NULL)),
                        "service{service.name=s}[]@");
    assert_true(told(1, "host: another entity"));
}

static void the_programs_entities_win_over_the_environments(void **state)
{
    struct otel_attribute id = otel_attr_str("host.id", "code"), name = otel_attr_str("n", "code");
    struct otel_sdk_entity host = {.type = otel_str("host"), .id = &id, .id_count = 1,
                                   .description = &name, .description_count = 1};
    struct otl_resource_environment environment = {.entities = "host{host.id=env}[n=env];a{k=1}"};
    struct otel_sdk_resource *code = NULL;

    (void)state;
    assert_int_equal(otel_sdk_resource_of_entities(&host, 1, &code), OTEL_OK);
    assert_string_equal(entities_of(resource_of(environment, code)),
                        "host{host.id=code}[n=code]@;a{k=1}[]@");
    assert_true(told(1, "host: another entity"));
    environment.attributes = "host.id=env";
    assert_string_equal(entities_of(resource_of(environment, code)),
                        "a{k=1}[]@;host{host.id=code}[n=code]@");
    environment.attributes = NULL;
    environment.entities = "host{host.id=code}[n=env,m=env]";
    assert_string_equal(entities_of(resource_of(environment, code)),
                        "host{host.id=code}[n=code,m=env]@");
    assert_int_equal(g_told_count, 0);
    otel_sdk_resource_unref(code);
}

static void of_two_types_with_a_key_in_common_the_last_counts(void **state)
{
    struct otl_resource_environment environment = {.entities = "a{k=1,l=1};b{k=1}"};

    (void)state;
    assert_string_equal(entities_of(resource_of(environment, NULL)), "b{k=1}[]@");
    assert_true(told(1, "a: another entity"));
}

static const char *from_test(void *arg, const char *name)
{
    return strcmp(name, "OTEL_ENTITIES") == 0 ? arg : NULL;
}

static void the_detector_finds_them_where_it_is_asked_to(void **state)
{
    char text[] = "service{service.name=s};bad";
    struct otl_detect_source source = {"", from_test, text};
    struct otel_sdk_resource *resource = NULL;

    (void)state;
    assert_int_equal(otl_detect(&source, OTEL_SDK_DETECT_ENTITIES, &resource), OTEL_OK);
    assert_int_equal(otel_sdk_resource_count(resource), 1);
    assert_string_equal(entities_of(resource), "service{service.name=s}[]@");
    assert_int_equal(otl_detect(&source, OTEL_SDK_DETECT_ALL, &resource), OTEL_OK);
    assert_int_equal(otel_sdk_resource_entity_count(resource), 0);
    otel_sdk_resource_unref(resource);
    source.getenv_arg = NULL;
    assert_int_equal(
        otl_detect(&source, OTEL_SDK_DETECT_ENTITIES | OTEL_SDK_DETECT_OS, &resource), OTEL_OK);
    assert_true(has(resource, "os.type", "linux"));
    assert_string_equal(entities_of(resource), "");
}

static void every_failing_allocation_is_reported(void **state)
{
    char text[] = "a{k=1}[d=1]@https://x.test/1;bad;b{l=2}[d=2];b{l=2}";
    struct otl_resource_environment environment = {.entities = text, .attributes = "k=1"};
    struct otl_detect_source source = {"", from_test, text};
    unsigned long n = 0;
    enum otel_err err;

    (void)state;
    do {
        struct otel_sdk_resource *resource = NULL, *detected = NULL;
        bool discarded;
        otl_mem_fail_at(++n);
        err = otl_resource_from_environment(&environment, NULL, &discarded, &resource);
        if (err == OTEL_OK)
            err = otl_detect(&source, OTEL_SDK_DETECT_ENTITIES, &detected);
        otl_mem_fail_at(0);
        assert_true(err == OTEL_OK || err == OTEL_ERR_MEMORY);
        assert_true(n < 5000);
        if (err == OTEL_OK)
            assert_int_equal(otel_sdk_resource_entity_count(resource), 2);
        otel_sdk_resource_unref(resource);
        otel_sdk_resource_unref(detected);
    } while (err != OTEL_OK);
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specifications_examples_are_read),
        cmocka_unit_test(nothing_and_blanks_say_nothing),
        cmocka_unit_test(a_malformed_entity_is_left_out_alone),
        cmocka_unit_test(a_schema_url_has_to_be_a_uri),
        cmocka_unit_test(of_a_type_the_last_entity_counts),
        cmocka_unit_test(a_description_belongs_to_the_last_entity_that_has_it),
        cmocka_unit_test(what_is_beyond_the_limits_is_left_out),
        cmocka_unit_test(entities_take_what_the_sdk_would_say_itself),
        cmocka_unit_test(stable_variables_win_over_entities),
        cmocka_unit_test(the_programs_entities_win_over_the_environments),
        cmocka_unit_test(of_two_types_with_a_key_in_common_the_last_counts),
        cmocka_unit_test(the_detector_finds_them_where_it_is_asked_to),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };

    return cmocka_run_group_tests_name("entity list", tests, NULL, NULL);
}
