/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "info X": the answers of queries as the lines that people and scripts know.
 * What has no form of its own here is printed as JSON.
 */
#include "util/osdep.h"
#include "hmp-internal.h"
#include <json-c/json.h>
#include "net/net.h"
#include "qapi/dispatch.h"
#include "qapi/json.h"
#include "qapi/qapi-command-table.h"
#include "util/cutils.h"

/* ---- Members of an answer ---- */

static struct json_object *member(struct json_object *obj, const char *name)
{
    struct json_object *val = NULL;

    json_object_object_get_ex(obj, name, &val);
    return val;
}

static const char *member_str(struct json_object *obj, const char *name)
{
    struct json_object *val = member(obj, name);

    return val ? json_object_get_string(val) : "";
}

static int64_t member_int(struct json_object *obj, const char *name)
{
    return json_object_get_int64(member(obj, name));
}

static bool member_bool(struct json_object *obj, const char *name)
{
    return json_object_get_boolean(member(obj, name));
}

/* Run @fn for each element of the array @list. */
typedef void HmpItemFn(struct json_object *item, GString *out);

static void each(struct json_object *list, HmpItemFn *fn, GString *out)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        fn(json_object_array_get_idx(list, i), out);
    }
}

/* ---- The guest ---- */

static void info_status(struct json_object *val, GString *out)
{
    const char *status = member_str(val, "status");
    bool running = member_bool(val, "running");

    g_string_append_printf(out, "VM status: %s",
                           running ? "running" : "paused");
    if (!running && !g_str_equal(status, "paused")) {
        g_string_append_printf(out, " (%s)", status);
    }
    g_string_append_c(out, '\n');
}

static void info_version(struct json_object *val, GString *out)
{
    struct json_object *qemu = member(val, "qemu");

    g_string_append_printf(out, "%" PRId64 ".%" PRId64 ".%" PRId64 "%s\n",
                           member_int(qemu, "major"),
                           member_int(qemu, "minor"),
                           member_int(qemu, "micro"),
                           member_str(val, "package"));
}

static void info_name(struct json_object *val, GString *out)
{
    if (*member_str(val, "name")) {
        g_string_append_printf(out, "%s\n", member_str(val, "name"));
    }
}

static void info_uuid(struct json_object *val, GString *out)
{
    g_string_append_printf(out, "%s\n", member_str(val, "UUID"));
}

static void info_kvm(struct json_object *val, GString *out)
{
    g_string_append_printf(out, "kvm support: %s\n",
                           !member_bool(val, "present") ? "not compiled" :
                           member_bool(val, "enabled") ? "enabled" :
                           "disabled");
}

static void info_cpu(struct json_object *cpu, GString *out)
{
    g_string_append_printf(out, "%c CPU #%" PRId64 ": thread_id=%" PRId64 "\n",
                           member_int(cpu, "cpu-index") ? ' ' : '*',
                           member_int(cpu, "cpu-index"),
                           member_int(cpu, "thread-id"));
}

static void info_cpus(struct json_object *val, GString *out)
{
    each(val, info_cpu, out);
}

static void append_members(struct json_object *obj, GString *out)
{
    json_object_object_foreach(obj, key, val) {
        g_string_append_printf(out, "    %s: \"%s\"\n", key,
                               json_object_get_string(val));
    }
}

static void info_hotpluggable_cpu(struct json_object *cpu, GString *out)
{
    g_string_append_printf(out, "  type: \"%s\"\n  vcpus_count: \"%" PRId64
                           "\"\n", member_str(cpu, "type"),
                           member_int(cpu, "vcpus-count"));
    if (*member_str(cpu, "qom-path")) {
        g_string_append_printf(out, "  qom_path: \"%s\"\n",
                               member_str(cpu, "qom-path"));
    }
    g_string_append(out, "  CPUInstance Properties:\n");
    append_members(member(cpu, "props"), out);
}

static void info_hotpluggable_cpus(struct json_object *val, GString *out)
{
    g_string_append(out, "Hotpluggable CPUs:\n");
    each(val, info_hotpluggable_cpu, out);
}

