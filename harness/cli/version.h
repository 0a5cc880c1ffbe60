/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_VERSION_H
#define HX_VERSION_H

/* Version of the programs tracerig and collector-mock; the first released one stands in
 * CHANGELOG.md. */
#define HX_VERSION "0.1.0"

#endif
