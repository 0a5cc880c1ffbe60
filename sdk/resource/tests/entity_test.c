/* SPDX-License-Identifier: Apache-2.0 */
/* How entities and attributes merge, and what of it OTLP carries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/sdk/entity.h>

#include "ci/witness/otlp_pb.h"
#include "sdk/base/mem.h"

/* A resource as a test writes it: "key=value" texts, NULL behind the last. */
struct written {
    const char *type, *url;
    const char *id[4], *description[4];
};

enum { WRITTEN_MAX = 4 };

static struct otel_attribute split(const char *pair)
{
    const char *equals = strchr(pair, '=');
    struct otel_attribute attribute = otel_attr_str("", equals + 1);

    attribute.key = otel_strn(pair, (size_t)(equals - pair));
    return attribute;
}

static size_t split_all(const char *const *pairs, struct otel_attribute *ret)
{
    size_t count = 0;

    for (; pairs[count] != NULL; count++)
        ret[count] = split(pairs[count]);
    return count;
}

static enum otel_err try_entities(const struct written *written, size_t count,
                                  struct otel_sdk_resource **ret)
{
    struct otel_attribute lists[WRITTEN_MAX][2][4];
    struct otel_sdk_entity entities[WRITTEN_MAX];

    for (size_t i = 0; i < count; i++) {
        entities[i].type = otel_str(written[i].type);
        entities[i].schema_url = otel_str(written[i].url);
        entities[i].id_count = split_all(written[i].id, lists[i][0]);
        entities[i].id = lists[i][0];
        entities[i].description_count = split_all(written[i].description, lists[i][1]);
        entities[i].description = lists[i][1];
    }
    return otel_sdk_resource_of_entities(entities, count, ret);
}

static struct otel_sdk_resource *of_entities(const struct written *written, size_t count)
{
    struct otel_sdk_resource *resource = NULL;

    assert_int_equal(try_entities(written, count, &resource), OTEL_OK);
    return resource;
}

static struct otel_sdk_resource *of_attributes(const char *url, const char *const *pairs)
{
    struct otel_attribute attributes[4];
    struct otel_sdk_resource *resource = NULL;

    assert_int_equal(otel_sdk_resource_new(attributes, split_all(pairs, attributes), otel_str(url),
                                           &resource),
                     OTEL_OK);
    return resource;
}

/* Consumes both. */
static struct otel_sdk_resource *merge(struct otel_sdk_resource *old,
                                       struct otel_sdk_resource *updating)
{
    struct otel_sdk_resource *merged = NULL;

    assert_int_equal(otel_sdk_resource_merge(old, updating, &merged), OTEL_OK);
    otel_sdk_resource_unref(old);
    otel_sdk_resource_unref(updating);
    return merged;
}

static void append(char *out, size_t size, const struct otel_attribute *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(out);
        snprintf(out + len, size - len, "%s%.*s=%.*s", i > 0 ? "," : "", (int)items[i].key.len,
                 items[i].key.data, (int)items[i].value.count, items[i].value.as.string);
    }
}

/* Everything of a resource as text: "type{id}[description]@url;...|loose|schema url". Consumes
 * it. */
static const char *shown(struct otel_sdk_resource *resource)
{
    static char out[600];
    const struct otel_sdk_entity *entities = otel_sdk_resource_entities(resource);
    struct otel_str url = otel_sdk_resource_schema_url(resource);
    size_t len;

    out[0] = '\0';
    for (size_t i = 0; i < otel_sdk_resource_entity_count(resource); i++) {
        len = strlen(out);
        snprintf(out + len, sizeof(out) - len, "%.*s{", (int)entities[i].type.len,
                 entities[i].type.data);
        append(out, sizeof(out), entities[i].id, entities[i].id_count);
        strncat(out, "}[", sizeof(out) - strlen(out) - 1);
        append(out, sizeof(out), entities[i].description, entities[i].description_count);
        len = strlen(out);
        snprintf(out + len, sizeof(out) - len, "]@%.*s;", (int)entities[i].schema_url.len,
                 entities[i].schema_url.data);
    }
    strncat(out, "|", sizeof(out) - strlen(out) - 1);
    append(out, sizeof(out), otel_sdk_resource_attributes(resource),
           otel_sdk_resource_loose_count(resource));
    len = strlen(out);
    snprintf(out + len, sizeof(out) - len, "|%.*s", (int)url.len, url.data);
    otel_sdk_resource_unref(resource);
    return out;
}

/* ---- the examples of the specification's resource data model ---- */

