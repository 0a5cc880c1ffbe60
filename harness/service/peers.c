/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/peers.h"

#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"

struct service_peers {
    struct hx_endpoint *endpoints;
    size_t count;
    size_t turn;
};

struct hx_peers {
    const struct hx_http_ops *ops;
    size_t service_count;
    struct service_peers services[HX_MAX_SERVICES];
};

static enum otel_err add_endpoint(struct hx_peers *peers, struct event_base *base,
                                  const char *service, const char *text,
                                  struct hx_endpoint *endpoint, struct otl_detail *reterr)
{
    const char *colon = text != NULL ? strrchr(text, ':') : NULL;
    uint64_t port;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(endpoint->host) ||
        otl_parse_uint(colon + 1, 1, 65535, &port) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "peer of %s is '%s', expected HOST:PORT", service,
                              text != NULL ? text : "");
    snprintf(endpoint->host, sizeof(endpoint->host), "%.*s", (int)(colon - text), text);
    endpoint->port = (uint16_t)port;
    snprintf(endpoint->url, sizeof(endpoint->url), "http://%s:%u", endpoint->host, endpoint->port);
    endpoint->url_len = strlen(endpoint->url);
    if (peers->ops->client_new(base, endpoint->host, endpoint->port, &endpoint->client) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for peers");
    return OTEL_OK;
}

static enum otel_err add_service(struct hx_peers *peers, struct event_base *base,
                                 const struct hx_service *service, const json_t *list,
                                 struct otl_detail *reterr)
{
    struct service_peers *entry = &peers->services[service->index];
    size_t count = json_array_size(list);

    if (count == 0 || count > HX_MAX_REPLICAS)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "%s has %zu endpoints, expected 1 to %d", service->name, count,
                              HX_MAX_REPLICAS);
    entry->count = 0;
    entry->endpoints = otl_mem_zalloc(count * sizeof(*entry->endpoints));
    if (entry->endpoints == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for peers");
    for (size_t i = 0; i < count; i++) {
        enum otel_err err = add_endpoint(peers, base, service->name,
                                         json_string_value(json_array_get(list, i)),
                                         &entry->endpoints[i], reterr);
        if (err != OTEL_OK)
            return err;
        entry->count++;
    }
    return OTEL_OK;
}

static enum otel_err need_callees(const struct hx_peers *peers, const struct hx_scenario *scenario,
                                  const struct hx_service *self, struct otl_detail *reterr)
{
    for (size_t i = 0; i < scenario->operation_count; i++) {
        const struct hx_operation *operation = &scenario->operations[i];
        if (operation->service != self || operation->step == NULL ||
            operation->step->kind != HX_STEP_CALL)
            continue;
        if (peers->services[operation->step->to->index].count == 0)
            return otl_detail_set(reterr, OTEL_ERR_NOT_FOUND, NULL, 0, 0,
                                  "no endpoint of %s, which %s calls", operation->step->to->name,
                                  self->name);
    }
    return OTEL_OK;
}

enum otel_err hx_peers_new(struct event_base *base, const struct hx_http_ops *ops,
                           const struct hx_scenario *scenario, const struct hx_service *self,
                           const json_t *services, struct hx_peers **ret,
                           struct otl_detail *reterr)
{
    struct hx_peers *peers = otl_mem_zalloc(sizeof(*peers));
    enum otel_err err = OTEL_OK;

    if (peers == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for peers");
    peers->ops = ops;
    peers->service_count = scenario->service_count;
    for (size_t i = 0; i < scenario->service_count && err == OTEL_OK; i++) {
        const json_t *list = json_object_get(services, scenario->services[i].name);
        if (json_array_size(list) != 0)
            err = add_service(peers, base, &scenario->services[i], list, reterr);
    }
    if (err == OTEL_OK)
        err = need_callees(peers, scenario, self, reterr);
    if (err != OTEL_OK) {
        hx_peers_free(peers);
        return err;
    }
    *ret = peers;
    return OTEL_OK;
}

void hx_peers_free(struct hx_peers *peers)
{
    if (peers == NULL)
        return;
    for (size_t i = 0; i < peers->service_count; i++) {
        struct service_peers *entry = &peers->services[i];
        for (size_t k = 0; k < entry->count; k++)
            peers->ops->client_free(entry->endpoints[k].client);
        otl_mem_free(entry->endpoints);
    }
    otl_mem_free(peers);
}

const struct hx_endpoint *hx_peers_next(struct hx_peers *peers, const struct hx_service *service)
{
    struct service_peers *entry = &peers->services[service->index];

    if (entry->count == 0)
        return NULL;
    return &entry->endpoints[entry->turn++ % entry->count];
}
