# SPDX-License-Identifier: Apache-2.0
# What the tests of the SDK's rooms share; it stands above them all.
LIBS += sdk_rig
sdk_rig_SRCS := sdk/tests/rig.c sdk/tests/fake_exporter.c sdk/tests/threaded.c
sdk_rig_LIBS := processor trace
SCRIPT_TESTS += sdk/tests/requirements.sh
SCRIPT_TESTS += sdk/tests/examples.sh
