# SPDX-License-Identifier: Apache-2.0
SCRIPT_TESTS += ci/tests/dist.sh ci/tests/symbols.sh ci/tests/scenario_table.sh ci/tests/run_tests.sh ci/tests/npm.sh
SCRIPT_TESTS += ci/bench/tests/table.sh