static void info_memory_size_summary(struct json_object *val, GString *out)
{
    g_string_append_printf(out, "base memory: %" PRId64 "\n",
                           member_int(val, "base-memory"));
    if (member(val, "plugged-memory")) {
        g_string_append_printf(out, "plugged memory: %" PRId64 "\n",
                               member_int(val, "plugged-memory"));
    }
}

static void info_balloon(struct json_object *val, GString *out)
{
    g_string_append_printf(out, "balloon: actual=%" PRId64 "\n",
                           member_int(val, "actual") / (int64_t)MiB);
}

static void info_iothread(struct json_object *t, GString *out)
{
    static const char *const values[] = { "poll-max-ns", "poll-grow",
                                          "poll-shrink", "aio-max-batch" };

    g_string_append_printf(out, "%s:\n  thread_id=%" PRId64 "\n",
                           member_str(t, "id"), member_int(t, "thread-id"));
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        g_string_append_printf(out, "  %s=%" PRId64 "\n", values[i],
                               member_int(t, values[i]));
    }
}

static void info_iothreads(struct json_object *val, GString *out)
{
    each(val, info_iothread, out);
}

static void info_capability(struct json_object *cap, GString *out)
{
    g_string_append_printf(out, "%s: %s\n", member_str(cap, "capability"),
                           member_bool(cap, "state") ? "on" : "off");
}

static void info_migrate_capabilities(struct json_object *val, GString *out)
{
    each(val, info_capability, out);
}

/* ---- Back ends ---- */

static void info_chardev_item(struct json_object *chr, GString *out)
{
    g_string_append_printf(out, "%s: filename=%s\n", member_str(chr, "label"),
                           member_str(chr, "filename"));
}

static void info_chardev(struct json_object *val, GString *out)
{
    each(val, info_chardev_item, out);
}

static void append_image(struct json_object *node, GString *out)
{
    g_string_append_printf(out, "%s (%s%s%s)\n", member_str(node, "file"),
                           member_str(node, "drv"),
                           member_bool(node, "ro") ? ", read-only" : "",
                           member_bool(node, "encrypted") ? ", encrypted" :
                           "");
}

static void append_cache(struct json_object *node, GString *out)
{
    struct json_object *cache = member(node, "cache");

    g_string_append_printf(out, "    Cache mode:       %s%s%s\n",
                           member_bool(cache, "writeback") ? "writeback" :
                           "writethrough",
                           member_bool(cache, "direct") ? ", direct" : "",
                           member_bool(cache, "no-flush") ?
                           ", ignore flushes" : "");
}

static void info_block_item(struct json_object *blk, GString *out)
{
    struct json_object *node = member(blk, "inserted");
    const char *device = member_str(blk, "device");

    g_string_append(out, *device ? device : node ?
                    member_str(node, "node-name") : member_str(blk, "qdev"));
    if (!node) {
        g_string_append(out, ": [not inserted]\n");
    } else {
        if (*device && *member_str(node, "node-name")) {
            g_string_append_printf(out, " (%s)",
                                   member_str(node, "node-name"));
        }
        g_string_append(out, ": ");
        append_image(node, out);
    }
    if (*member_str(blk, "qdev")) {
        g_string_append_printf(out, "    Attached to:      %s\n",
                               member_str(blk, "qdev"));
    }
    if (member_bool(blk, "removable")) {
        g_string_append_printf(out, "    Removable device: %slocked, tray %s\n",
                               member_bool(blk, "locked") ? "" : "not ",
                               member_bool(blk, "tray_open") ? "open" :
                               "closed");
    }
    if (node) {
        append_cache(node, out);
    }
}

static void info_block(struct json_object *val, GString *out)
{
    for (size_t i = 0; i < json_object_array_length(val); i++) {
        g_string_append(out, i ? "\n" : "");
        info_block_item(json_object_array_get_idx(val, i), out);
    }
}

static void info_stats_item(struct json_object *blk, GString *out)
{
    static const char *const names[] = {
        "rd_bytes", "wr_bytes", "rd_operations", "wr_operations",
        "flush_operations", "wr_total_time_ns", "rd_total_time_ns",
        "flush_total_time_ns", "rd_merged", "wr_merged", "idle_time_ns",
    };
    struct json_object *stats = member(blk, "stats");
    const char *device = member_str(blk, "device");

    g_string_append_printf(out, "%s:", *device ? device :
                           member_str(blk, "node-name"));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_string_append_printf(out, " %s=%" PRId64, names[i],
                               member_int(stats, names[i]));
    }
    g_string_append_c(out, '\n');
}

