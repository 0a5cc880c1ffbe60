/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/tests/lone.h"

#include <signal.h>
#include <unistd.h>

struct rig lone;
struct otl_buf lone_body, lone_answer;

int lone_setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&lone);
    rig_official("groups", &lone_body);
    otl_buf_init(&lone_answer, 64u << 20);
    return 0;
}

int lone_teardown(void **state)
{
    (void)state;
    rig_fini(&lone);
    otl_buf_fini(&lone_body);
    otl_buf_fini(&lone_answer);
    return 0;
}

unsigned lone_post_on(int fd, const char *headers)
{
    return rig_post(fd, headers, otl_view(lone_body.data, lone_body.len), &lone_answer);
}

unsigned lone_post(const char *headers)
{
    int fd = rig_connect(rig_port(&lone, "otlp/http"));
    unsigned status = lone_post_on(fd, headers);

    close(fd);
    return status;
}
