/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for as long as standard input is open: a line "NAME PATH" each. */
#include <stdio.h>

#include "sdk/tls/tests/certs.h"

int main(void)
{
    static struct certs certs;

    certs_make(&certs);
    printf("ca %s\nother_ca %s\nserver %s\nserver_key %s\nstranger %s\nstranger_key %s\n", certs.ca,
           certs.other_ca, certs.server, certs.server_key, certs.stranger, certs.stranger_key);
    printf("client %s\nclient_key %s\nforeign %s\nforeign_key %s\nend .\n", certs.client,
           certs.client_key, certs.foreign, certs.foreign_key);
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    certs_remove(&certs);
    return 0;
}
