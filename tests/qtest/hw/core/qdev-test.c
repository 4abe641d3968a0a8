/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices as clients name them: paths, addresses, errors, help. */
#include "util/osdep.h"
#include "libqtest.h"

static struct json_object *get(QTest *qts, const char *path, const char *prop)
{
    return qtest_qmp_ok(qts, "{'execute': 'qom-get', 'arguments': "
                        "{'path': '%s', 'property': '%s'}}", path, prop);
}

static void assert_text(QTest *qts, const char *path, const char *prop,
                        const char *want)
{
    struct json_object *value = get(qts, path, prop);

    g_assert_cmpstr(json_object_get_string(value), ==, want);
    json_object_put(value);
}

/* What Kata does to find a device's PCI path. */
static void test_paths_and_addresses(void)
{
    QTest *qts = qtest_start("-M virt -device pcie-root-port,id=rp0,chassis=1 "
                             "-device virtio-rng-pci,id=r0,bus=rp0 "
                             "-device virtio-rng-pci,addr=0x1f.2");
    struct json_object *value = get(qts, "r0", "addr");
    char *bus;

    g_assert_true(json_object_is_type(value, json_type_int));
    g_assert_cmpint(json_object_get_int(value), ==, 0);
    json_object_put(value);
    assert_text(qts, "r0", "parent_bus", "/machine/peripheral/rp0/rp0");
    value = get(qts, "/machine/peripheral/rp0", "parent_bus");
    bus = g_strdup(json_object_get_string(value));
    json_object_put(value);
    g_assert_true(g_str_has_prefix(bus, "/machine/"));
    g_assert_true(g_str_has_suffix(bus, "/pcie.0"));
    g_free(bus);
    value = get(qts, "/machine/peripheral-anon/device[0]", "addr");
    g_assert_cmpint(json_object_get_int(value), ==, 0x1f << 3 | 2);
    json_object_put(value);
    assert_text(qts, "/machine/peripheral/r0", "type", "virtio-rng-pci");
    qtest_quit(qts);
}

static void test_device_add_errors(void)
{
    static const struct {
        const char *args, *error;
    } cases[] = {
        { "{}", "Parameter 'driver' is missing" },
        { "{'driver': 'no-such'}",
          "'no-such' is not a valid device model name" },
        { "{'driver': 'pci-device'}",
          "Parameter 'driver' expects a non-abstract device type" },
        { "{'driver': 'virtio-rng-pci', 'bus': 'nobus'}",
          "Bus 'nobus' not found" },
    };
    QTest *qts = qtest_start("-M virt -device virtio-rng-pci,id=r0");
    g_autofree char *cls = NULL, *desc = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = qtest_qmp_fail(qts, NULL,
            "{'execute': 'device_add', 'arguments': %s}", cases[i].args);

        g_assert_cmpstr(text, ==, cases[i].error);
    }
    desc = qtest_qmp_fail(qts, &cls, "{'execute': 'device_del', 'arguments': "
                          "{'id': 'nobody'}}");
    g_assert_cmpstr(cls, ==, "DeviceNotFound");
    g_assert_cmpstr(desc, ==, "Device 'nobody' not found");
    qtest_quit(qts);
}

/*
 * What can only be there from the start says so, before the guest runs (-S) as
 * well as after: the machine is complete then.
 */
static void test_cold_plug_only(void)
{
    static const struct {
        const char *command, *args, *error;
    } cases[] = {
        { "device_add", "{'driver': 'virtio-rng-pci', 'id': 'x'}",
          "Bus 'pcie.0' does not support hotplugging" },
        { "device_add", "{'driver': 'pcie-root-port', 'id': 'x'}",
          "Parameter 'driver' expects a pluggable device type" },
#ifndef TARGET_AARCH64
        { "device_add", "{'driver': 'isa-debug-exit', 'id': 'x'}",
          "Parameter 'driver' expects a pluggable device type" },
#endif
        { "device_del", "{'id': 'r0'}",
          "Bus 'pcie.0' does not support hotplugging" },
        { "device_del", "{'id': 'rp0'}",
          "Device 'pcie-root-port' does not support hotplugging" },
    };
    QTest *qts = qtest_start("-M virt -S -device pcie-root-port,id=rp0 "
                             "-device virtio-rng-pci,id=r0");

    for (int run = 0; run < 2; run++) {
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
            g_autofree char *text = qtest_qmp_fail(qts, NULL,
                "{'execute': '%s', 'arguments': %s}", cases[i].command,
                cases[i].args);

            g_assert_cmpstr(text, ==, cases[i].error);
        }
        json_object_put(qtest_qmp_ok(qts, "{'execute': 'cont'}"));
    }
    qtest_quit(qts);
}

