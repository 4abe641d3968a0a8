# SPDX-License-Identifier: GPL-2.0-or-later
"""Expressions -> entities. All rules of the language are enforced here."""

import re

from .check import (check_features, check_keys, check_name, check_unique,
                    normalise_members)
from .check_doc import check_doc
from .common import QAPIError
from .entities import (BUILTINS, JSON_KIND, Alternate, Array, Builtin, Command,
                       Enum, Event, Member, Object, Option)
from .parser import Doc, parse_tree

KEYS = {
    'enum': ({'data'}, {'prefix', 'absent'}),
    'struct': ({'data'}, {'base'}),
    'union': ({'base', 'discriminator', 'data'}, set()),
    'alternate': ({'data'}, set()),
    'command': (set(), {'data', 'returns', 'boxed', 'gen', 'success-response',
                        'allow-oob', 'allow-preconfig'}),
    'event': (set(), {'data', 'boxed'}),
    'option': ({'category'}, {'data', 'arg', 'implied-key', 'repeat',
                              'aliases', 'absent', 'otherwise', 'bare',
                              'multi', 'mixed', 'group'}),
}
PRAGMAS = {'command-name-exceptions': list, 'command-returns-exceptions': list,
           'member-name-exceptions': list, 'option-categories': dict}
REPEATS = ('last', 'list', 'merge')


