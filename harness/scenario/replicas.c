/* SPDX-License-Identifier: Apache-2.0 */
/* What single replicas have of their own: replica_settings, and the settings of faults. */
#include "harness/scenario/replicas.h"

#include <stdlib.h>
#include <string.h>

#include "harness/scenario/internal.h"
#include "sdk/base/text.h"

enum otel_err hx_load_settings(struct hx_loader *l, const json_t *set, const char *service,
                               bool restart, const struct hx_setting **ret, size_t *ret_count)
{
    struct hx_setting *settings = hx_loader_array(l, json_object_size(set), sizeof(*settings));
    const char *path;
    json_t *value;
    size_t count = 0;

    if (settings == NULL)
        return OTEL_ERR_MEMORY;
    json_object_foreach((json_t *)(uintptr_t)set, path, value) {
        struct hx_setting *setting = &settings[count++];
        struct otl_detail detail = OTL_DETAIL_NONE;
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        json_t *changed = NULL;
        enum otel_err err = OTEL_OK;

        setting->path = path;
        setting->value = text ? otl_arena_strdup(l->arena, text) : NULL;
        free(text);
        if (setting->value == NULL)
            return OTEL_ERR_MEMORY;
        err = hx_scenario_with(l->scenario->tree, service, setting, restart, &changed, &detail);
        json_decref(changed);
        if (err == OTEL_ERR_MEMORY)
            return err;
        if (err != OTEL_OK)
            return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, set, path), "set %.100s: %s",
                                  path, detail.text);
    }
    *ret = settings;
    *ret_count = count;
    return OTEL_OK;
}

static enum otel_err load_replica(struct hx_loader *l, const struct hx_service *service,
                                  const json_t *all, const char *name,
                                  struct hx_replica_settings *ret)
{
    const json_t *map = json_object_get(all, name);
    enum otel_err err;
    uint64_t replica;

    if (otl_parse_uint(name, 0, HX_MAX_REPLICAS, &replica) != OTEL_OK ||
        replica >= service->replicas)
        return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, all, name),
                              "%s has %u replica%s, numbered from 0; there is no replica %.20s",
                              service->name, service->replicas, service->replicas == 1 ? "" : "s",
                              name);
    ret->replica = (unsigned)replica;
    err = hx_load_settings(l, map, service->name, true, &ret->settings, &ret->setting_count);
    for (size_t i = 0; i < ret->setting_count && err == OTEL_OK; i++)
        if (hx_setting_is_of_group(&ret->settings[i]))
            err = otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, ret->settings[i].path),
                                 "'%.100s' is no replica's own: the members of a group have one "
                                 "assignor in common",
                                 ret->settings[i].path);
    return err;
}

enum otel_err hx_load_replicas(struct hx_loader *l)
{
    const json_t *services = json_object_get(l->scenario->tree, "services");

    for (size_t i = 0; i < l->scenario->service_count; i++) {
        struct hx_service *service = &l->services[i];
        const json_t *all =
            json_object_get(json_object_get(services, service->name), "replica_settings");
        struct hx_replica_settings *rows =
            hx_loader_array(l, json_object_size(all), sizeof(*rows));
        const char *name;
        json_t *value;

        if (rows == NULL)
            return OTEL_ERR_MEMORY;
        service->replica_settings = rows;
        json_object_foreach((json_t *)(uintptr_t)all, name, value) {
            enum otel_err err =
                load_replica(l, service, all, name, &rows[service->replica_settings_count]);
            if (err != OTEL_OK)
                return err;
            service->replica_settings_count++;
        }
    }
    return OTEL_OK;
}

enum otel_err hx_scenario_replica_tree(const struct hx_scenario *scenario,
                                       const struct hx_service *service, unsigned replica,
                                       json_t **ret, struct otl_detail *reterr)
{
    json_t *tree = json_incref((json_t *)(uintptr_t)scenario->tree);

    for (size_t i = 0; i < service->replica_settings_count; i++) {
        const struct hx_replica_settings *own = &service->replica_settings[i];
        for (size_t s = 0; own->replica == replica && s < own->setting_count; s++) {
            json_t *next = NULL;
            enum otel_err err = hx_scenario_with(tree, service->name, &own->settings[s], true,
                                                 &next, reterr);
            json_decref(tree);
            if (err != OTEL_OK)
                return err;
            tree = next;
        }
    }
    *ret = tree;
    return OTEL_OK;
}