/* A port of a serial device is plugged at once, before the guest runs too. */
static void test_hot_plug(void)
{
    QTest *qts = qtest_start("-M virt -S -device virtio-serial-pci,id=vs0");
    struct json_object *event;

    json_object_put(qtest_qmp_ok(qts, "{'execute': 'device_add', 'arguments': "
                                 "{'driver': 'virtserialport', 'id': 'p1', "
                                 "'bus': 'vs0.0'}}"));
    assert_text(qts, "/machine/peripheral/p1", "type", "virtserialport");
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'device_del', 'arguments': "
                                 "{'id': 'p1'}}"));
    event = qtest_qmp_event(qts, "DEVICE_DELETED");
    g_assert_cmpstr(qjson_str(event, "data.device"), ==, "p1");
    json_object_put(event);
    g_free(qtest_qmp_fail(qts, NULL, "{'execute': 'device_del', 'arguments': "
                          "{'id': 'p1'}}"));
    qtest_quit(qts);
}

/* Each line names what is wrong; nothing is left running. */
static void test_command_line_errors(void)
{
    static const struct {
        const char *args, *error;
    } cases[] = {
        { "-M no-such", "unsupported machine type 'no-such'" },
        { "-device no-such", "'no-such' is not a valid device model name" },
        { "-device e1000", "virtio-net-pci" },
        { "-device virtio-rng-pci,id=a -device virtio-rng-pci,id=a",
          "Duplicate device ID 'a'" },
        { "-device virtio-rng-pci,max-bytez=1", "did you mean 'max-bytes'" },
        { "-smp 4,maxcpus=2", "maxcpus must be equal to or greater" },
        { "-m 1G,maxmem=512M", "invalid value of maxmem" },
        { "-boot q", "Invalid boot device 'q'" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *args = g_strdup_printf(
            "-nodefaults -display none -accel qtest %s", cases[i].args);
        g_autofree char *err = NULL;

        g_assert_cmpint(qtest_run(args, NULL, &err), ==, 1);
        g_test_message("%s", err);
        g_assert_nonnull(strstr(err, cases[i].error));
    }
}

static void test_help(void)
{
    static const char *const names[] = {
        "virtio-blk-pci", "virtio-net-pci", "virtio-serial-pci", "virtconsole",
        "virtio-rng-pci", "virtio-balloon-pci", "pcie-root-port",
    };
    g_autofree char *out = NULL, *props = NULL, *machines = NULL;

    g_assert_cmpint(qtest_run("-device help", &out, NULL), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *line = g_strdup_printf("\nname \"%s\", bus ",
                                                names[i]);

        g_assert_nonnull(strstr(out, line));
    }
    g_assert_cmpint(qtest_run("-device virtio-rng-pci,help", &props, NULL), ==,
                    0);
    g_assert_true(g_str_has_prefix(props, "virtio-rng-pci options:\n"));
    g_assert_nonnull(strstr(props, "  max-bytes=<uint64> "));
    g_assert_cmpint(qtest_run("-machine help", &machines, NULL), ==, 0);
    g_assert_nonnull(strstr(machines, "\nnone "));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hw/core/qdev/cold-plug-only", test_cold_plug_only);
    g_test_add_func("/hw/core/qdev/hot-plug", test_hot_plug);
    g_test_add_func("/hw/core/qdev/paths", test_paths_and_addresses);
    g_test_add_func("/hw/core/qdev/device_add/errors", test_device_add_errors);
    g_test_add_func("/hw/core/qdev/command-line/errors",
                    test_command_line_errors);
    g_test_add_func("/hw/core/qdev/help", test_help);
    return qtest_main();
}
