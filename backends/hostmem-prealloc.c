/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking all pages of guest memory from the host at once, by threads.
 */
#include "util/osdep.h"
#include "backends/hostmem-internal.h"
#include <sys/mman.h>
#include "util/mmap-alloc.h"
#include "util/thread.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23          /* Linux 5.14 */
#endif

/* More threads than this only fight for the same locks of the kernel. */
#define PREALLOC_MAX_THREADS 64

typedef struct PreallocJob {
    Thread thread;
    uint8_t *start;
    size_t size;
    size_t page_size;
    bool threaded;
    int err;                        /* errno, 0: all there */
} PreallocJob;

/* On kernels without MADV_POPULATE_WRITE: write back what is there. Memory
 * must not run out meanwhile: huge pages are refused before. */
static void prealloc_touch(PreallocJob *job)
{
    for (size_t i = 0; i < job->size; i += job->page_size) {
        volatile uint8_t *p = job->start + i;

        *p = *p;
    }
}

static void *prealloc_thread(void *opaque)
{
    PreallocJob *job = opaque;

    if (!job->size ||
        madvise(job->start, job->size, MADV_POPULATE_WRITE) == 0) {
        return NULL;
    }
    if (errno == EINVAL && job->page_size == host_page_size()) {
        prealloc_touch(job);
        return NULL;
    }
    job->err = errno;
    return NULL;
}

bool hostmem_prealloc(void *host, size_t size, size_t page_size,
                      unsigned threads, Error **errp)
{
    size_t pages = DIV_ROUND_UP(size, page_size);
    unsigned n = CLAMP(threads, 1, MIN(pages, PREALLOC_MAX_THREADS));
    g_autofree PreallocJob *jobs = g_new0(PreallocJob, n);
    size_t first = 0;
    int err = 0;

    for (unsigned i = 0; i < n; i++) {
        size_t last = pages * (i + 1) / n;

        jobs[i].start = (uint8_t *)host + first * page_size;
        jobs[i].size = MIN(last * page_size, size) - first * page_size;
        jobs[i].page_size = page_size;
        first = last;
        /* the last part, and what gets no thread, is done here */
        jobs[i].threaded = i < n - 1 &&
            thread_create(&jobs[i].thread, "prealloc", prealloc_thread,
                          &jobs[i], THREAD_JOINABLE, NULL);
        if (!jobs[i].threaded) {
            prealloc_thread(&jobs[i]);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (jobs[i].threaded) {
            thread_join(&jobs[i].thread);
        }
        err = err ? err : jobs[i].err;
    }
    if (err) {
        error_setg_errno(errp, err, "cannot preallocate %zu bytes of memory",
                         size);
        return false;
    }
    return true;
}
