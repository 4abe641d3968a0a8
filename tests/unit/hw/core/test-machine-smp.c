/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -smp: what is computed, what is refused. */
#include "util/osdep.h"
#include <json-c/json.h>
#include "test-devices.h"
#include "tests/unit/lib/assert-error.h"

/* Max 64 CPUs, dies but no clusters. */
static const struct {
    const char *smp;
    const char *result;             /* cpus sockets dies cores threads max */
    const char *error;
} cases[] = {
    { "{}", "1 1 1 1 1 1" },
    { "{\"cpus\":4}", "4 1 1 4 1 4" },
    { "{\"cpus\":\"4\"}", "4 1 1 4 1 4" },
    { "{\"cpus\":1,\"maxcpus\":4}", "1 1 1 4 1 4" },
    { "{\"maxcpus\":4}", "4 1 1 4 1 4" },
    { "{\"cpus\":8,\"sockets\":2}", "8 2 1 4 1 8" },
    { "{\"cpus\":8,\"cores\":2}", "8 4 1 2 1 8" },
    { "{\"cpus\":8,\"threads\":2}", "8 1 1 4 2 8" },
    { "{\"cpus\":8,\"sockets\":2,\"cores\":2}", "8 2 1 2 2 8" },
    { "{\"cpus\":8,\"cores\":2,\"threads\":2}", "8 2 1 2 2 8" },
    { "{\"sockets\":2,\"cores\":2,\"threads\":2}", "8 2 1 2 2 8" },
    { "{\"cpus\":8,\"dies\":2}", "8 1 2 4 1 8" },
    { "{\"cpus\":2,\"sockets\":1,\"cores\":2,\"threads\":1,\"maxcpus\":2,"
      "\"dies\":1,\"clusters\":1}", "2 1 1 2 1 2" },
    { "{\"cpus\":0}", NULL, "'cpus' must be greater than zero" },
    { "{\"cores\":-1}", NULL, "'cores' must be greater than zero" },
    { "{\"cores\":9223372036854775807}", NULL, "at most 1024" },
    { "{\"cpus\":8,\"clusters\":2}", NULL, "clusters not supported" },
    { "{\"cpus\":3,\"sockets\":2}", NULL,
      "product of the hierarchy must match maxcpus: sockets (2) * dies (1) * "
      "cores (1) * threads (1) != maxcpus (3)" },
    { "{\"cpus\":1,\"sockets\":2}", NULL, "cores (0)" },
    { "{\"cpus\":4,\"maxcpus\":2}", NULL,
      "maxcpus must be equal to or greater than smp" },
    { "{\"cpus\":65}", NULL, "Invalid SMP CPUs 65. The max CPUs supported by "
      "machine 't-1.0' is 64" },
    { "{\"cpu\":1}", NULL, "cpu" },
};

static void test_table(void)
{
    MachineState *ms = machine_create(machine_class_by_name("t", NULL));

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct json_object *json = json_tokener_parse(cases[i].smp);
        g_autofree char *got = NULL;
        Error *err = NULL;
        bool ok = object_property_set_json(OBJECT(ms), "smp", json, &err);
        const CpuTopology *t = &ms->smp;

        json_object_put(json);
        g_test_message("%s: %s", cases[i].smp, ok ? "" : error_get_pretty(err));
        if (cases[i].error) {
            g_assert_false(ok);
            assert_error(err, cases[i].error);
            error_free(err);
            continue;
        }
        g_assert_true(ok);
        g_assert_cmpuint(t->clusters, ==, 1);
        got = g_strdup_printf("%u %u %u %u %u %u", t->cpus, t->sockets, t->dies,
                              t->cores, t->threads, t->max_cpus);
        g_assert_cmpstr(got, ==, cases[i].result);
    }
    machine_destroy();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hw/core/machine/smp", test_table);
    return g_test_run();
}
