/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drivers of this build, and which of them a name, a file name or the
 * content of a file asks for. Main thread, big lock.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include <sys/stat.h>

/* As much of a file as any format needs to know itself. */
#define PROBE_BYTES 2048

/* ---- By name ---- */

static const BlockDriver *drivers[32];
static unsigned num_drivers;

void bdrv_register_driver(const BlockDriver *drv)
{
    g_assert(num_drivers < G_N_ELEMENTS(drivers));
    drivers[num_drivers++] = drv;
}

const BlockDriver *bdrv_find_driver(const char *name)
{
    for (unsigned i = 0; i < num_drivers; i++) {
        if (g_str_equal(drivers[i]->name, name)) {
            return drivers[i];
        }
    }
    return NULL;
}

bool bdrv_has_driver(const char *name)
{
    return bdrv_find_driver(name) != NULL;
}

bool bdrv_format_compresses(const char *format)
{
    const BlockDriver *drv = bdrv_find_driver(format);

    return drv && drv->co_pwritev_compressed;
}

bool bdrv_format_reads_zeros(const char *format)
{
    const BlockDriver *drv = bdrv_find_driver(format);

    return drv && !drv->new_is_noise;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **bdrv_list_drivers(void)
{
    const char **names = g_new0(const char *, num_drivers + 1);

    for (unsigned i = 0; i < num_drivers; i++) {
        names[i] = drivers[i]->name;
    }
    qsort(names, num_drivers, sizeof(names[0]), compare_names);
    return names;
}

/* ---- By file name ---- */

static const BlockDriver *find_prefix(const char *filename)
{
    for (unsigned i = 0; i < num_drivers; i++) {
        const char *const *p = drivers[i]->protocols;

        for (; p && *p; p++) {
            if (g_str_has_prefix(filename, *p)) {
                return drivers[i];
            }
        }
    }
    return NULL;
}

bool bdrv_has_protocol(const char *filename)
{
    const char *colon = strchr(filename, ':');
    const char *slash = strchr(filename, '/');

    return colon && (!slash || colon < slash);
}

const char *bdrv_skip_file_prefix(const char *filename)
{
    return g_str_has_prefix(filename, "file:") ? filename + strlen("file:") :
                                                 filename;
}

const BlockDriver *bdrv_find_protocol(const char *filename, Error **errp)
{
    const BlockDriver *drv = find_prefix(filename);
    const char *path = bdrv_skip_file_prefix(filename);
    struct stat st;

    if (drv) {
        return drv;
    }
    if (path == filename && bdrv_has_protocol(path) && stat(path, &st) < 0) {
        error_setg(errp, "Unknown protocol '%.*s'", (int)strcspn(path, ":"),
                   path);
        error_append_hint(errp, "A file of that name is given as './%s'.",
                          path);
        return NULL;
    }
    return bdrv_find_driver(stat(path, &st) == 0 && (S_ISBLK(st.st_mode) ||
                                                    S_ISCHR(st.st_mode)) ?
                            "host_device" : "file");
}

/* ---- By content ---- */

static const BlockDriver *probe_content(const uint8_t *buf, size_t bytes)
{
    const BlockDriver *best = bdrv_find_driver("raw");
    int best_score = 0;

    for (unsigned i = 0; i < num_drivers; i++) {
        int score = drivers[i]->probe ? drivers[i]->probe(buf, bytes) : 0;

        if (score > best_score) {
            best_score = score;
            best = drivers[i];
        }
    }
    return best;
}

/* Formats that there is no driver for, and that are not raw data either. */
static const char *foreign_format(const uint8_t *buf, size_t bytes)
{
    static const struct {
        const char *name, *magic;
        size_t len;
    } known[] = {
        { "qcow2", "QFI\xfb", 4 }, { "vmdk", "KDMV", 4 },
        { "vhdx", "vhdxfile", 8 }, { "luks", "LUKS\xba\xbe", 6 },
        { "vpc", "conectix", 8 }, { "vdi", "<<< ", 4 }, { "qed", "QED", 4 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (bytes >= known[i].len &&
            !memcmp(buf, known[i].magic, known[i].len) &&
            !bdrv_find_driver(known[i].name)) {
            return known[i].name;
        }
    }
    return NULL;
}

/* Another build, or QEMU, may know what we do not. */
bool bdrv_probes_as_raw(const uint8_t *buf, size_t bytes)
{
    return probe_content(buf, bytes) == bdrv_find_driver("raw") &&
           !foreign_format(buf, bytes);
}

const BlockDriver *bdrv_probe(BlockDriverState *file, Error **errp)
{
    uint8_t buf[PROBE_BYTES] = { 0 };
    int64_t bytes = MIN(file->total_bytes, (int64_t)sizeof(buf));
    int ret = bdrv_pread(file, 0, buf, bytes);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not read image '%s' for "
                         "determining its format", bdrv_get_filename(file));
        return NULL;
    }
    if (foreign_format(buf, bytes)) {
        error_setg(errp, "'%s' looks like an image of format '%s'",
                   bdrv_get_filename(file), foreign_format(buf, bytes));
        error_append_hint(errp, "Give format=raw if the guest shall see its "
                          "bytes as they are.");
        return NULL;
    }
    return probe_content(buf, bytes);
}
