/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/resource/blend.h"
#include "sdk/resource/environment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned g_told;

static void tell(void *arg, enum otel_err err, const char *text)
{
    (void)arg;
    if (err != OTEL_OK || text[0] == '\0')
        abort();
    g_told++;
}

/* One of each type, with an identity; a key has one place, and none is lost in silence. */
static void check(const struct otel_sdk_entity *entities, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct otel_sdk_entity *entity = &entities[i];
        if (entity->type.len == 0 || entity->id_count == 0)
            abort();
        for (size_t k = 0; k < entity->description_count; k++)
            for (size_t j = 0; j < count; j++)
                if (otl_attribute_find(entities[j].id, entities[j].id_count,
                                       entity->description[k].key) != NULL ||
                    (j != i && otl_attribute_find(entities[j].description,
                                                  entities[j].description_count,
                                                  entity->description[k].key) != NULL))
                    abort();
        for (size_t j = 0; j < i; j++)
            if (otel_str_equal(entity->type, entities[j].type))
                abort();
    }
}

/* Whatever it says, there is a resource, with all entities that nothing was told of. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[2048];
    struct otl_resource_environment environment = {
        .entities = text, .instance_id = "id", .teller = {tell, NULL}};
    struct otel_sdk_resource *resource = NULL;
    struct otl_entity_list list;
    bool discarded = false;

    if (size >= sizeof(text))
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (otl_entity_list_read(text, NULL, &list) != OTEL_OK)
        abort();
    check(list.items, list.count);
    g_told = 0;
    if (otl_resource_from_environment(&environment, NULL, &discarded, &resource) != OTEL_OK)
        abort();
    check(otel_sdk_resource_entities(resource), otel_sdk_resource_entity_count(resource));
    if (g_told == 0 && otel_sdk_resource_entity_count(resource) != list.count)
        abort();
    otel_sdk_resource_unref(resource);
    otl_entity_list_fini(&list);
    return 0;
}