static void an_entity_takes_the_place_of_loose_attributes(void **state)
{
    static const char *const loose[] = {"host.name=old-name", "env=prod", NULL};
    static const struct written entities[] = {
        {"host", "", {"host.id=H1"}, {"host.name=new-name"}},
        {"service", "", {"service.name=my-svc"}, {NULL}}};

    (void)state;
    assert_string_equal(shown(merge(of_attributes(NULL, loose), of_entities(entities, 2))),
                        "host{host.id=H1}[host.name=new-name]@;service{service.name=my-svc}[]@;"
                        "|env=prod|");
}

static void a_loose_attribute_that_says_otherwise_ends_an_entity(void **state)
{
    static const struct written entities[] = {
        {"host", "", {"host.id=H1"}, {"host.name=detected-name"}},
        {"process", "", {"process.pid=12345"}, {NULL}}};
    static const char *const loose[] = {"host.id=h2", "env=prod", NULL};
    static const char *const described[] = {"host.name=other", NULL};
    static const char *const same[] = {"host.name=detected-name", "host.id=H1", NULL};

    (void)state;
    assert_string_equal(shown(merge(of_entities(entities, 2), of_attributes(NULL, loose))),
                        "process{process.pid=12345}[]@;|host.id=h2,env=prod|");
    assert_string_equal(shown(merge(of_entities(entities, 2), of_attributes(NULL, described))),
                        "process{process.pid=12345}[]@;|host.name=other|");
    assert_string_equal(shown(merge(of_entities(entities, 2), of_attributes(NULL, same))),
                        "host{host.id=H1}[host.name=detected-name]@;process{process.pid=12345}[]@;"
                        "||");
}

static void another_identity_and_a_key_in_common_lose_to_what_was_there(void **state)
{
    static const struct written old = {"host", "", {"host.id=H1"}, {"env=prod"}};
    static const struct written entities[] = {{"host", "", {"host.id=H2"}, {NULL}},
                                              {"service", "", {"service.name=S1"}, {"env=dev"}}};

    (void)state;
    assert_string_equal(shown(merge(of_entities(&old, 1), of_entities(entities, 2))),
                        "host{host.id=H1}[env=prod]@;||");
}

/* ---- what else the algorithm says ---- */

static void the_same_entity_is_described_by_both_and_the_updating_one_wins(void **state)
{
    static const struct written old = {"host", "u", {"a=1", "b=2"}, {"x=old", "y=kept"}};
    static const struct written same = {"host", "u", {"b=2", "a=1"}, {"x=new", "z=more"}};
    static const struct written other_url = {"host", "v", {"a=1", "b=2"}, {"x=new"}};
    static const struct written fewer = {"host", "u", {"a=1"}, {"x=new"}};

    (void)state;
    assert_string_equal(shown(merge(of_entities(&old, 1), of_entities(&same, 1))),
                        "host{a=1,b=2}[x=new,y=kept,z=more]@u;||u");
    assert_string_equal(shown(merge(of_entities(&old, 1), of_entities(&other_url, 1))),
                        "host{a=1,b=2}[x=old,y=kept]@u;||u");
    assert_string_equal(shown(merge(of_entities(&old, 1), of_entities(&fewer, 1))),
                        "host{a=1,b=2}[x=old,y=kept]@u;||u");
}

static void the_schema_url_is_that_of_all_entities(void **state)
{
    static const struct written one = {"a", "u", {"a.id=1"}, {NULL}};
    static const struct written two = {"b", "u", {"b.id=1"}, {NULL}};
    static const struct written three = {"c", "v", {"c.id=1"}, {NULL}};
    static const char *const loose[] = {"k=v", NULL}, *const against[] = {"a.id=2", NULL};

    (void)state;
    assert_string_equal(shown(merge(of_entities(&one, 1), of_entities(&two, 1))),
                        "a{a.id=1}[]@u;b{b.id=1}[]@u;||u");
    assert_string_equal(shown(merge(of_entities(&one, 1), of_entities(&three, 1))),
                        "a{a.id=1}[]@u;c{c.id=1}[]@v;||");
    assert_string_equal(shown(merge(of_attributes("w", loose), of_entities(&one, 1))),
                        "a{a.id=1}[]@u;|k=v|u");
    assert_string_equal(shown(merge(of_entities(&one, 1), of_attributes("", against))),
                        "|a.id=2|u");
}

static void within_an_entity_a_key_is_there_once(void **state)
{
    static const struct written doubled = {
        "a", "", {"k=1", "k=2", "=none"}, {"d=1", "k=3", "d=2"}};

    (void)state;
    assert_string_equal(shown(of_entities(&doubled, 1)), "a{k=2}[d=2]@;||");
}

