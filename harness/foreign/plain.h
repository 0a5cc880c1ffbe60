/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLAIN_H
#define PLAIN_H

#include <stdbool.h>
#include <stddef.h>

/* The parts of plain-service: HTTP (plain.c) and Kafka (plain_kafka.c). */

enum { PLAIN_HEAD_SIZE = 16 * 1024 };

bool plain_is_mode(const char *word);
/* What goes along of a request's or message's headers, as lines "Name: value\r\n". */
void plain_headers(const char *head, char *out, size_t size);
/* Where PLAIN_CALLS and PLAIN_WRITES say; head: a first line, the headers, an empty line. Returns
 * an HTTP status. */
int plain_pass_on(const char *head);

/* To the topic KAFKA_TOPIC_<name>; false: the broker did not take it. From any thread. */
bool plain_publish(const char *name, const char *head);
/* A thread's: reads KAFKA_TOPIC_<PLAIN_READS> for ever. */
void *plain_read(void *arg);

#endif
