# SPDX-License-Identifier: Apache-2.0
# What the tests of the SDK's rooms share; it stands above them all.
LIBS += sdk_rig
sdk_rig_SRCS := sdk/tests/rig.c sdk/tests/fake_exporter.c sdk/tests/threaded.c sdk/tests/heap.c \
                sdk/tests/loop_heap.c sdk/tests/every_nth.c sdk/tests/shown.c
sdk_rig_LIBS := processor trace
SCRIPT_TESTS += sdk/tests/requirements.sh
SCRIPT_TESTS += sdk/tests/examples.sh

TESTS += null_test
null_test_SRCS := sdk/tests/null_test.c
null_test_LIBS := propagation instrument otel_api

TESTS += chain_test
chain_test_SRCS := sdk/tests/chain_test.c collector-mock/tests/rig.c
chain_test_LIBS := config col_wire
$(B)/tests/chain_test: | $(B)/bin/collector-mock