static void without_type_or_identity_there_is_no_entity(void **state)
{
    static const struct written wrong[] = {{"", "", {"k=1"}, {NULL}},
                                           {"a", "", {NULL}, {"d=1"}},
                                           {"a", "", {"=1"}, {NULL}}};
    struct otel_sdk_resource *resource = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(try_entities(&wrong[i], 1, &resource), OTEL_ERR_ARGUMENT);
    assert_string_equal(shown(of_entities(NULL, 0)), "||");
    assert_int_equal(otel_sdk_resource_entity_count(NULL), 0);
    assert_int_equal(otel_sdk_resource_loose_count(NULL), 0);
    assert_null(otel_sdk_resource_entities(NULL));
}

static void values_of_any_type_identify(void **state)
{
    int64_t numbers[] = {1, 2}, others[] = {1, 3};
    struct otel_value mixed[] = {otel_value_int(1), otel_value_str("x")};
    struct otel_attribute members[] = {otel_attr_bool("m", true)};
    struct otel_attribute id[] = {
        otel_attr("ints", otel_value_many(OTEL_VALUE_INT_ARRAY, numbers, 2)),
        otel_attr("mixed", otel_value_many(OTEL_VALUE_ARRAY, mixed, 2)),
        otel_attr("map", otel_value_many(OTEL_VALUE_MAP, members, 1)),
        otel_attr_double("real", 0.5)};
    struct otel_attribute note = otel_attr_int("note", 1);
    struct otel_sdk_entity entity = {.type = otel_str("e"), .id = id, .id_count = 4,
                                     .description = &note, .description_count = 1};
    struct otel_sdk_resource *old = NULL, *updating = NULL, *merged;
    struct otel_value value;

    (void)state;
    for (int round = 0; round < 4; round++) {
        note.value = otel_value_int(1);
        assert_int_equal(otel_sdk_resource_of_entities(&entity, 1, &old), OTEL_OK);
        note.value = otel_value_int(2);
        if (round == 1)
            id[0].value.as.integers = others;
        if (round == 2)
            mixed[1] = otel_value_str("y");
        if (round == 3)
            members[0].value = otel_value_bool(false);
        assert_int_equal(otel_sdk_resource_of_entities(&entity, 1, &updating), OTEL_OK);
        merged = merge(old, updating);
        assert_int_equal(otel_sdk_resource_entity_count(merged), 1);
        assert_true(otel_sdk_resource_get(merged, otel_str("note"), &value));
        assert_int_equal(value.as.integer, round == 0 ? 2 : 1); /* the same one, or left out */
        otel_sdk_resource_unref(merged);
    }
}

static void many_make_a_resource_up_to_the_limits(void **state)
{
    static struct otel_sdk_entity many[OTEL_SDK_RESOURCE_MAX_ENTITIES + 1];
    static struct otel_attribute ids[OTEL_SDK_RESOURCE_MAX_ENTITIES + 1];
    static char names[OTEL_SDK_RESOURCE_MAX_ENTITIES + 1][8];
    struct otel_sdk_resource *resource = NULL;
    size_t most = OTEL_SDK_RESOURCE_MAX_ENTITIES;

    (void)state;
    for (size_t i = 0; i <= most; i++) {
        snprintf(names[i], sizeof(names[i]), "t%02u", (unsigned)i % 100);
        ids[i] = otel_attr_str(names[i], "1");
        many[i] = (struct otel_sdk_entity){.type = otel_str(names[i]), .id = &ids[i],
                                           .id_count = 1};
    }
    assert_int_equal(otel_sdk_resource_of_entities(many, most, &resource), OTEL_OK);
    assert_int_equal(otel_sdk_resource_entity_count(resource), most);
    assert_int_equal(otel_sdk_resource_count(resource), most);
    otel_sdk_resource_unref(resource);
    assert_int_equal(otel_sdk_resource_of_entities(many, most + 1, &resource), OTEL_ERR_LIMIT);
}

/* ---- OTLP ---- */

static bool is_text(ProtobufCBinaryData data, const char *text)
{
    return data.len == strlen(text) && (data.len == 0 || memcmp(data.data, text, data.len) == 0);
}

