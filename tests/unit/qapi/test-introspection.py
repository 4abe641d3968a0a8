#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""query-qmp-schema tells the whole schema and nothing else, and has what
clients look for."""

import glob
import os
import re

from qapi.gen_introspect import Introspection
from qapi.gen_options import option_const
from qapi.schema import Schema

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..',
                    '..')
CONFIG = frozenset({'CONFIG_SLIRP', 'CONFIG_VHOST_NET', 'CONFIG_SECCOMP',
                    'CONFIG_IO_URING', 'CONFIG_LINUX_AIO'})

# What the first issue promises.
COMMANDS = '''
    query-status query-version query-name query-uuid query-kvm query-commands
    query-machines query-cpus-fast query-hotpluggable-cpus
    query-cpu-definitions query-cpu-model-expansion query-chardev query-block
    query-named-block-nodes query-target query-qmp-schema
    query-command-line-options query-iothreads query-memory-size-summary
    query-memdev
    query-migrate-capabilities migrate-set-capabilities query-balloon balloon
    query-blockstats set_link query-tpm-models query-tpm-types query-pci
    query-rx-filter stop cont quit system_reset system_powerdown system_wakeup
    set-action inject-nmi device_add device_del netdev_add netdev_del
    blockdev-add blockdev-del chardev-add chardev-remove getfd closefd add-fd
    remove-fd query-fdsets human-monitor-command qom-list qom-get qom-set
    qom-list-types qom-list-properties device-list-properties object-add
    object-del qmp_capabilities'''.split()

OPTIONS = '''
    S daemonize pidfile no-reboot no-shutdown action name uuid nodefaults
    no-user-config nographic display vga serial monitor qmp mon msg D d trace
    version help rtc boot overcommit add-fd sandbox run-with L readconfig
    audio audiodev object device blockdev netdev chardev machine accel smp m
    numa smbios
    cpu kernel initrd append bios global drive nic net fw_cfg set debugcon
    vnc chroot runas qtest enable-kvm no-acpi no-hpet parallel
    qmp-pretty'''.split()

# libvirt's paths: '/' steps into a member (list elements are stepped over),
# '+' into the branch of a union, '^' to an enum value, '$' to a feature.
PATHS = '''
    device_add/$json-cli-hotplug
    object-add/arg-type/qom-type/^secret
    netdev_add/arg-type/type/^dgram
    netdev_add/arg-type/+stream/addr
    query-hotpluggable-cpus/ret-type/props/die-id
    query-named-block-nodes/arg-type/flat
    query-iothreads/ret-type/poll-max-ns
    blockdev-add/arg-type/+file/$dynamic-auto-read-only
    '''.split()

passed = []


def ok(cond, what):
    passed.append(bool(cond))
    print(f'{"ok" if cond else "not ok"} {len(passed)} {what}')


def references(entry):
    for key in ('element-type', 'arg-type', 'ret-type'):
        if key in entry:
            yield entry[key]
    for key in ('members', 'variants'):
        for item in entry.get(key, []):
            if isinstance(item, dict) and 'type' in item:
                yield item['type']


def follow(types, path):
    """The entry at the end of @path, or a true value, or None."""
    steps = path.split('/')
    entry = types.get(steps.pop(0))
    for step in steps:
        if entry is None:
            return None
        while entry.get('meta-type') == 'array':
            entry = types[entry['element-type']]
        if step.startswith('$'):
            return step[1:] in entry.get('features', [])
        if step.startswith('^'):
            return step[1:] in entry['values']
        if step in entry:
            ref = entry[step]
        elif step.startswith('+'):
            ref = next((v['type'] for v in entry['variants']
                        if v['case'] == step[1:]), None)
        else:
            ref = next((m['type'] for m in entry['members']
                        if m['name'] == step), None)
        entry = types.get(ref)
    return entry


def check_resolution(info, schema):
    types = {e['name']: e for e in info}
    ok(len(types) == len(info), 'names are unique')
    ok(all(r in types for e in info for r in references(e)),
       'every type that is used is described')
    used = {r for e in info for r in references(e)}
    ok(all(e['name'] in used for e in info
           if e['meta-type'] not in ('command', 'event')),
       'every type that is described is used')
    ok({e['name'] for e in info if e['meta-type'] == 'command'}
       == set(schema.commands), 'all commands')
    ok({e['name'] for e in info if e['meta-type'] == 'event'}
       == set(schema.events), 'all events')
    ok(all('values' in e and e['values'] == [m['name'] for m in e['members']]
           for e in info if e['meta-type'] == 'enum'), 'enums in both forms')
    for entry in info:
        if 'tag' in entry:
            tag = next(m for m in entry['members']
                       if m['name'] == entry['tag'])
            ok([v['case'] for v in entry['variants']]
               == types[tag['type']]['values'],
               f'union {entry["name"]} has a variant for each value')
    return types


def describe(schema, typ, seen=()):
    """A type straight from the schema, in terms that have no numbers."""
    if typ is None:
        return {}
    if typ.kind == 'array':
        return [describe(schema, typ.element, seen)]
    if typ.kind == 'builtin':
        return 'int' if typ.json_type() == 'int' else typ.name
    if typ.kind == 'enum':
        return sorted(v.name for v in typ.values)
    if typ in seen:
        return 'again'
    seen = (*seen, typ)
    if typ.kind == 'alternate':
        return ('alt', [describe(schema, b.type, seen) for b in typ.branches])
    desc = {(m.name, m.optional): describe(schema, m.type, seen)
            for m in typ.members()}
    for b in typ.branches:
        desc[b.name, 'case'] = describe(schema, b.type, seen)
    return desc


def describe_info(types, ref, seen=()):
    """The same from the introspection data."""
    entry = types[ref]
    meta = entry['meta-type']
    if meta == 'array':
        return [describe_info(types, entry['element-type'], seen)]
    if meta == 'builtin':
        return ref
    if meta == 'enum':
        return sorted(entry['values'])
    if ref in seen:
        return 'again'
    seen = (*seen, ref)
    if meta == 'alternate':
        return ('alt', [describe_info(types, m['type'], seen)
                        for m in entry['members']])
    desc = {(m['name'], 'default' in m): describe_info(types, m['type'], seen)
            for m in entry['members']}
    for v in entry.get('variants', []):
        branch = describe_info(types, v['type'], seen)
        if branch:
            desc[v['case'], 'case'] = branch
    return desc


def strip_empty(desc):
    """Branches without members are all the same empty object."""
    if isinstance(desc, dict):
        return {k: strip_empty(v) for k, v in desc.items()
                if not (k[1] == 'case' and not v)}
    if isinstance(desc, list):
        return [strip_empty(x) for x in desc]
    if isinstance(desc, tuple):
        return (desc[0], [strip_empty(x) for x in desc[1]])
    return desc


def main():
    schema = Schema(os.path.join(ROOT, 'qapi', 'nemu.json'), CONFIG)
    types = check_resolution(Introspection(schema).run(), schema)
    for cmd in schema.commands.values():
        entry = types[cmd.name]
        ok(strip_empty(describe(schema, cmd.arg))
           == strip_empty(describe_info(types, entry['arg-type']))
           and strip_empty(describe(schema, cmd.ret))
           == strip_empty(describe_info(types, entry['ret-type'])),
           f'{cmd.name} is as in the schema')
    for event in schema.events.values():
        ok(strip_empty(describe(schema, event.arg)) == strip_empty(
            describe_info(types, types[event.name]['arg-type'])),
           f'{event.name} is as in the schema')
    for name in COMMANDS:
        ok(name in schema.commands, f'command {name}')
    for name in OPTIONS:
        ok(name in schema.options and not schema.options[name].absent,
           f'option -{name}')
    sources = ''
    for path in glob.glob(os.path.join(ROOT, 'system', 'main', '*.c')):
        with open(path, encoding='utf-8') as fp:
            sources += fp.read()
    for opt in schema.options.values():
        ok(opt.absent or re.search(rf'\b{option_const(opt)}\b', sources),
           f'-{opt.name} has its turn in system/main')
    for path in PATHS:
        ok(follow(types, path), path)
    bare = Schema(os.path.join(ROOT, 'qapi', 'nemu.json'))
    info = Introspection(bare).run()
    names = {e['name'] for e in info}
    ok(all(r in names for e in info for r in references(e)),
       'it resolves with all optional parts off')
    print(f'1..{len(passed)}')


main()
