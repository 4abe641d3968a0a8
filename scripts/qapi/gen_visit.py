# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-visit-MODULE.h/.c: one visitor function for each type."""

from .common import Writer
from .entities import JSON_KIND
from .gen_types import module_arrays


def visit_call(typ, name, target):
    """C expression that visits @target, an lvalue of @typ."""
    return f'visit_type_{typ.c_name()}(v, {name}, &{target}, errp)'


def gen_decl(typ):
    name = typ.c_name()
    text = ''
    if typ.kind == 'object':
        text += (f'bool visit_type_{name}_members(Visitor *v, void *obj, '
                 'Error **errp);\n')
        if typ.implicit:
            return text
    if typ.kind == 'alternate':
        text += (f'bool visit_type_{name}_branch(Visitor *v, void *obj, '
                 'Error **errp);\n')
    if typ.kind == 'array':
        text += (f'bool qapi_visit_elem_{name}(Visitor *v, void *value, '
                 'Error **errp);\n')
    return (text + f'bool visit_type_{name}(Visitor *v, const char *name,\n'
            f'    {typ.c_type() if typ.is_pointer() else name + " "}*obj, '
            'Error **errp);\n\n')


def gen_enum(enum):
    name = enum.c_name()
    return (f'bool visit_type_{name}(Visitor *v, const char *name, {name} *obj,'
            f'\n    Error **errp)\n{{\n    int value = *obj;\n'
            f'    bool ok = visit_type_enum(v, name, &value, &{name}_lookup, '
            'errp);\n\n    *obj = value;\n    return ok;\n}\n\n')


def gen_array(array):
    name = array.c_name()
    elem = array.element
    call = f'visit_type_{elem.c_name()}(v, NULL, value, errp)'
    return (f'bool qapi_visit_elem_{name}(Visitor *v, void *value, '
            f'Error **errp)\n{{\n    return {call};\n}}\n\n'
            f'bool visit_type_{name}(Visitor *v, const char *name, '
            f'{name} **obj,\n    Error **errp)\n{{\n'
            f'    return qapi_visit_list(v, name, (GenericList **)obj,\n'
            f'        sizeof({name}), qapi_visit_elem_{name}, errp);\n}}\n\n')


def gen_member_visit(member):
    call = visit_call(member.type, f'"{member.name}"',
                      f'obj->{member.c_name()}')
    guard = f'    if (!{call}) {{\n        return false;\n    }}\n'
    if not member.optional:
        return guard
    ident = member.c_name()
    if member.needs_has():
        flag = f'obj->has_{ident}'
        text = f'    visit_optional(v, "{member.name}", &{flag});\n'
    else:
        flag = f'has_{ident}'
        text = (f'    {flag} = obj->{ident} != NULL;\n'
                f'    visit_optional(v, "{member.name}", &{flag});\n')
    return (text + f'    if ({flag} && !{call}) {{\n        return false;\n'
            '    }\n')


def gen_members(obj):
    name = obj.c_name()
    text = (f'bool visit_type_{name}_members(Visitor *v, void *opaque, '
            'Error **errp)\n{\n')
    if obj.is_empty():
        return text + '    return true;\n}\n\n'
    text += f'    {name} *obj = opaque;\n'
    for member in obj.local_members:
        if member.optional and not member.needs_has():
            text += f'    bool has_{member.c_name()};\n'
    text += '\n'
    if obj.base:
        # A struct begins with the members of its base, in the same layout.
        text += (f'    if (!visit_type_{obj.base.c_name()}_members(v, obj, '
                 'errp)) {\n        return false;\n    }\n')
    text += ''.join(gen_member_visit(m) for m in obj.local_members)
    branches = [b for b in obj.branches if not b.type.is_empty()]
    if branches:
        text += f'    switch (obj->{obj.tag.c_name()}) {{\n'
        for b in branches:
            text += (f'    case {obj.tag.type.c_const(b.name)}:\n        return '
                     f'visit_type_{b.type.c_name()}_members(v, '
                     f'&obj->u.{b.c_name()}, errp);\n')
        text += '    default:\n        return true;\n    }\n}\n\n'
        return text
    return text + '    return true;\n}\n\n'


def gen_object(obj):
    name = obj.c_name()
    text = gen_members(obj)
    if obj.implicit:
        return text
    return (text + f'bool visit_type_{name}(Visitor *v, const char *name, '
            f'{name} **obj,\n    Error **errp)\n{{\n'
            f'    return qapi_visit_struct(v, name, (void **)obj,\n'
            f'        sizeof({name}), visit_type_{name}_members, errp);\n'
            '}\n\n')


def gen_alternate(alt):
    name = alt.c_name()
    cases = ''
    for b in alt.branches:
        kind = JSON_KIND[b.type.json_type()]
        cases += f'    case QAPI_KIND_{kind}:\n'
        if b.type.kind == 'object':
            cases += (f'        return qapi_visit_branch_struct(v, '
                      f'&obj->u.{b.c_name()},\n            '
                      f'visit_type_{b.type.c_name()}_members, errp);\n')
        else:
            cases += ('        return '
                      + visit_call(b.type, 'NULL', f'obj->u.{b.c_name()}')
                      + ';\n')
    kinds = ' | '.join(f'1u << QAPI_KIND_{JSON_KIND[b.type.json_type()]}'
                       for b in alt.branches)
    return (f'bool visit_type_{name}_branch(Visitor *v, void *opaque, '
            f'Error **errp)\n{{\n    {name} *obj = opaque;\n\n'
            f'    switch (obj->type) {{\n{cases}'
            '    default:\n        return true;\n    }\n}\n\n'
            f'bool visit_type_{name}(Visitor *v, const char *name, '
            f'{name} **obj,\n    Error **errp)\n{{\n'
            f'    return qapi_visit_alternate(v, name, '
            f'(GenericAlternate **)obj,\n        sizeof({name}), {kinds},\n'
            f'        visit_type_{name}_branch, errp);\n}}\n\n')


GEN = {'enum': gen_enum, 'array': gen_array, 'object': gen_object,
       'alternate': gen_alternate}


def gen_module(schema, module, name, prefix):
    types = [e for e in schema.entities
             if e.module is module and e.kind in GEN] if module else []
    types += module_arrays(schema, module)
    if module:
        hdr = f'{prefix}qapi-visit-{name}.h'
        types_hdr = f'{prefix}qapi-types-{name}.h'
    else:
        hdr, types_hdr = 'qapi-builtin-visit.h', 'qapi-builtin-types.h'
    out = Writer(f'Visitors of module {name}', f'QAPI/{hdr}')
    out.add(f'#include "qapi/{types_hdr}"\n#include "qapi/visitor.h"\n'
            '#include "util/error.h"\n')
    if module:
        out.add('#include "qapi/qapi-builtin-visit.h"\n')
        for inc in module.includes:
            out.add(f'#include "qapi/{prefix}qapi-visit-{inc.name}.h"\n')
    out.add('\n')
    src = Writer(f'Visitors of module {name}')
    src.add(f'#include "util/osdep.h"\n#include "qapi/{hdr}"\n\n')
    for typ in types:
        out.add(gen_decl(typ))
        src.add(GEN[typ.kind](typ))
    return {hdr: out.text(), hdr[:-1] + 'c': src.text()}


