/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: a line in, what it says, a line out. */
#include <stdlib.h>
#include <string.h>

#include "sdk/tests/put/put.h"

void put_no(struct put *put, const char *why)
{
    put->status = 1;
    fprintf(put->out, "no %s", why);
}

static put_command_fn *command_of(struct otel_str name)
{
    static const struct put_command *const tables[] = {
        put_span_commands,   put_carry_commands, put_setup_commands,  put_sampler_commands,
        put_report_commands, put_load_commands,  put_busy_commands,   put_life_commands,
        put_thread_commands, put_noop_commands,  put_metric_commands, put_kafka_commands};

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        for (const struct put_command *at = tables[i]; at != NULL && at->name != NULL; at++)
            if (strcmp(at->name, name.data) == 0)
                return at->run;
    return NULL;
}

void put_run_line(struct put *put, char *line)
{
    struct put_words *words = calloc(1, sizeof(*words));
    put_command_fn *run;

    if (words == NULL)
        abort();
    if (!put_split(line, words))
        put_no(put, "words");
    else if ((run = command_of(words->words[0])) == NULL)
        put_no(put, "command");
    else
        run(put, words);
    fputc('\n', put->out);
    fflush(put->out);
    put_free_scraps(&put->scraps);
    free(words);
}

int main(void)
{
    static struct put put;
    char *line = NULL, stats[] = "stats";

    put.out = stdout;
    while (put_read_line(&line)) {
        put_run_line(&put, line);
        free(line);
    }
    /* the end that programs are told to make */
    if (put.sdk != NULL)
        (void)otel_sdk_shutdown(put.sdk, PUT_END_MILLIS);
    else if (put.provider != NULL)
        (void)otel_sdk_provider_shutdown(put.provider, PUT_END_MILLIS);
    if (put_busy_end())
        put_run_line(&put, stats); /* the books at the end, unasked */
    put_forget_all(&put);
    if (put.sdk != NULL)
        otel_sdk_free(put.sdk);
    else
        otel_sdk_provider_free(put.provider);
    otel_sdk_provider_free(put.other);
    return 0;
}
