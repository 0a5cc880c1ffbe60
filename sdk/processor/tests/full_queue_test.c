/* SPDX-License-Identifier: Apache-2.0 */
/* On a full queue a span's end asks nothing of the kernel, so it cannot block: a child process that
 * may make no system call ends ten thousand of them. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/rig.h"

enum { QUEUE = 64, SPANS = 10000, HOUR_MILLIS = 3600 * 1000 };

/* What the child tells; shared with it. */
struct told {
    uint64_t calls, /* while spans ended */
        dropped;
    int first; /* number of the first call */
};

static struct told *told;
static uint64_t calls;

static void trapped(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    if (calls++ == 0)
        told->first = info->si_syscall;
}

/* From now on each system call is counted and not made, but those that end the process. */
static void forbid_calls(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_sigaction = trapped;
    action.sa_flags = SA_SIGINFO;
    if (sigaction(SIGSYS, &action, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(3);
}

static uint64_t dropped(struct rig *rig)
{
    return rig_stats(rig).total.dropped[OTEL_SDK_DROP_QUEUE_FULL];
}

/* Time of the test's own: where the system's needs a call, that would be no fault of the SDK's. */
static uint64_t ticks(void *now)
{
    return atomic_fetch_add((_Atomic uint64_t *)now, 1000) + 1000;
}

/* In the child: fill the queue of a processor whose export never ends, then go on without calls. */
static void end_spans(bool with_a_call)
{
    static struct fake fake;
    static struct rig rig;
    static _Atomic uint64_t now;
    static struct otel_sdk_clock clock = {ticks, ticks, &now};
    struct otel_sdk_batch_options batch;
    struct otel_sdk_processor *processor;

    rig_init(&rig);
    rig.options.clock = &clock;
    fake_init(&fake, FAKE_HANG);
    otel_sdk_batch_options_init(&batch);
    batch.max_queue_size = QUEUE;
    batch.max_export_batch_size = QUEUE;
    batch.schedule_delay_millis = batch.export_timeout_millis = HOUR_MILLIS;
    if (otel_sdk_batch_new(&batch, &fake.exporter, &processor) != OTEL_OK)
        _exit(3);
    rig_start_with(&rig, processor);
    for (int i = 0; i < QUEUE; i++)
        one_span(&rig, "s");
    if (!fake_wait_exports(&fake, 1)) /* which holds those, and now the queue fills up */
        _exit(3);
    while (dropped(&rig) < QUEUE)
        one_span(&rig, "s");
    told->dropped = dropped(&rig);
    forbid_calls();
    for (int i = 0; i < SPANS; i++)
        one_span(&rig, "s");
    if (with_a_call)
        syscall(SYS_getppid);
    told->calls = calls;
    told->dropped = dropped(&rig) - told->dropped;
    _exit(0);
}

static void run_child(bool with_a_call)
{
    int status = 0;
    pid_t child;

    memset(told, 0, sizeof(*told));
    child = fork();
    if (child == 0)
        end_spans(with_a_call);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(told->dropped, SPANS);
}

static void a_span_dropped_on_a_full_queue_makes_no_system_call(void **state)
{
    (void)state;
    run_child(false);
    if (told->calls != 0)
        fail_msg("%llu system calls, the first is number %d", (unsigned long long)told->calls,
                 told->first);
}

static void a_system_call_would_be_seen(void **state)
{
    (void)state;
    run_child(true);
    assert_int_equal(told->calls, 1);
    assert_int_equal(told->first, SYS_getppid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_dropped_on_a_full_queue_makes_no_system_call),
        cmocka_unit_test(a_system_call_would_be_seen),
    };

    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
