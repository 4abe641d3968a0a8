# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-commands-MODULE.h/.c: what implements a command, and the glue between
it and the wire; qapi-command-table.c: the sorted table of all."""

from .common import Writer, c_name


def gen_params(arg, boxed):
    """C parameters of a command's or event's members."""
    if not arg:
        return []
    if boxed:
        return [f'{arg.c_name()} *arg']
    params = []
    for m in arg.members():
        if m.needs_has():
            params.append(f'bool has_{m.c_name()}')
        params.append(f'{m.type.c_arg_type()}{m.c_name()}')
    return params


def gen_call_args(arg, boxed):
    if not arg:
        return []
    if boxed:
        return ['&arg']
    args = []
    for m in arg.members():
        if m.needs_has():
            args.append(f'arg.has_{m.c_name()}')
        args.append(f'arg.{m.c_name()}')
    return args


def gen_prototype(cmd):
    if not cmd.gen:
        return (f'bool qmp_{cmd.c_name()}(struct json_object *args,\n'
                '    struct json_object **ret, Error **errp)')
    ret = cmd.ret.c_type() if cmd.ret else 'bool '
    params = ', '.join(gen_params(cmd.arg, cmd.boxed) + ['Error **errp'])
    return f'{ret}qmp_{cmd.c_name()}({params})'


def gen_marshal(cmd):
    name = cmd.c_name()
    text = (f'bool qmp_marshal_{name}(struct json_object *args,\n'
            '    struct json_object **ret, Error **errp)\n{\n')
    if not cmd.gen:
        return text + f'    return qmp_{name}(args, ret, errp);\n}}\n\n'
    if cmd.arg:
        text += f'    {cmd.arg.c_name()} arg = {{ 0 }};\n'
        members = f'visit_type_{cmd.arg.c_name()}_members'
        cleanup = f'    qapi_free_args(&arg, {members});\n'
    else:
        members, cleanup = 'qapi_no_members', ''
    where = '&arg' if cmd.arg else 'NULL'
    call = gen_call_args(cmd.arg, cmd.boxed)
    visit = (f'    if (!qapi_visit_args(args, {where}, {members}, errp)) {{\n'
             + (f'    {cleanup}' if cleanup else '')
             + '        return false;\n    }\n')
    if not cmd.ret:
        return (text + f'    bool ok;\n\n{visit}'
                f'    ok = qmp_{name}({", ".join(call + ["errp"])});\n'
                f'{cleanup}    return ok;\n}}\n\n')
    text += (f'    {cmd.ret.c_type()}val;\n    Error *err = NULL;\n'
             f'    Visitor *v;\n\n{visit}'
             f'    val = qmp_{name}({", ".join(call + ["&err"])});\n{cleanup}'
             '    if (err) {\n        error_propagate(errp, err);\n'
             '        return false;\n    }\n'
             '    v = output_visitor_new();\n'
             f'    visit_type_{cmd.ret.c_name()}(v, NULL, &val, NULL);\n'
             '    *ret = output_visitor_take(v);\n    visit_free(v);\n')
    release = {'str': '    g_free(val);\n', 'any': '    json_put(val);\n'}
    if cmd.ret.kind in ('array', 'object', 'alternate'):
        text += f'    qapi_free_{cmd.ret.c_name()}(val);\n'
    return text + release.get(cmd.ret.name, '') + '    return true;\n}\n\n'


def gen_module(schema, module, prefix):
    cmds = [c for c in schema.commands.values() if c.module is module]
    hdr = f'{prefix}qapi-commands-{module.name}.h'
    out = Writer(f'Commands of module {module.name}', f'QAPI/{hdr}')
    out.add(f'#include "qapi/{prefix}qapi-types-{module.name}.h"\n'
            '#include "util/error.h"\n\n')
    src = Writer(f'Commands of module {module.name}')
    src.add('#include "util/osdep.h"\n'
            f'#include "qapi/{hdr}"\n'
            f'#include "qapi/{prefix}qapi-visit-{module.name}.h"\n'
            f'#include "qapi/{prefix}qapi-command-table.h"\n\n')
    for cmd in cmds:
        out.add(gen_prototype(cmd) + ';\n')
    for cmd in cmds:
        src.add(gen_marshal(cmd))
    return {hdr: out.text(), hdr[:-1] + 'c': src.text()}


def gen_table(schema, prefix):
    ident = c_name(prefix) if prefix else ''
    hdr = f'{prefix}qapi-command-table.h'
    out = Writer('Table of all commands', f'QAPI/{hdr}')
    out.add('#include "qapi/dispatch.h"\n\n'
            f'extern const QmpCommandTable {ident}qmp_command_table;\n\n')
    src = Writer('Table of all commands')
    src.add(f'#include "util/osdep.h"\n#include "qapi/{hdr}"\n\n'
            'static const QmpCommand commands[] = {\n')
    cmds = sorted(schema.commands.values(), key=lambda c: c.name)
    for cmd in cmds:
        out.add(f'QmpCommandFn qmp_marshal_{cmd.c_name()};\n')
        flags = [flag for flag, on in (
            ('QMP_NO_SUCCESS_RESP', not cmd.success_response),
            ('QMP_ALLOW_OOB', cmd.allow_oob),
            ('QMP_ALLOW_PRECONFIG', cmd.allow_preconfig),
            ('QMP_DEPRECATED', any(f.name == 'deprecated'
                                   for f in cmd.features))) if on]
        src.add(f'    {{ "{cmd.name}", qmp_marshal_{cmd.c_name()}, '
                f'{" | ".join(flags) or "0"} }},\n')
    src.add(f'}};\n\nconst QmpCommandTable {ident}qmp_command_table = {{\n'
            '    .commands = commands,\n'
            '    .count = G_N_ELEMENTS(commands),\n};\n')
    return {hdr: out.text(), hdr[:-1] + 'c': src.text()}
