/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/extensions/guard.h"

#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector-mock/extensions/base64.h"
#include "collector-mock/extensions/htpasswd.h"
#include "sdk/base/mem.h"

enum {
    CHECKS_MAX = 64,
    WAITS_MAX = 1024,
    REMEMBERED_MAX = 256,
    WORDS_MAX = 4096, /* bytes of user and password */
    KEY_SIZE = 32
};

struct wait {
    struct wait *next;
    struct col_guard_wait of;
};

/* One pair of user and password on its way through the thread. */
struct check {
    struct check *next;      /* of those the loop knows */
    struct check *next_todo; /* of those the thread has not begun */
    uint8_t key[KEY_SIZE];
    const struct col_htpasswd_user *user;
    char *password;
    size_t password_len;
    bool done, granted; /* under the lock */
    struct wait *waits;
};

struct remembered {
    uint8_t key[KEY_SIZE];
    uint64_t used; /* 0: free */
    bool granted;
};

struct col_guard {
    struct col_guard *next; /* of the host */
    struct col_host *host;
    const char *id;
    char header[128];
    char text[512]; /* the refusal at hand */
    struct col_htpasswd *file;
    struct otl_buf tokens;
    uint8_t secret[KEY_SIZE]; /* of the keyed digests */
    struct remembered remembered[REMEMBERED_MAX];
    uint64_t uses;
    struct check *checks;
    size_t check_count, wait_count;
    uint64_t *granted, *refused, *busy, *checked, *recalled;
    struct event *event; /* a check is done */
    int wake;
    /* the thread's side */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct check *todo_first, *todo_last;
    bool has_thread, stopping;
};

/* ---- the thread ---- */

static struct check *take_todo(struct col_guard *guard)
{
    struct check *check;

    pthread_mutex_lock(&guard->lock);
    while (guard->todo_first == NULL && !guard->stopping)
        pthread_cond_wait(&guard->more, &guard->lock);
    check = guard->stopping ? NULL : guard->todo_first;
    if (check != NULL)
        guard->todo_first = check->next_todo;
    if (guard->todo_first == NULL)
        guard->todo_last = NULL;
    pthread_mutex_unlock(&guard->lock);
    return check;
}

static void *run_checks(void *arg)
{
    static const uint64_t one = 1;
    struct col_guard *guard = arg;
    struct check *check;

    while ((check = take_todo(guard)) != NULL) {
        bool granted =
            col_htpasswd_match(check->user, otl_view(check->password, check->password_len));
        pthread_mutex_lock(&guard->lock);
        check->granted = granted;
        check->done = true;
        pthread_mutex_unlock(&guard->lock);
        while (write(guard->wake, &one, sizeof(one)) < 0 && errno == EINTR)
            ;
    }
    return NULL;
}

static void hand_over(struct col_guard *guard, struct check *check)
{
    pthread_mutex_lock(&guard->lock);
    if (guard->todo_last != NULL)
        guard->todo_last->next_todo = check;
    else
        guard->todo_first = check;
    guard->todo_last = check;
    pthread_cond_signal(&guard->more);
    pthread_mutex_unlock(&guard->lock);
}

/* ---- what is remembered ---- */

static bool make_key(const struct col_guard *guard, const uint8_t *words, size_t len, uint8_t *key)
{
    unsigned size = KEY_SIZE;

    return HMAC(EVP_sha256(), guard->secret, KEY_SIZE, words, len, key, &size) != NULL;
}

static struct remembered *recall(struct col_guard *guard, const uint8_t *key)
{
    for (size_t i = 0; i < REMEMBERED_MAX; i++) {
        struct remembered *one = &guard->remembered[i];
        if (one->used != 0 && memcmp(one->key, key, KEY_SIZE) == 0) {
            one->used = ++guard->uses;
            return one;
        }
    }
    return NULL;
}

/* In the place of a refusal if there is one: who guesses pushes no right words out. */
static void remember(struct col_guard *guard, const uint8_t *key, bool granted)
{
    struct remembered *place = &guard->remembered[0];

    for (size_t i = 1; i < REMEMBERED_MAX; i++) {
        struct remembered *one = &guard->remembered[i];
        bool better = one->used != 0 && place->used != 0 && one->granted != place->granted
                          ? place->granted
                          : one->used < place->used;
        if (better)
            place = one;
    }
    memcpy(place->key, key, KEY_SIZE);
    place->used = ++guard->uses;
    place->granted = granted;
}