static void the_witness_reads_references_to_keys_that_are_there(void **state)
{
    static const struct written entities[] = {
        {"host", "https://x.test/1", {"host.id=H\xff"}, {"host.name=n", "host.arch=a"}},
        {"service", "", {"service.name=s", "service.instance.id=i"}, {NULL}}};
    static const char *const loose[] = {"env=prod", NULL};
    struct otel_sdk_resource *resource =
        merge(of_attributes(NULL, loose), of_entities(entities, 2));
    struct otel_str bytes = otel_sdk_resource_encoded(resource);
    Otlp__Resource *seen =
        otlp__resource__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);

    (void)state;
    assert_non_null(seen);
    assert_int_equal(seen->n_attributes, 6);
    assert_int_equal(seen->n_entity_refs, 2);
    assert_true(is_text(seen->entity_refs[0]->schema_url, "https://x.test/1"));
    assert_true(is_text(seen->entity_refs[0]->type, "host"));
    assert_int_equal(seen->entity_refs[0]->n_id_keys, 1);
    assert_true(is_text(seen->entity_refs[0]->id_keys[0], "host.id"));
    assert_int_equal(seen->entity_refs[0]->n_description_keys, 2);
    assert_true(is_text(seen->entity_refs[0]->description_keys[0], "host.name"));
    assert_true(is_text(seen->entity_refs[0]->description_keys[1], "host.arch"));
    assert_true(is_text(seen->entity_refs[1]->schema_url, ""));
    assert_true(is_text(seen->entity_refs[1]->type, "service"));
    assert_int_equal(seen->entity_refs[1]->n_id_keys, 2);
    assert_true(is_text(seen->entity_refs[1]->id_keys[1], "service.instance.id"));
    assert_int_equal(seen->entity_refs[1]->n_description_keys, 0);
    otlp__resource__free_unpacked(seen, NULL);
    otel_sdk_resource_unref(resource);
}

static void a_resource_without_entities_has_no_references(void **state)
{
    static const char *const loose[] = {"host.id=1", NULL};
    struct otel_sdk_resource *resource = of_attributes("u", loose);
    struct otel_str bytes = otel_sdk_resource_encoded(resource);
    Otlp__Resource *seen =
        otlp__resource__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);

    (void)state;
    assert_non_null(seen);
    assert_int_equal(seen->n_attributes, 1);
    assert_int_equal(seen->n_entity_refs, 0);
    otlp__resource__free_unpacked(seen, NULL);
    otel_sdk_resource_unref(resource);
}

static void every_failing_allocation_is_reported(void **state)
{
    static const struct written old = {"host", "u", {"host.id=1"}, {"x=old"}};
    static const struct written same = {"host", "u", {"host.id=1"}, {"x=new", "y=1"}};
    static const char *const loose[] = {"k=v", NULL};
    unsigned long n = 0;
    enum otel_err err;

    (void)state;
    do {
        struct otel_sdk_resource *a = NULL, *b = NULL, *c = NULL, *ab = NULL, *abc = NULL;
        struct otel_attribute attribute = split(loose[0]);
        otl_mem_fail_at(++n);
        err = try_entities(&old, 1, &a);
        if (err == OTEL_OK)
            err = try_entities(&same, 1, &b);
        if (err == OTEL_OK)
            err = otel_sdk_resource_new(&attribute, 1, otel_str(""), &c);
        if (err == OTEL_OK)
            err = otel_sdk_resource_merge(a, b, &ab);
        if (err == OTEL_OK)
            err = otel_sdk_resource_merge(ab, c, &abc);
        otl_mem_fail_at(0);
        assert_true(err == OTEL_OK || err == OTEL_ERR_MEMORY);
        assert_true(n < 5000);
        if (err == OTEL_OK)
            assert_string_equal(shown(otel_sdk_resource_ref(abc)),
                                "host{host.id=1}[x=new,y=1]@u;|k=v|u");
        otel_sdk_resource_unref(a);
        otel_sdk_resource_unref(b);
        otel_sdk_resource_unref(c);
        otel_sdk_resource_unref(ab);
        otel_sdk_resource_unref(abc);
    } while (err != OTEL_OK);
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entity_takes_the_place_of_loose_attributes),
        cmocka_unit_test(a_loose_attribute_that_says_otherwise_ends_an_entity),
        cmocka_unit_test(another_identity_and_a_key_in_common_lose_to_what_was_there),
        cmocka_unit_test(the_same_entity_is_described_by_both_and_the_updating_one_wins),
        cmocka_unit_test(the_schema_url_is_that_of_all_entities),
        cmocka_unit_test(within_an_entity_a_key_is_there_once),
        cmocka_unit_test(without_type_or_identity_there_is_no_entity),
        cmocka_unit_test(values_of_any_type_identify),
        cmocka_unit_test(many_make_a_resource_up_to_the_limits),
        cmocka_unit_test(the_witness_reads_references_to_keys_that_are_there),
        cmocka_unit_test(a_resource_without_entities_has_no_references),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };

    return cmocka_run_group_tests_name("entity", tests, NULL, NULL);
}