class Schema:
    """The checked schema, reduced to what @config (a set of symbols) has."""

    def __init__(self, fname, config=frozenset()):
        self.config = config
        self.pragma = {key: typ() for key, typ in PRAGMAS.items()}
        self.entities = []          # named, in order of definition
        self.types = {name: Builtin(name) for name in BUILTINS}
        self.arrays = {}
        self.commands = {}
        self.events = {}
        self.options = {}
        self.items, self.modules = parse_tree(fname)
        names = [m.name for m in self.modules]
        if len(set(names)) != len(names):
            raise QAPIError(None, 'two schema files have the same base name')
        self.load()

    # Conditionals

    def enabled(self, cond, info):
        """Whether an 'if' holds in this configuration."""
        if cond is None:
            return True
        if isinstance(cond, str):
            if not re.fullmatch(r'[A-Z][A-Z0-9_]*', cond):
                raise QAPIError(info, f"'if' condition '{cond}' is not a "
                                'configuration symbol')
            return cond in self.config
        if isinstance(cond, dict) and len(cond) == 1:
            (oper, arg), = cond.items()
            if oper == 'not':
                return not self.enabled(arg, info)
            if oper in ('all', 'any') and isinstance(arg, list) and arg:
                results = [self.enabled(x, info) for x in arg]
                return all(results) if oper == 'all' else any(results)
        raise QAPIError(info, "'if' takes a symbol, {'all': [...]}, "
                        "{'any': [...]} or {'not': ...}")

    # First pass: names

    def load(self):
        exprs = []
        for item in self.items:
            if isinstance(item, Doc):
                continue
            if 'pragma' in item.data:
                self.add_pragma(item)
                continue
            meta = next((m for m in KEYS if m in item.data), None)
            if not meta:
                raise QAPIError(item.info, 'unknown kind of definition, known '
                                'are ' + ', '.join(KEYS))
            exprs.append((meta, item))
        pending = []
        for meta, expr in exprs:
            entity = self.declare(meta, expr)
            if entity:
                pending.append((meta, expr, entity))
        for meta, expr, entity in pending:
            getattr(self, 'define_' + meta)(entity, expr)
            check_doc(entity, expr)
        for _, _, entity in pending:
            if entity.kind == 'object':
                self.check_object(entity, entity.info)

    def add_pragma(self, expr):
        check_keys(expr.info, expr.data, "'pragma'", {'pragma'}, set())
        pragma = expr.data['pragma']
        if not isinstance(pragma, dict):
            raise QAPIError(expr.info, "'pragma' must be an object")
        for key, val in pragma.items():
            if key not in PRAGMAS:
                raise QAPIError(expr.info, f"unknown pragma '{key}'")
            if not isinstance(val, PRAGMAS[key]):
                raise QAPIError(expr.info, f"pragma '{key}' has a value of "
                                'the wrong type')
            if isinstance(val, dict):
                self.pragma[key].update(val)
            else:
                self.pragma[key] += val

    def declare(self, meta, expr):
        name, info = expr.data[meta], expr.info
        required, optional = KEYS[meta]
        if not isinstance(name, str):
            raise QAPIError(info, f"'{meta}' needs a string as name")
        check_name(info, meta, name, self.pragma['command-name-exceptions'])
        where = f"{meta} '{name}'"
        check_keys(info, expr.data, where, required | {meta},
                   optional | {'if', 'features'})
        if not expr.doc:
            raise QAPIError(info, f'{where} has no doc comment')
        if expr.doc.symbol != name:
            raise QAPIError(expr.doc.info, 'comment describes '
                            f"'{expr.doc.symbol}', but {where} follows")
        if not self.enabled(expr.data.get('if'), info):
            return None
        features = check_features(self, info, expr.data.get('features'), where)
        cls = {'enum': Enum, 'struct': Object, 'union': Object,
               'alternate': Alternate, 'command': Command, 'event': Event,
               'option': Option}[meta]
        args = {'values': []} if meta == 'enum' else {}
        entity = cls(name=name, module=expr.module, info=info, doc=expr.doc,
                     features=features, **args)
        table = {'command': self.commands, 'event': self.events,
                 'option': self.options}.get(meta, self.types)
        if name in table:
            raise QAPIError(info, f'{where} is defined twice, first at '
                            f'{table[name].info or "(built in)"}')
        table[name] = entity
        self.entities.append(entity)
        return entity

    # Second pass: contents

    def resolve(self, spec, info, user, where):
        """The type a reference like 'Foo' or ['Foo'] names."""
        if isinstance(spec, list):
            if len(spec) != 1 or not isinstance(spec[0], str):
                raise QAPIError(info, f'{where}: an array type is one type '
                                'name in brackets')
            element = self.resolve(spec[0], info, user, where)
            if element.name not in self.arrays:
                self.arrays[element.name] = Array(element)
            return self.arrays[element.name]
        if not isinstance(spec, str):
            raise QAPIError(info, f'{where}: a type must be a name, or a name '
                            'in brackets')
        typ = self.types.get(spec)
        if not typ:
            raise QAPIError(info, f"{where} uses unknown type '{spec}'")
        if typ.module and not user.module.reaches(typ.module):
            raise QAPIError(info, f"{where} uses type '{spec}' of a module "
                            f"that is not included, '{typ.module.name}.json'")
        return typ

    def make_members(self, owner, data, info, where, doc):
        members = []
        for name, optional, spec in normalise_members(self, info, data, where):
            typ = self.resolve(spec['type'], info, owner,
                               f"{where}, member '{name}'")
            member = Member(name, typ, optional, check_features(
                self, info, spec.get('features'), where))
            member.doc = doc.args.get(name, '') if doc else ''
            members.append(member)
        return members

    def make_arg(self, entity, expr, where):
        """'data' of a command or event: inline members or a type's name."""
        data = expr.data.get('data')
        entity.boxed = expr.data.get('boxed', False)
        if data is None:
            if entity.boxed:
                raise QAPIError(expr.info, f"{where}: 'boxed' needs 'data'")
            return None
        if isinstance(data, dict):
            if entity.boxed:
                raise QAPIError(expr.info, f"{where}: 'boxed' needs 'data' "
                                'to name a type')
            arg = Object(name=f'q_obj_{entity.name}_arg', module=entity.module,
                         implicit=True, info=expr.info)
            arg.local_members = self.make_members(arg, data, expr.info, where,
                                                  expr.doc)
            check_unique(expr.info, where, arg.local_members)
            if arg.is_empty():
                return None
            self.types[arg.name] = arg
            self.entities.append(arg)
            return arg
        arg = self.resolve(data, expr.info, entity, where)
        if arg.kind != 'object':
            raise QAPIError(expr.info, f"{where}: 'data' must be a struct")
        if arg.branches and not entity.boxed and expr.data.get('gen', True):
            raise QAPIError(expr.info, f"{where}: a union as 'data' needs "
                            "'boxed': true")
        return arg

    def flag(self, expr, key, usual, where):
        val = expr.data.get(key, usual)
        if not isinstance(val, bool):
            raise QAPIError(expr.info, f"{where}: '{key}' must be a boolean")
        return val

    def define_enum(self, enum, expr):
        where = f"enum '{enum.name}'"
        enum.prefix = expr.data.get('prefix')
        if not isinstance(expr.data['data'], list):
            raise QAPIError(expr.info, f"{where}: 'data' must be an array")
        for item in expr.data['data']:
            item = {'name': item} if isinstance(item, str) else item
            check_keys(expr.info, item, f'{where}, value', {'name'},
                       {'if', 'features'})
            check_name(expr.info, 'value', item['name'],
                       self.pragma['member-name-exceptions'], enum.name)
            if not self.enabled(item.get('if'), expr.info):
                continue
            value = Member(item['name'], features=check_features(
                self, expr.info, item.get('features'), where))
            value.doc = expr.doc.args.get(value.name, '')
            enum.values.append(value)
        check_unique(expr.info, where, enum.values)
        if not enum.values:
            raise QAPIError(expr.info, f'{where} has no value')
        self.define_absent(enum, expr, where)

    def define_absent(self, enum, expr, where):
        """'absent': { 'value': 'text' or { 'text': ..., 'if': ... } }"""
        absent = expr.data.get('absent', {})
        if not isinstance(absent, dict):
            raise QAPIError(expr.info, f"{where}: 'absent' must be an object "
                            'of texts')
        for name, item in absent.items():
            item = {'text': item} if isinstance(item, str) else item
            check_keys(expr.info, item, f"{where}, 'absent'", {'text'}, {'if'})
            if self.enabled(item.get('if'), expr.info):
                enum.absent[name] = item['text']
        for value in enum.values:
            if value.name in enum.absent:
                raise QAPIError(expr.info, f"{where}: '{value.name}' is a "
                                "value and 'absent'")

    def define_struct(self, obj, expr):
        where = f"struct '{obj.name}'"
        if 'base' in expr.data:
            obj.base = self.resolve(expr.data['base'], expr.info, obj, where)
            if obj.base.kind != 'object' or obj.base.branches:
                raise QAPIError(expr.info, f"{where}: 'base' must name a "
                                'struct')
        obj.local_members = self.make_members(obj, expr.data['data'],
                                              expr.info, where, expr.doc)

    def define_union(self, obj, expr):
        where = f"union '{obj.name}'"
        base = expr.data['base']
        if isinstance(base, dict):
            obj.local_members = self.make_members(obj, base, expr.info, where,
                                                  expr.doc)
        else:
            obj.base = self.resolve(base, expr.info, obj, where)
            if obj.base.kind != 'object' or obj.base.branches:
                raise QAPIError(expr.info, f"{where}: 'base' must be a struct")
        obj.tag_name = expr.data['discriminator']
        obj.branch_specs = expr.data['data']
        if not isinstance(obj.branch_specs, dict) or not obj.branch_specs:
            raise QAPIError(expr.info, f"{where}: 'data' must be an object "
                            'with a branch at least')
        for name, _, spec in normalise_members(self, expr.info,
                                               obj.branch_specs, where,
                                               branches=True):
            typ = self.resolve(spec['type'], expr.info, obj,
                               f"{where}, branch '{name}'")
            if typ.kind != 'object':
                raise QAPIError(expr.info, f"{where}, branch '{name}': type "
                                f"'{typ.name}' is not a struct")
            obj.branches.append(Member(name, typ))

    def check_object(self, obj, info, stack=()):
        """Checks that need every type's members: tags, clashes, loops."""
        where = f"'{obj.name}'"
        if obj in stack:
            raise QAPIError(info, f'{where} contains itself')
        if getattr(obj, 'checked', False):
            return
        for part in ([obj.base] if obj.base else []) + [
                b.type for b in obj.branches]:
            self.check_object(part, info, stack + (obj,))
        obj.checked = True
        if obj.branches:
            obj.tag = next((m for m in obj.members()
                            if m.name == obj.tag_name), None)
            if not obj.tag or obj.tag.optional or obj.tag.type.kind != 'enum':
                raise QAPIError(info, f"union {where}: discriminator "
                                f"'{obj.tag_name}' is not a mandatory enum "
                                'member of the base')
            values = {v.name for v in obj.tag.type.values}
            for branch in obj.branches:
                if branch.name not in values:
                    raise QAPIError(info, f"union {where}: branch "
                                    f"'{branch.name}' is not a value of "
                                    f"'{obj.tag.type.name}'")
                check_unique(info, where,
                             obj.members() + branch.type.members())
        check_unique(info, where, obj.members())

    def define_alternate(self, alt, expr):
        where = f"alternate '{alt.name}'"
        seen = {}
        for name, _, spec in normalise_members(self, expr.info,
                                               expr.data['data'], where,
                                               branches=True):
            typ = self.resolve(spec['type'], expr.info, alt,
                               f"{where}, branch '{name}'")
            if typ.kind == 'alternate' or typ.json_type() not in JSON_KIND:
                raise QAPIError(expr.info, f"{where}, branch '{name}' can't "
                                f"have type '{typ.name}'")
            kind = JSON_KIND[typ.json_type()]
            if kind in seen:
                raise QAPIError(expr.info, f"{where}: branches '{seen[kind]}' "
                                f"and '{name}' can't be told apart")
            seen[kind] = name
            branch = Member(name, typ)
            branch.doc = expr.doc.args.get(name, '')
            alt.branches.append(branch)
        check_unique(expr.info, where, alt.branches)

    def define_command(self, cmd, expr):
        where = f"command '{cmd.name}'"
        cmd.gen = self.flag(expr, 'gen', True, where)
        cmd.success_response = self.flag(expr, 'success-response', True, where)
        cmd.allow_oob = self.flag(expr, 'allow-oob', False, where)
        cmd.allow_preconfig = self.flag(expr, 'allow-preconfig', False, where)
        self.flag(expr, 'boxed', False, where)
        cmd.arg = self.make_arg(cmd, expr, where)
        if 'returns' in expr.data:
            cmd.ret = self.resolve(expr.data['returns'], expr.info, cmd, where)
            core = cmd.ret.element if cmd.ret.kind == 'array' else cmd.ret
            if core.kind != 'object' and cmd.name not in self.pragma[
                    'command-returns-exceptions']:
                raise QAPIError(expr.info, f"{where} must return a struct or "
                                'an array of structs, so that it can grow')

    def define_event(self, event, expr):
        where = f"event '{event.name}'"
        self.flag(expr, 'boxed', False, where)
        event.arg = self.make_arg(event, expr, where)

    def define_option(self, opt, expr):
        where = f"option '{opt.name}'"
        data = expr.data
        if 'data' in data:
            opt.data = self.resolve(data['data'], expr.info, opt, where)
            if opt.data.kind in ('array', 'alternate') or (
                    opt.data.kind == 'builtin'
                    and opt.data.name not in ('str', 'any')):
                raise QAPIError(expr.info, f"{where}: 'data' must be a "
                                "struct, an enum, 'str' or 'any'")
        opt.arg = data.get('arg')
        opt.absent = data.get('absent')
        opt.otherwise = data.get('otherwise')
        opt.repeat = data.get('repeat', 'last')
        opt.aliases = data.get('aliases', [])
        opt.category = data['category']
        opt.group = data.get('group', opt.name)
        opt.implied_key = data.get('implied-key')
        opt.bare = self.flag(expr, 'bare', False, where)
        opt.multi = self.flag(expr, 'multi', False, where)
        opt.mixed = self.flag(expr, 'mixed', False, where)
        tree = opt.value_kind() in ('STRUCT', 'TREE')
        if opt.repeat not in REPEATS:
            raise QAPIError(expr.info, f"{where}: 'repeat' is one of "
                            + ', '.join(REPEATS))
        if opt.repeat == 'merge' and not tree:
            raise QAPIError(expr.info, f"{where}: only structs can 'merge'")
        if opt.category not in self.pragma['option-categories']:
            raise QAPIError(expr.info, f"{where}: category '{opt.category}' "
                            "is not in pragma 'option-categories'")
        if opt.data and opt.data.name in ('str', 'any') and not opt.arg:
            raise QAPIError(expr.info, f"{where}: 'arg' must name the "
                            'argument')
        if opt.implied_key and not tree:
            raise QAPIError(expr.info, f"{where}: 'implied-key' needs a "
                            'struct')
        if opt.implied_key and opt.data.kind == 'object' and not any(
                m.name == opt.implied_key for m in opt.data.members()):
            raise QAPIError(expr.info, f"{where}: implied key "
                            f"'{opt.implied_key}' is not a member")
        for alias in opt.aliases:
            if alias in self.options:
                raise QAPIError(expr.info, f"{where}: alias '{alias}' is an "
                                'option')
