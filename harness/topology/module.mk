# SPDX-License-Identifier: Apache-2.0
LIBS += child
child_SRCS := harness/topology/child.c
child_LIBS := base
child_PKGS := libevent_core jansson

TESTS += child_test
child_test_SRCS := harness/topology/tests/child_test.c
child_test_LIBS := child
