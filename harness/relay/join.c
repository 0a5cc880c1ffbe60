/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "harness/relay/bridge.h"
#include "sdk/base/mem.h"

enum otel_err hx_relay_memory_init(struct hx_relay_memory *memory)
{
    *memory = (struct hx_relay_memory){.next = 0};
    memory->entries = otl_mem_zalloc(HX_RELAY_MEMORY * sizeof(*memory->entries));
    return memory->entries ? OTEL_OK : OTEL_ERR_MEMORY;
}

void hx_relay_memory_fini(struct hx_relay_memory *memory)
{
    otl_mem_free(memory->entries);
    memory->entries = NULL;
}

void hx_relay_remember(struct hx_relay_memory *memory, const struct hx_relay_entry *entry)
{
    struct hx_relay_entry *place = &memory->entries[memory->next];

    memory->next = (memory->next + 1) % HX_RELAY_MEMORY;
    *place = *entry;
}

/* The i-th newest. */
static struct hx_relay_entry *newest(const struct hx_relay_memory *memory, size_t i)
{
    return &memory->entries[(memory->next + HX_RELAY_MEMORY - 1 - i) % HX_RELAY_MEMORY];
}

struct hx_relay_entry *hx_relay_recall(struct hx_relay_memory *memory, uint64_t seq)
{
    for (size_t i = 0; i < HX_RELAY_MEMORY && newest(memory, i)->seq != 0; i++)
        if (newest(memory, i)->seq == seq)
            return newest(memory, i);
    return NULL;
}

/* Those in which the entry of one call may be. */
struct memories {
    const struct hx_relay_memory *list[HX_MAX_REPLICAS + 1];
    size_t count;
};

static const struct hx_relay_entry *by_request(const struct memories *all,
                                               const struct hx_relay_caller *caller)
{
    for (size_t m = 0; m < all->count; m++)
        for (size_t i = 0; i < HX_RELAY_MEMORY && newest(all->list[m], i)->seq != 0; i++)
            if (newest(all->list[m], i)->request == caller->request &&
                newest(all->list[m], i)->caller_seq == caller->caller_seq)
                return newest(all->list[m], i);
    return NULL;
}

static const struct hx_relay_entry *only_open(const struct memories *all)
{
    const struct hx_relay_entry *found = NULL;

    for (size_t m = 0; m < all->count; m++) {
        for (size_t i = 0; i < HX_RELAY_MEMORY && newest(all->list[m], i)->seq != 0; i++) {
            if (!newest(all->list[m], i)->open)
                continue;
            if (found != NULL)
                return NULL;
            found = newest(all->list[m], i);
        }
    }
    return found;
}

/* Of those in hand; with the same key twice nobody can tell. Nobody in hand: the newest. */
static const struct hx_relay_entry *by_key(const struct memories *all, const char *key)
{
    const struct hx_relay_entry *open = NULL, *closed = NULL;

    for (size_t m = 0; m < all->count; m++) {
        for (size_t i = 0; i < HX_RELAY_MEMORY && newest(all->list[m], i)->seq != 0; i++) {
            const struct hx_relay_entry *entry = newest(all->list[m], i);
            if (strcmp(entry->key, key) != 0)
                continue;
            if (entry->open && open != NULL)
                return NULL;
            if (entry->open)
                open = entry;
            else if (closed == NULL)
                closed = entry;
        }
    }
    return open ? open : closed;
}

static const struct hx_relay_entry *join(const struct memories *all,
                                         const struct hx_foreign *foreign,
                                         const struct hx_relay_caller *caller)
{
    const struct hx_relay_entry *entry = NULL;

    if (caller->has_request)
        entry = by_request(all, caller);
    if (entry == NULL && foreign->max_in_flight == 1)
        entry = only_open(all);
    if (entry == NULL && caller->key[0] != '\0')
        entry = by_key(all, caller->key);
    return entry;
}

const struct hx_relay_entry *hx_relay_join(const struct hx_relay_node *node,
                                           const struct hx_relay_caller *caller)
{
    const struct hx_relay_bridge *bridge = hx_relay_bridge_of(node->relay, node->replica.service);
    struct memories all = {{&node->memory}, 1};

    if (bridge != NULL)
        all.list[all.count++] = &bridge->memory;
    return join(&all, node->replica.service->foreign, caller);
}

const struct hx_relay_entry *hx_relay_join_message(const struct hx_relay_bridge *bridge,
                                                   const struct hx_relay_caller *caller)
{
    const struct hx_relay *relay = bridge->relay;
    struct memories all = {{&bridge->memory}, 1};

    for (size_t i = 0; i < relay->node_count && all.count <= HX_MAX_REPLICAS; i++)
        if (relay->nodes[i]->replica.service == bridge->service)
            all.list[all.count++] = &relay->nodes[i]->memory;
    return join(&all, bridge->service->foreign, caller);
}

/* ---- business keys -------------------------------------------------------------------------- */

bool hx_relay_text_key(struct otl_view text, char out[HX_RELAY_KEY_MAX])
{
    out[0] = '\0';
    if (text.len == 0 || text.len >= HX_RELAY_KEY_MAX ||
        memchr(text.data, '\0', text.len) != NULL)
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static const json_t *field(const json_t *tree, const char *path)
{
    while (tree != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");
        tree = json_object_getn(tree, path, len);
        path += len + (path[len] == '.');
    }
    return tree;
}

bool hx_relay_json_key(const char *body, size_t len, const char *path, char out[HX_RELAY_KEY_MAX])
{
    json_t *tree = len > 0 ? json_loadb(body, len, 0, NULL) : NULL;
    const json_t *value = field(tree, path);
    char text[32];
    bool found = false;

    out[0] = '\0';
    if (json_is_string(value)) {
        found = hx_relay_text_key(otl_view(json_string_value(value), json_string_length(value)),
                                  out);
    } else if (json_is_integer(value)) {
        snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
        found = hx_relay_text_key(otl_view_str(text), out);
    }
    json_decref(tree);
    return found;
}
