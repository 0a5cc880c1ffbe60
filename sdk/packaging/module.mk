# SPDX-License-Identifier: Apache-2.0
SCRIPT_TESTS += sdk/tests/install.sh sdk/tests/man.sh
