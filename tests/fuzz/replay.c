/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main() of a fuzz target without libFuzzer: run each file of a folder once,
 * seeds and inputs that once broke something. A TAP case each.
 */
#include "fuzz-machine.h"

static GPtrArray *list_files(const char *dir)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *d = g_dir_open(dir, 0, NULL);
    const char *name;

    while (d && (name = g_dir_read_name(d))) {
        g_ptr_array_add(names, g_build_filename(dir, name, NULL));
    }
    if (d) {
        g_dir_close(d);
    }
    return names;
}

static void run_file(const char *path)
{
    g_autofree char *text = NULL;
    g_autofree uint8_t *exact = NULL;
    size_t size;

    if (!g_file_get_contents(path, &text, &size, NULL)) {
        printf("Bail out! cannot read %s\n", path);
        exit(1);
    }
    /* Without the zero that GLib adds: reads past the end are seen. */
    exact = g_memdup2(text, size);
    LLVMFuzzerTestOneInput(exact, size);
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) names = NULL;

    if (argc != 2) {
        fprintf(stderr, "Usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    names = list_files(argv[1]);
    if (names->len == 0) {
        printf("Bail out! no inputs in %s\n", argv[1]);
        return 1;
    }
    printf("1..%u\n", names->len);
    for (guint i = 0; i < names->len; i++) {
        const char *path = g_ptr_array_index(names, i);
        g_autofree char *name = g_path_get_basename(path);

        printf("# %s\n", name);
        fflush(stdout);
        run_file(path);
        printf("ok %u %s\n", i + 1, name);
    }
    return 0;
}
