# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-types-MODULE.h/.c: structs, enums, lists and their release."""

from .common import Writer, c_string
from .entities import BUILTINS, Array, Builtin


def gen_enum(enum):
    lines = [f'    {enum.c_const(v.name)},\n' for v in enum.values]
    name = enum.c_name()
    return (f'typedef enum {name} {{\n' + ''.join(lines)
            + f'    {enum.c_const("_MAX")},\n}} {name};\n\n'
            f'extern const QEnumLookup {name}_lookup;\n'
            f'static inline const char *{name}_str({name} val)\n{{\n'
            f'    return qapi_enum_str(&{name}_lookup, val);\n}}\n\n')


def gen_enum_lookup(enum):
    values = '\n'.join(f'        "{v.name}\\0"' for v in enum.values)
    name = enum.c_name()
    absent = ''.join(f'\n        {c_string(key)} "\\0"\n'
                     f'        {c_string(text, " " * 8)} "\\0"'
                     for key, text in enum.absent.items())
    return (f'const QEnumLookup {name}_lookup = {{\n'
            f'    .names =\n{values},\n'
            f'    .size = {enum.c_const("_MAX")},\n'
            + (f'    .absent ={absent},\n' if absent else '') + '};\n\n')


def gen_member(member):
    text = ''
    if member.needs_has():
        text += f'    bool has_{member.c_name()};\n'
    return text + f'    {member.type.c_type()}{member.c_name()};\n'


def gen_struct_body(obj):
    text = ''
    if obj.base:
        text += f'    /* from {obj.base.c_name()}: */\n'
        text += ''.join(gen_member(m) for m in obj.base.members())
        text += '    /* own: */\n'
    text += ''.join(gen_member(m) for m in obj.local_members)
    branches = [b for b in obj.branches if not b.type.is_empty()]
    if branches:
        text += f'    union {{ /* chosen by {obj.tag.name} */\n'
        text += ''.join(f'        {b.type.c_name()} {b.c_name()};\n'
                        for b in branches)
        text += '    } u;\n'
    return text or '    char qapi_empty;\n'


def gen_alternate(alt):
    text = ''.join(f'        {b.type.c_name()} {b.c_name()};\n'
                   if b.type.kind == 'object' else
                   f'        {b.type.c_type()}{b.c_name()};\n'
                   for b in alt.branches)
    name = alt.c_name()
    return (f'struct {name} {{\n    QapiKind type;\n'
            f'    union {{ /* chosen by type */\n{text}    }} u;\n}};\n\n')


def gen_list(array):
    name = array.c_name()
    return (f'typedef struct {name} {{\n    struct {name} *next;\n'
            f'    {array.element.c_type()}value;\n}} {name};\n\n')


def gen_free_decl(typ):
    name = typ.c_name()
    return (f'void qapi_free_{name}({name} *obj);\n'
            f'G_DEFINE_AUTOPTR_CLEANUP_FUNC({name}, qapi_free_{name})\n\n')


def gen_free(typ):
    name = typ.c_name()
    how = 'list' if typ.kind == 'array' else (
        'alternate' if typ.kind == 'alternate' else 'struct')
    helper = {
        'list': f'qapi_free_list((GenericList *)obj, qapi_visit_elem_{name});',
        'struct': f'qapi_free_struct(obj, visit_type_{name}_members);',
        'alternate': f'qapi_free_struct(obj, visit_type_{name}_branch);',
    }[how]
    return f'void qapi_free_{name}({name} *obj)\n{{\n    {helper}\n}}\n\n'


def ordered_objects(objects):
    """Those embedded by value come before those that embed them."""
    done, result = set(), []

    def visit(obj):
        if obj in done or obj not in objects:
            return
        done.add(obj)
        for branch in obj.branches:
            if branch.type.kind == 'object':
                visit(branch.type)
        result.append(obj)
    for obj in objects:
        visit(obj)
    return result


def gen_module(schema, module, name, prefix):
    """Returns {file name: text}. @module None: the builtin types' lists."""
    own = [e for e in schema.entities if e.module is module]
    enums = [e for e in own if e.kind == 'enum']
    objects = ordered_objects([e for e in own
                               if e.kind in ('object', 'alternate')])
    arrays = module_arrays(schema, module)
    hdr = f'{prefix}qapi-types-{name}.h'
    out = Writer(f'Schema types of module {name}', f'QAPI/{hdr}')
    if module:
        out.add('#include "qapi/qapi-builtin-types.h"\n')
        for inc in module.includes:
            out.add(f'#include "qapi/{prefix}qapi-types-{inc.name}.h"\n')
        out.add('\n')
    else:
        out.add('#include "qapi/qapi-types.h"\n\n')
    for obj in objects:
        out.add(f'typedef struct {obj.c_name()} {obj.c_name()};\n')
    out.add('\n')
    for enum in enums:
        out.add(gen_enum(enum))
    for array in arrays:
        out.add(gen_list(array))
    for obj in objects:
        if obj.kind == 'alternate':
            out.add(gen_alternate(obj))
        else:
            out.add(f'struct {obj.c_name()} {{\n{gen_struct_body(obj)}}};\n\n')
    freeable = [o for o in objects if not getattr(o, 'implicit', False)]
    for typ in freeable + arrays:
        out.add(gen_free_decl(typ))

    src = Writer(f'Schema types of module {name}')
    visit = f'{prefix}qapi-visit-{name}.h' if module else 'qapi-builtin-visit.h'
    src.add('#include "util/osdep.h"\n'
            f'#include "qapi/{visit}"\n\n')
    for enum in enums:
        src.add(gen_enum_lookup(enum))
    for typ in freeable + arrays:
        src.add(gen_free(typ))
    if not module:
        hdr = 'qapi-builtin-types.h'
    return {hdr: out.text(), hdr[:-1] + 'c': src.text()}


def module_arrays(schema, module):
    if module is None:
        return [Array(Builtin(name)) for name in BUILTINS if name != 'null']
    return [a for a in schema.arrays.values() if a.module is module]