static void info_blockstats(struct json_object *val, GString *out)
{
    each(val, info_stats_item, out);
}

static void append_client(NetClientState *nc, GString *out)
{
    g_string_append_printf(out, "%s: index=%u,type=%s,%s\n", nc->name,
                           nc->queue_index, nc->info->type,
                           nc->info_str ? nc->info_str : "");
}

/* A network card and behind it its back end; back ends alone. */
static void info_net_client(NetClientState *nc, void *opaque)
{
    GString *out = opaque;

    if (!nc->info->is_nic && nc->peer) {
        return;
    }
    append_client(nc, out);
    if (nc->info->is_nic && nc->peer) {
        g_string_append(out, " \\ ");
        append_client(nc->peer, out);
    }
}

static void info_network(const char *args, GString *out)
{
    net_client_foreach(info_net_client, out);
}

/* ---- PCI ---- */

static void append_window(struct json_object *bus, const char *what,
                          const char *name, int digits, GString *out)
{
    struct json_object *range = member(bus, name);

    g_string_append_printf(out, "      %s range [0x%0*" PRIx64 ", 0x%0*" PRIx64
                           "]\n", what, digits, member_int(range, "base"),
                           digits, member_int(range, "limit"));
}

static void info_pci_region(struct json_object *bar, GString *out)
{
    int64_t addr = member_int(bar, "address");
    int64_t end = addr + member_int(bar, "size") - 1;

    g_string_append_printf(out, "      BAR%" PRId64 ": ",
                           member_int(bar, "bar"));
    if (g_str_equal(member_str(bar, "type"), "io")) {
        g_string_append_printf(out, "I/O at 0x%04" PRIx64 " [0x%04" PRIx64
                               "].\n", addr, end);
    } else {
        g_string_append_printf(out, "%d bit%s memory at 0x%08" PRIx64
                               " [0x%08" PRIx64 "].\n",
                               member_bool(bar, "mem_type_64") ? 64 : 32,
                               member_bool(bar, "prefetch") ?
                               " prefetchable" : "", addr, end);
    }
}

static void info_pci_device(struct json_object *dev, GString *out);

static void append_pci_bridge(struct json_object *bridge, GString *out)
{
    struct json_object *bus = member(bridge, "bus");

    g_string_append_printf(out, "      BUS %" PRId64 ".\n      secondary bus %"
                           PRId64 ".\n      subordinate bus %" PRId64 ".\n",
                           member_int(bus, "number"),
                           member_int(bus, "secondary"),
                           member_int(bus, "subordinate"));
    append_window(bus, "IO", "io_range", 4, out);
    append_window(bus, "memory", "memory_range", 8, out);
    append_window(bus, "prefetchable memory", "prefetchable_range", 8, out);
}

static void append_pci_id(struct json_object *dev, GString *out)
{
    struct json_object *class = member(dev, "class_info");
    struct json_object *id = member(dev, "id");

    if (member(class, "desc")) {
        g_string_append_printf(out, "    %s", member_str(class, "desc"));
    } else {
        g_string_append_printf(out, "    Class %04" PRId64,
                               member_int(class, "class"));
    }
    g_string_append_printf(out, ": PCI device %04" PRIx64 ":%04" PRIx64 "\n",
                           member_int(id, "vendor"), member_int(id, "device"));
    if (member(id, "subsystem")) {
        g_string_append_printf(out, "      PCI subsystem %04" PRIx64 ":%04"
                               PRIx64 "\n", member_int(id, "subsystem-vendor"),
                               member_int(id, "subsystem"));
    }
}

static void info_pci_device(struct json_object *dev, GString *out)
{
    struct json_object *bridge = member(dev, "pci_bridge");
    int64_t pin = member_int(dev, "irq_pin");

    g_string_append_printf(out, "  Bus %2" PRId64 ", device %3" PRId64
                           ", function %" PRId64 ":\n", member_int(dev, "bus"),
                           member_int(dev, "slot"),
                           member_int(dev, "function"));
    append_pci_id(dev, out);
    if (pin) {
        g_string_append_printf(out, "      IRQ %" PRId64 ", pin %c\n",
                               member_int(dev, "irq"), (char)('A' + pin - 1));
    }
    if (bridge) {
        append_pci_bridge(bridge, out);
    }
    each(member(dev, "regions"), info_pci_region, out);
    g_string_append_printf(out, "      id \"%s\"\n", member_str(dev, "qdev_id"));
    if (bridge && member(bridge, "devices")) {
        each(member(bridge, "devices"), info_pci_device, out);
    }
}

