/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that change while a run goes on. The changed tree is loaded as a scenario of its own, so
 * that it is held against the same rules as the file; then its values are taken over. */
#include <stdio.h>
#include <string.h>

#include "harness/scenario/faults.h"
#include "harness/scenario/internal.h"
#include "harness/scenario/schema.h"

enum { TEXT_SIZE = 4096 };

static bool ends_in(const char *path, const char *const *words)
{
    const char *dot = strrchr(path, '.'), *last = dot ? dot + 1 : path;

    for (; *words != NULL; words++)
        if (strcmp(*words, last) == 0)
            return true;
    return false;
}

bool hx_setting_is_of_group(const struct hx_setting *setting)
{
    static const char *const common[] = {"assignor", NULL};

    return ends_in(setting->path, common);
}

static enum otel_err check_path(const char *path, bool restart, struct otl_detail *reterr)
{
    static const char *const live[] = {"wait", "work", "probability", "max_in_hand", NULL};
    static const char *const joining[] = {"max_poll_interval", "session_timeout", "version", NULL};
    static const char *const common[] = {"assignor", NULL};

    if (strncmp(path, "env.", 4) == 0 && restart) /* of a command */
        return OTEL_OK;
    if (ends_in(path, live) || (restart && (ends_in(path, joining) || ends_in(path, common))))
        return OTEL_OK;
    if (ends_in(path, joining))
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "'%.200s' is read when a process starts and cannot be changed in a "
                              "running one; use 'do: restart' with this 'set'",
                              path);
    if (ends_in(path, common))
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "'%.200s' cannot be changed in a running process: the members of a "
                              "group have one assignor in common, and a Kafka refuses a member "
                              "with another (INCONSISTENT_GROUP_PROTOCOL); use 'do: restart' of "
                              "all replicas with this 'set'",
                              path);
    return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                          "'%.200s' cannot be changed during a run; wait, work and probability of "
                          "a step and max_in_hand of a consumer can, a restart also changes "
                          "version, max_poll_interval, session_timeout and a command's env",
                          path);
}

static enum otel_err change(const json_t *tree, const char *override, json_t **ret,
                            struct otl_detail *reterr)
{
    struct otl_yaml *doc = NULL;
    json_t *root, *part;
    const char *name;
    enum otel_err err = otl_yaml_from_tree(tree, "set", &doc, reterr);

    if (err != OTEL_OK)
        return err;
    root = otl_yaml_root(doc);
    json_object_del(root, "faults");
    json_object_del(json_object_get(root, "expect"), "thresholds"); /* windows between faults */
    json_object_foreach(json_object_get(root, "services"), name, part)
        json_object_del(part, "replica_settings");
    err = hx_apply_override(doc, override, reterr);
    if (err == OTEL_OK)
        err = otl_schema_check(doc, hx_scenario_schema, reterr);
    if (err == OTEL_OK) {
        *ret = json_deep_copy(root);
        err = *ret ? OTEL_OK : OTEL_ERR_MEMORY;
    }
    otl_yaml_free(doc);
    return err;
}

static enum otel_err override_text(const char *service, const struct hx_setting *setting,
                                   char *out, size_t size, struct otl_detail *reterr)
{
    int len = snprintf(out, size, "services.%s.%s=%s", service, setting->path, setting->value);

    if (len < 0 || (size_t)len >= size)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0, "the setting is too long");
    return OTEL_OK;
}

enum otel_err hx_scenario_with(const json_t *tree, const char *service,
                               const struct hx_setting *setting, bool restart, json_t **ret,
                               struct otl_detail *reterr)
{
    char override[TEXT_SIZE];
    struct hx_scenario *changed = NULL;
    json_t *copy = NULL;
    enum otel_err err = check_path(setting->path, restart, reterr);

    if (err == OTEL_OK)
        err = override_text(service, setting, override, sizeof(override), reterr);
    if (err == OTEL_OK)
        err = change(tree, override, &copy, reterr);
    if (err == OTEL_OK)
        err = hx_scenario_load_tree(copy, &changed, reterr);
    hx_scenario_free(changed);
    if (err != OTEL_OK) {
        json_decref(copy);
        return err;
    }
    *ret = copy;
    return OTEL_OK;
}

/* Both lists come from trees that differ in values alone. */
static void take_steps(const struct hx_step *to, const struct hx_step *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hx_step *step = (struct hx_step *)(uintptr_t)&to[i];
        step->delay = from[i].delay;
        step->probability = from[i].probability;
        take_steps(to[i].steps, from[i].steps, to[i].step_count);
    }
}

static void take_service(const struct hx_service *to, const struct hx_service *from)
{
    for (size_t i = 0; i < to->route_count; i++)
        take_steps(to->routes[i].steps, from->routes[i].steps, to->routes[i].step_count);
    for (size_t i = 0; i < to->consumer_count; i++) {
        struct hx_consumer *consumer = (struct hx_consumer *)(uintptr_t)&to->consumers[i];
        consumer->max_in_hand = from->consumers[i].max_in_hand;
        take_steps(to->consumers[i].steps, from->consumers[i].steps, to->consumers[i].step_count);
    }
}

enum otel_err hx_scenario_adjust(struct hx_scenario *scenario, const char *service,
                                 const struct hx_setting *setting, struct otl_detail *reterr)
{
    struct hx_loaded *loaded = (struct hx_loaded *)scenario;
    const struct hx_service *to = hx_scenario_service(scenario, service);
    struct hx_scenario *changed = NULL;
    char override[TEXT_SIZE];
    json_t *tree = NULL;
    enum otel_err err;

    if (to == NULL)
        return otl_detail_set(reterr, OTEL_ERR_NOT_FOUND, NULL, 0, 0, "no service '%s'", service);
    err = hx_scenario_with(scenario->tree, service, setting, false, &tree, reterr);
    if (err == OTEL_OK)
        err = hx_scenario_load_tree(tree, &changed, reterr);
    if (err == OTEL_OK)
        err = override_text(service, setting, override, sizeof(override), reterr);
    if (err == OTEL_OK) /* the next change starts from this one */
        err = hx_apply_override(loaded->doc, override, reterr);
    if (err == OTEL_OK)
        take_service(to, &changed->services[to->index]);
    hx_scenario_free(changed);
    json_decref(tree);
    return err;
}
