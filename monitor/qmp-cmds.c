/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands about the monitor and the program itself. */
#include "util/osdep.h"
#include "monitor-internal.h"
#include <json-c/json.h>
#include "qapi/dispatch.h"
#include "qapi/json.h"
#include "qapi/qapi-command-table.h"
#include "qapi/qapi-commands-control.h"
#include "qapi/qapi-commands-introspect.h"
#include "qapi/qapi-commands-migration.h"
#include "qapi/qapi-commands-misc.h"
#include "qapi/qapi-commands-tpm.h"
#include "qapi/qapi-introspect.h"

/* The QEMU whose interfaces are provided. */
#define API_MAJOR 8
#define API_MINOR 2
#define API_MICRO 0

static bool events_capability;

VersionInfo *qmp_query_version(Error **errp)
{
    VersionInfo *info = g_new0(VersionInfo, 1);

    info->qemu = g_new0(VersionTriple, 1);
    info->qemu->major = API_MAJOR;
    info->qemu->minor = API_MINOR;
    info->qemu->micro = API_MICRO;
    info->package = g_strdup("nemu-" NEMU_VERSION);
    return info;
}

CommandInfoList *qmp_query_commands(Error **errp)
{
    CommandInfoList *list = NULL;

    for (size_t i = qmp_command_table.count; i > 0; i--) {
        CommandInfoList *e = g_new0(CommandInfoList, 1);

        e->value = g_new0(CommandInfo, 1);
        e->value->name = g_strdup(qmp_command_table.commands[i - 1].name);
        e->next = list;
        list = e;
    }
    return list;
}

char *qmp_human_monitor_command(const char *command_line, bool has_cpu_index,
                                int64_t cpu_index, Error **errp)
{
    return hmp_run(command_line);
}

/* There is no TPM yet. */
TpmModelList *qmp_query_tpm_models(Error **errp)
{
    return NULL;
}

TpmTypeList *qmp_query_tpm_types(Error **errp)
{
    return NULL;
}

/* Clients switch on the events of a migration before they start a guest. */
MigrationCapabilityStatusList *qmp_query_migrate_capabilities(Error **errp)
{
    MigrationCapabilityStatusList *e = g_new0(MigrationCapabilityStatusList, 1);

    e->value = g_new0(MigrationCapabilityStatus, 1);
    e->value->capability = MIGRATION_CAPABILITY_EVENTS;
    e->value->state = events_capability;
    return e;
}

bool qmp_migrate_set_capabilities(MigrationCapabilityStatusList *caps,
                                  Error **errp)
{
    for (; caps; caps = caps->next) {
        events_capability = caps->value->state;
    }
    return true;
}
