/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of libqtest. */
#ifndef LIBQTEST_INTERNAL_H
#define LIBQTEST_INTERNAL_H

#include "libqtest.h"

#define QTEST_IRQS 256

/* A stream from the program, read in pieces. */
typedef struct QStream {
    int fd;
    GString *in;
} QStream;

struct QTest {
    int pid;
    char *dir;                          /* sockets, files of the test */
    GPtrArray *paths;                   /* names given out below dir */
    QStream qtest, qmp;
    struct json_tokener *tok;
    GQueue events;                      /* of json_object */
    int qmp_fd_to_send;                 /* -1: none */
    bool irq_level[QTEST_IRQS];
    unsigned int irq_rises[QTEST_IRQS];
    uint64_t alloc_next;
};

/* The next line without its end; g_free(). NULL: the program went away. */
char *qstream_read_line(QStream *s);
/* Read what there is, waiting for the first byte; false at the end. */
bool qstream_fill(QStream *s);
void qstream_write(QStream *s, const char *text);

/* Greeting and qmp_capabilities. */
void qtest_qmp_negotiate(QTest *qts);
void qtest_qmp_clear(QTest *qts);

#endif