/* ---- checks, as the loop sees them ---- */

static enum col_guard_word tell(struct col_guard *guard, enum col_guard_word word,
                                const char *text, const char **ret_text)
{
    ++*(word == COL_GUARD_GRANTED   ? guard->granted
        : word == COL_GUARD_REFUSED ? guard->refused
                                    : guard->busy);
    *ret_text = word == COL_GUARD_GRANTED ? "" : text;
    return word;
}

static void free_check(struct check *check)
{
    while (check->waits != NULL) {
        struct wait *next = check->waits->next;
        otl_mem_free(check->waits);
        check->waits = next;
    }
    if (check->password != NULL)
        OPENSSL_cleanse(check->password, check->password_len);
    otl_mem_free(check->password);
    otl_mem_free(check);
}

static struct check *unlink_done(struct col_guard *guard)
{
    struct check **at = &guard->checks, *found = NULL;

    pthread_mutex_lock(&guard->lock);
    while (*at != NULL && !(*at)->done)
        at = &(*at)->next;
    found = *at;
    if (found != NULL)
        *at = found->next;
    pthread_mutex_unlock(&guard->lock);
    return found;
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
    struct col_guard *guard = arg;
    struct check *check;
    uint64_t count;

    (void)what;
    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
    while ((check = unlink_done(guard)) != NULL) {
        remember(guard, check->key, check->granted);
        guard->check_count--;
        while (check->waits != NULL) {
            struct wait *wait = check->waits;
            const char *text;
            enum col_guard_word word =
                tell(guard, check->granted ? COL_GUARD_GRANTED : COL_GUARD_REFUSED,
                     "invalid credentials", &text);
            check->waits = wait->next;
            guard->wait_count--;
            wait->of.on_word(wait->of.owner, wait->of.request, word, text);
            otl_mem_free(wait);
        }
        free_check(check);
    }
}

static struct check *new_check(struct col_guard *guard, const struct col_htpasswd_user *user,
                               struct otl_view password, const uint8_t *key)
{
    struct check *check = guard->check_count < CHECKS_MAX ? otl_mem_zalloc(sizeof(*check)) : NULL;

    if (check == NULL)
        return NULL;
    check->password = otl_mem_strndup(password.data, password.len);
    check->password_len = password.len;
    if (check->password == NULL) {
        otl_mem_free(check);
        return NULL;
    }
    memcpy(check->key, key, KEY_SIZE);
    check->user = user;
    return check;
}

/* Wait for the check of these words, a new one if none is under way. False: there are too many. */
static bool check_later(struct col_guard *guard, const struct col_htpasswd_user *user,
                        struct otl_view password, const uint8_t *key,
                        const struct col_guard_wait *of)
{
    struct wait *wait = guard->wait_count < WAITS_MAX ? otl_mem_zalloc(sizeof(*wait)) : NULL;
    struct check *check = guard->checks;
    bool fresh;

    if (wait == NULL)
        return false;
    while (check != NULL && memcmp(check->key, key, KEY_SIZE) != 0)
        check = check->next;
    fresh = check == NULL;
    if (fresh)
        check = new_check(guard, user, password, key);
    if (check == NULL) {
        otl_mem_free(wait);
        return false;
    }
    wait->of = *of;
    wait->next = check->waits;
    check->waits = wait;
    guard->wait_count++;
    if (fresh) {
        ++*guard->checked;
        check->next = guard->checks;
        guard->checks = check;
        guard->check_count++;
        hand_over(guard, check);
    }
    return true;
}

/* ---- asking ---- */

