# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-introspect.h/.c: the answer to query-qmp-schema as one JSON text, in
the shape of the schema's own SchemaInfo.

Types other than the built-in ones are called by numbers: their names are not
part of the interface. Only what commands and events reach is listed.
"""

import json

from .common import Writer, c_name, c_string


class Introspection:
    def __init__(self, schema):
        self.schema = schema
        self.numbers = {}
        self.result = []
        self.todo = []

    def type_ref(self, typ):
        """The name of @typ on the wire; queues it to be described."""
        if typ is None:
            return self.mask('q_empty', None)
        if typ.kind == 'array':
            name = '[' + self.type_ref(typ.element) + ']'
            return self.mask(name, typ, name)
        if typ.kind == 'object' and typ.is_empty():
            return self.mask('q_empty', None)
        if typ.kind == 'builtin':
            # All integers look alike: their ranges are not introspected.
            name = 'int' if typ.json_type() == 'int' else typ.name
            if name not in self.numbers:
                self.numbers[name] = name
                self.todo.append((name, typ))
            return name
        return self.mask(typ.name, typ)

    def mask(self, key, typ, masked=None):
        if key not in self.numbers:
            self.numbers[key] = masked or str(len(self.numbers))
            self.todo.append((self.numbers[key], typ))
        return self.numbers[key]

    def emit(self, name, meta, rest, features):
        info = {'name': name, 'meta-type': meta, **rest}
        if features:
            info['features'] = [f.name for f in features]
        self.result.append(info)

    def member(self, member):
        info = {'name': member.name, 'type': self.type_ref(member.type)}
        if member.optional:
            info['default'] = None
        if member.features:
            info['features'] = [f.name for f in member.features]
        return info

    def enum_value(self, value):
        info = {'name': value.name}
        if value.features:
            info['features'] = [f.name for f in value.features]
        return info

    def object_rest(self, obj):
        if obj is None:
            return {'members': []}
        rest = {'members': [self.member(m) for m in obj.members()]}
        if obj.branches:
            by_name = {b.name: b.type for b in obj.branches}
            rest['tag'] = obj.tag.name
            rest['variants'] = [
                {'case': v.name, 'type': self.type_ref(by_name.get(v.name))}
                for v in obj.tag.type.values]
        return rest

    def describe(self, name, typ):
        kind = typ.kind if typ else 'object'
        if kind == 'builtin':
            rest = {'json-type': typ.json_type()}
        elif kind == 'enum':
            rest = {'members': [self.enum_value(v) for v in typ.values],
                    'values': [v.name for v in typ.values]}
        elif kind == 'array':
            rest = {'element-type': self.type_ref(typ.element)}
        elif kind == 'alternate':
            rest = {'members': [{'type': self.type_ref(b.type)}
                                for b in typ.branches]}
        else:
            rest = self.object_rest(typ)
        self.emit(name, kind, rest, typ.features if typ else [])

    def run(self):
        for cmd in self.schema.commands.values():
            rest = {'arg-type': self.type_ref(cmd.arg),
                    'ret-type': self.type_ref(cmd.ret)}
            if cmd.allow_oob:
                rest['allow-oob'] = True
            self.emit(cmd.name, 'command', rest, cmd.features)
        for event in self.schema.events.values():
            self.emit(event.name, 'event',
                      {'arg-type': self.type_ref(event.arg)}, event.features)
        while self.todo:
            self.describe(*self.todo.pop(0))
        return self.result


def generate(schema, prefix):
    entries = Introspection(schema).run()
    ident = c_name(prefix) if prefix else ''
    hdr = f'{prefix}qapi-introspect.h'
    out = Writer('The schema for query-qmp-schema', f'QAPI/{hdr}')
    out.add('/* A JSON array of SchemaInfo. */\n'
            f'extern const char {ident}qmp_schema_json[];\n')
    src = Writer('The schema for query-qmp-schema')
    src.add(f'#include "util/osdep.h"\n#include "qapi/{hdr}"\n\n'
            f'const char {ident}qmp_schema_json[] =\n    "["\n')
    for i, entry in enumerate(entries):
        text = json.dumps(entry, separators=(',', ':'))
        src.add('    ' + c_string(('' if i == 0 else ',') + text) + '\n')
    src.add('    "]";\n')
    return {hdr: out.text(), hdr[:-1] + 'c': src.text()}