static void info_pci_bus(struct json_object *bus, GString *out)
{
    each(member(bus, "devices"), info_pci_device, out);
}

static void info_pci(struct json_object *val, GString *out)
{
    each(val, info_pci_bus, out);
}

/* ---- Which there are ---- */

static const struct {
    const char *name;
    const char *qmp;                /* the query whose answer ... */
    HmpItemFn *fn;                  /* ... this prints, or NULL: as JSON */
    void (*direct)(const char *args, GString *out);
    const char *help;
} infos[] = {
    { "balloon", "query-balloon", info_balloon, NULL, "size of the balloon" },
    { "block", "query-block", info_block, NULL, "disks" },
    { "blockstats", "query-blockstats", info_blockstats, NULL,
      "statistics of disks" },
    { "chardev", "query-chardev", info_chardev, NULL, "character devices" },
    { "cpus", "query-cpus-fast", info_cpus, NULL, "virtual CPUs" },
    { "hotpluggable-cpus", "query-hotpluggable-cpus", info_hotpluggable_cpus,
      NULL, "places for virtual CPUs" },
    { "iothreads", "query-iothreads", info_iothreads, NULL, "iothreads" },
    { "kvm", "query-kvm", info_kvm, NULL, "whether KVM is in use" },
    { "memory_size_summary", "query-memory-size-summary",
      info_memory_size_summary, NULL, "size of the memory" },
    { "migrate_capabilities", "query-migrate-capabilities",
      info_migrate_capabilities, NULL, "switches of a migration" },
    { "mtree", NULL, NULL, hmp_info_mtree, "memory regions" },
    { "name", "query-name", info_name, NULL, "name of the guest" },
    { "network", NULL, NULL, info_network, "network cards and back ends" },
    { "pci", "query-pci", info_pci, NULL, "PCI devices" },
    { "qom-tree", NULL, NULL, hmp_info_qom_tree,
      "objects, from a path if one is given" },
    { "qom-types", NULL, NULL, hmp_info_qom_types, "purpose of each type" },
    { "qtree", NULL, NULL, hmp_info_qtree, "devices with their properties" },
    { "registers", NULL, NULL, hmp_info_registers,
      "registers of the first CPU, or with -a of all" },
    { "status", "query-status", info_status, NULL, "state of the guest" },
    { "usernet", NULL, NULL, hmp_info_usernet,
      "connections of user networks" },
    { "uuid", "query-uuid", info_uuid, NULL, "UUID of the guest" },
    { "version", "query-version", info_version, NULL,
      "version of the program" },
};

void hmp_info_help(GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(infos); i++) {
        g_string_append_printf(out, "info %s  -- show the %s\n",
                               infos[i].name, infos[i].help);
    }
}

static void print_query(const char *query, HmpItemFn *fn, GString *out)
{
    struct json_object *val = hmp_qmp_call(query, NULL, out);
    g_autofree char *text = NULL;

    if (val && fn) {
        fn(val, out);
    } else if (val) {
        text = json_print(val, true);
        g_string_append_printf(out, "%s\n", text);
    }
    json_object_put(val);
}

void hmp_info(const char *what, const char *args, GString *out)
{
    g_autofree char *query = g_strconcat("query-", what, NULL);

    g_strdelimit(query, "_", '-');
    for (size_t i = 0; i < G_N_ELEMENTS(infos); i++) {
        if (!g_str_equal(infos[i].name, what)) {
            continue;
        }
        if (infos[i].direct) {
            infos[i].direct(args, out);
        } else {
            print_query(infos[i].qmp, infos[i].fn, out);
        }
        return;
    }
    if (!qmp_find_command(&qmp_command_table, query)) {
        g_string_append_printf(out, "unknown command: 'info %s'\n", what);
        return;
    }
    print_query(query, NULL, out);
}