static enum col_guard_word ask_file(struct col_guard *guard, const uint8_t *words, size_t len,
                                    const struct col_guard_wait *wait, const char **ret_text)
{
    static const char invalid[] = "invalid credentials";
    const uint8_t *colon = memchr(words, ':', len);
    const struct col_htpasswd_user *user;
    const struct remembered *known;
    struct otl_view password;
    uint8_t key[KEY_SIZE];

    if (colon == NULL)
        return tell(guard, COL_GUARD_REFUSED, "invalid authorization format", ret_text);
    user = col_htpasswd_find(guard->file,
                             otl_view((const char *)words, (size_t)(colon - words)));
    password = otl_view((const char *)colon + 1, len - (size_t)(colon - words) - 1);
    if (user == NULL)
        return tell(guard, COL_GUARD_REFUSED, invalid, ret_text);
    if (!col_htpasswd_is_slow(user))
        return tell(guard,
                    col_htpasswd_match(user, password) ? COL_GUARD_GRANTED : COL_GUARD_REFUSED,
                    invalid, ret_text);
    if (!make_key(guard, words, len, key))
        return tell(guard, COL_GUARD_BUSY, "out of memory", ret_text);
    known = recall(guard, key);
    if (known != NULL) {
        ++*guard->recalled;
        return tell(guard, known->granted ? COL_GUARD_GRANTED : COL_GUARD_REFUSED, invalid,
                    ret_text);
    }
    if (check_later(guard, user, password, key, wait))
        return COL_GUARD_LATER;
    return tell(guard, COL_GUARD_BUSY, "too many checks of passwords are under way", ret_text);
}

static enum col_guard_word ask_basic(struct col_guard *guard, struct otl_view value,
                                     const struct col_guard_wait *wait, const char **ret_text)
{
    static const char scheme[] = "Basic ";
    enum col_guard_word word;
    uint8_t words[WORDS_MAX];
    size_t len;

    if (value.len == 0)
        return tell(guard, COL_GUARD_REFUSED, "no basic auth provided", ret_text);
    if (value.len < sizeof(scheme) - 1 || strncasecmp(value.data, scheme, sizeof(scheme) - 1) != 0)
        return tell(guard, COL_GUARD_REFUSED, "invalid authorization scheme prefix", ret_text);
    len = col_base64_decode(
        otl_view(value.data + sizeof(scheme) - 1, value.len - (sizeof(scheme) - 1)), words,
        sizeof(words));
    if (len == SIZE_MAX)
        return tell(guard, COL_GUARD_REFUSED, "invalid authorization format", ret_text);
    word = ask_file(guard, words, len, wait, ret_text);
    OPENSSL_cleanse(words, len);
    return word;
}

static enum col_guard_word ask_tokens(struct col_guard *guard, struct otl_view value,
                                      const char **ret_text)
{
    const char *end = guard->tokens.data + guard->tokens.len;
    bool granted = false;

    if (value.len == 0) {
        snprintf(guard->text, sizeof(guard->text), "missing or empty authorization header: %s",
                 guard->header);
        return tell(guard, COL_GUARD_REFUSED, guard->text, ret_text);
    }
    for (const char *token = guard->tokens.data; token < end; token += strlen(token) + 1)
        granted |= strlen(token) == value.len && CRYPTO_memcmp(token, value.data, value.len) == 0;
    snprintf(guard->text, sizeof(guard->text), "scheme or token does not match: %.*s",
             (int)(value.len < 256 ? value.len : 256), value.data);
    return tell(guard, granted ? COL_GUARD_GRANTED : COL_GUARD_REFUSED, guard->text, ret_text);
}

enum col_guard_word col_guard_ask(struct col_guard *guard, struct otl_view value,
                                  const struct col_guard_wait *wait, const char **ret_text)
{
    return guard->file != NULL ? ask_basic(guard, value, wait, ret_text)
                               : ask_tokens(guard, value, ret_text);
}

void col_guard_forget(struct col_guard *guard, const void *owner)
{
    for (struct check *check = guard != NULL ? guard->checks : NULL; check != NULL;
         check = check->next) {
        struct wait **at = &check->waits;
        while (*at != NULL) {
            struct wait *wait = *at;
            if (wait->of.owner != owner) {
                at = &wait->next;
                continue;
            }
            *at = wait->next;
            guard->wait_count--;
            otl_mem_free(wait);
        }
    }
}

/* ---- life ---- */

static bool count(struct col_guard *guard)
{
    static const char asked[] = "collector_mock_auth_requests";
    struct col_metrics *metrics = guard->host->metrics;
    uint64_t **targets[] = {&guard->granted, &guard->refused, &guard->busy};
    static const char *const outcomes[] = {"granted", "refused", "busy"};
    char labels[192];

    for (size_t i = 0; i < 3; i++) {
        snprintf(labels, sizeof(labels), "extension=\"%s\",outcome=\"%s\"", guard->id,
                 outcomes[i]);
        *targets[i] = col_metrics_counter(metrics, asked, labels,
                                          "Requests by what their credentials were worth.");
    }
    snprintf(labels, sizeof(labels), "extension=\"%s\"", guard->id);
    guard->checked = col_metrics_counter(metrics, "collector_mock_auth_checks", labels,
                                         "Passwords that were checked on the thread for it.");
    guard->recalled = col_metrics_counter(metrics, "collector_mock_auth_recalled", labels,
                                          "Requests whose password was remembered.");
    return guard->granted && guard->refused && guard->busy && guard->checked && guard->recalled;
}

static enum otel_err start_thread(struct col_guard *guard)
{
    guard->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (guard->wake < 0 || RAND_bytes(guard->secret, KEY_SIZE) != 1)
        return OTEL_ERR_IO;
    guard->event = event_new(guard->host->base, guard->wake, EV_READ | EV_PERSIST, on_done, guard);
    if (guard->event == NULL || event_add(guard->event, NULL) != 0)
        return OTEL_ERR_MEMORY;
    if (pthread_create(&guard->thread, NULL, run_checks, guard) != 0)
        return OTEL_ERR_IO;
    guard->has_thread = true;
    return OTEL_OK;
}

enum otel_err col_guard_new(const struct col_guard_options *options, struct col_guard **ret)
{
    struct col_guard *guard = otl_mem_zalloc(sizeof(*guard));
    enum otel_err err;

    if (guard == NULL)
        return OTEL_ERR_MEMORY;
    guard->wake = -1;
    guard->host = options->host;
    guard->id = options->id;
    guard->file = options->file;
    guard->tokens = *options->tokens;
    otl_buf_init(options->tokens, options->tokens->max);
    for (size_t i = 0; options->header[i] != '\0' && i < sizeof(guard->header) - 1; i++)
        guard->header[i] = (char)tolower((unsigned char)options->header[i]);
    pthread_mutex_init(&guard->lock, NULL);
    pthread_cond_init(&guard->more, NULL);
    err = !count(guard) ? OTEL_ERR_MEMORY : guard->file != NULL ? start_thread(guard) : OTEL_OK;
    if (err != OTEL_OK) {
        col_guard_free(guard);
        return err;
    }
    guard->next = guard->host->guards;
    guard->host->guards = guard;
    *ret = guard;
    return OTEL_OK;
}

void col_guard_free(struct col_guard *guard)
{
    struct col_guard **at;

    if (guard == NULL)
        return;
    for (at = &guard->host->guards; *at != NULL && *at != guard; at = &(*at)->next)
        ;
    if (*at == guard)
        *at = guard->next;
    if (guard->has_thread) {
        pthread_mutex_lock(&guard->lock);
        guard->stopping = true;
        pthread_cond_signal(&guard->more);
        pthread_mutex_unlock(&guard->lock);
        pthread_join(guard->thread, NULL);
    }
    if (guard->event != NULL)
        event_free(guard->event);
    if (guard->wake >= 0)
        close(guard->wake);
    while (guard->checks != NULL) {
        struct check *next = guard->checks->next;
        free_check(guard->checks);
        guard->checks = next;
    }
    pthread_cond_destroy(&guard->more);
    pthread_mutex_destroy(&guard->lock);
    col_htpasswd_free(guard->file);
    if (guard->tokens.data != NULL)
        OPENSSL_cleanse(guard->tokens.data, guard->tokens.len);
    otl_buf_fini(&guard->tokens);
    otl_mem_free(guard);
}

struct col_guard *col_guard_of(const struct col_host *host, const char *id)
{
    struct col_guard *guard = host->guards;

    while (guard != NULL && strcmp(guard->id, id) != 0)
        guard = guard->next;
    return guard;
}

const char *col_guard_header(const struct col_guard *guard)
{
    return guard->header;
}

struct otl_view col_guard_credentials(const struct col_guard *guard, struct otl_view value)
{
    const size_t scheme = strlen("Basic ");

    if (guard->file == NULL || value.len < scheme)
        return otl_view("", 0);
    return otl_view(value.data + scheme, value.len - scheme);
}
