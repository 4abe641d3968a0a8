# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-options.h/.c: the table of command line options with their help;
qapi-options-apply.c: from a parsed option to the function that acts on it."""

import json
import re
import textwrap

from .common import Writer, c_name, c_string

COLUMN = 16
ENUM_WIDTH = 48                 # of the values of an enum, one after another
TYPE_WORDS = {'str': 'string', 'bool': 'on|off', 'size': 'size',
              'number': 'number', 'any': 'value', 'null': 'null'}


def option_const(opt):
    name = opt.name if len(opt.name) == 1 else opt.name.upper()
    return 'CLI_OPTION_' + c_name(name)


def type_word(typ):
    """What --help calls a value of @typ."""
    if typ.kind == 'builtin':
        return TYPE_WORDS.get(typ.name, 'number')
    if typ.kind == 'enum':
        names = [v.name for v in typ.values]
        word = '|'.join(names)
        fits = len(names) <= 6 and len(word) <= ENUM_WIDTH
        return word if fits else names[0] + '|...'
    if typ.kind == 'array':
        return type_word(typ.element)
    if typ.kind == 'object' and [m.name for m in typ.members()] == ['str']:
        return 'string'
    if typ.kind == 'alternate':
        plain = [b.type for b in typ.branches if b.type.kind != 'object']
        return '|'.join(type_word(t) for t in plain) or '...'
    return '...'


def member_lines(members, seen=(), prefix='', optional=False):
    """(key, Member, whether it can be left out) for each key=value that
    @members allow; nested structs become dotted keys, each type once."""
    for m in members:
        typ = m.type
        can_miss = optional or m.optional
        if typ.kind == 'object' and typ not in seen:
            inner = (*seen, typ)
            yield from member_lines(typ.members(), inner,
                                    f'{prefix}{m.name}.', can_miss)
            for b in typ.branches:
                yield from member_lines(b.type.members(), inner,
                                        f'{prefix}{m.name}.', True)
        else:
            yield prefix + m.name, m, can_miss


def format_usage(opt, tag=None):
    """'[cpus=]number[,maxcpus=number]...' of a struct, or of the branch of a
    union that @tag names."""
    members = [m for m in opt.data.members()]
    if tag is not None:
        members += next((b.type.members() for b in opt.data.branches
                         if b.name == tag), [])
    parts = []
    for key, m, optional in sorted(member_lines(members),
                                   key=lambda x: (x[0] != opt.implied_key,
                                                  x[2])):
        is_tag = tag is not None and m is opt.data.tag
        name = f'[{key}=]' if key == opt.implied_key else f'{key}='
        if is_tag and key == opt.implied_key:
            name = ''
        parts.append((name + (tag if is_tag else type_word(m.type)), optional))
    usage = ''
    for i, (text, optional) in enumerate(parts):
        comma = ',' if i else ''
        bracket = optional and not (i == 0 and opt.implied_key)
        usage += f'[{comma}{text}]' if bracket else comma + text
    return usage


def usages(opt):
    kind = opt.value_kind()
    if kind == 'FLAG':
        return ['']
    if opt.arg:
        return [opt.arg]
    if kind == 'ENUM':
        return ['|'.join(v.name for v in opt.data.values)]
    if opt.data.branches:
        return [format_usage(opt, v.name) for v in opt.data.tag.type.values]
    return [format_usage(opt)]


def wrap_usage(text):
    """Break after a comma or bracket: keys have no blanks."""
    lines, line = [], ''
    for part in re.split(r'(?=\[,)|(?<!\[)(?=,)', text):
        if line and len(line) + len(part) > 79:
            lines.append(line)
            line = ' ' * COLUMN
        line += part
    return lines + [line]


def summary(doc):
    return ' '.join(doc.body.split('\n\n')[0].split())


def option_help(opt):
    lines = []
    for usage in usages(opt):
        lines += wrap_usage(f'-{opt.name} {usage}'.rstrip())
    text = textwrap.wrap(summary(opt.doc), 80 - COLUMN - 1,
                         break_on_hyphens=False)
    if len(lines) == 1 and len(lines[0]) < COLUMN and text:
        lines[0] = lines[0].ljust(COLUMN) + text.pop(0)
    lines += [' ' * COLUMN + line for line in text]
    return '\n'.join(lines) + '\n'


def detail_lines(members):
    for key, m, _ in member_lines(members):
        head = f'  {key}=<{type_word(m.type)}>'
        text = ' '.join(m.doc.split())
        if text:
            yield from textwrap.wrap(f'{head} - {text}', 79,
                                     subsequent_indent=' ' * 6,
                                     break_on_hyphens=False,
                                     break_long_words=False)
        else:
            yield head


def option_detail(opt):
    """The answer to '-foo help'."""
    if opt.value_kind() != 'STRUCT':
        return None
    lines = [f'{opt.name} options:', *detail_lines(opt.data.members())]
    for branch in opt.data.branches:
        members = branch.type.members()
        if members:
            lines += [f'{opt.data.tag.name}={branch.name}:',
                      *detail_lines(members)]
    return '\n'.join(lines) + '\n'


def parameter_type(typ):
    if typ.kind == 'builtin':
        if typ.name == 'bool':
            return 'boolean'
        if typ.name == 'size':
            return 'size'
        if typ.json_type() in ('int', 'number'):
            return 'number'
    return 'string'


def command_line_info(options):
    """query-command-line-options: options that take key=value."""
    result = []
    for opt in options:
        if opt.value_kind() not in ('STRUCT', 'TREE'):
            continue
        params = []
        if opt.value_kind() == 'STRUCT':
            members = opt.data.members() + [
                m for b in opt.data.branches for m in b.type.members()]
            seen = set()
            for key, m, _ in member_lines(members):
                if key not in seen:
                    params.append({'name': key,
                                   'type': parameter_type(m.type),
                                   'help': ' '.join(m.doc.split())})
                    seen.add(key)
        result.append({'option': opt.group, 'parameters': params})
    return result


def gen_check(opt):
    """Function of the option library that only reads the value."""
    name = opt.data.c_name()
    return (f'static bool check_{c_name(opt.name)}(Visitor *v, Error **errp)\n'
            f'{{\n    g_autoptr({name}) val = NULL;\n\n'
            f'    return visit_type_{name}(v, NULL, &val, errp);\n}}\n\n')


def gen_row(opt, categories):
    kind = opt.value_kind()
    fields = [f'.name = "{opt.name}"', f'.kind = CLI_{kind}',
              *([f'.group = "{opt.group}"'] if opt.group != opt.name else []),
              f'.repeat = CLI_{opt.repeat.upper()}',
              f'.category = {categories.index(opt.category)}']
    if opt.implied_key:
        fields.append(f'.implied_key = "{opt.implied_key}"')
    flags = [name for name, on in (('CLI_BARE', opt.bare),
                                   ('CLI_MULTI', opt.multi),
                                   ('CLI_MIXED', opt.mixed),
                                   ('CLI_HAS_ARG', opt.arg)) if on]
    if flags:
        fields.append(f'.flags = {" | ".join(flags)}')
    if kind == 'STRUCT':
        fields.append(f'.check = check_{c_name(opt.name)}')
    if kind == 'ENUM':
        fields.append(f'.values = &{opt.data.c_name()}_lookup')
    if opt.absent or opt.otherwise:
        fields.append(f'.absent = {c_string(opt.absent or opt.otherwise)}')
    if not opt.absent:
        fields.append('.help =\n            '
                      + c_string(option_help(opt), ' ' * 12))
    detail = option_detail(opt)
    if detail:
        fields.append('.detail =\n            '
                      + c_string(detail, ' ' * 12))
    return (f'    [{option_const(opt)}] = {{\n        '
            + ',\n        '.join(fields) + ',\n    },\n')


def gen_table(schema, prefix, options):
    hdr = f'{prefix}qapi-options.h'
    ident = c_name(prefix) if prefix else ''
    out = Writer('Command line options', f'QAPI/{hdr}')
    out.add('#include "qapi/options.h"\n\n'
            f'typedef enum {ident}CliOptionId {{\n')
    for opt in options:
        out.add(f'    {option_const(opt)},\n')
    out.add(f'    CLI_OPTION__MAX,\n}} {ident}CliOptionId;\n\n'
            f'extern const CliTable {ident}cli_table;\n'
            '/* The answer to query-command-line-options. */\n'
            f'extern const char {ident}cli_options_json[];\n')
    src = Writer('Command line options')
    src.add(f'#include "util/osdep.h"\n#include "qapi/{hdr}"\n\n')
    for module in schema.modules:
        if any(o.data and o.module is module for o in options):
            src.add(f'#include "qapi/{prefix}qapi-visit-{module.name}.h"\n')
    src.add('\n')
    for opt in options:
        if opt.value_kind() == 'STRUCT':
            src.add(gen_check(opt))
    src.add('static const CliOption options[CLI_OPTION__MAX] = {\n')
    categories = list(schema.pragma['option-categories'])
    src.add(''.join(gen_row(o, categories) for o in options) + '};\n\n')
    src.add('static const CliAlias aliases[] = {\n')
    for opt in options:
        for alias in opt.aliases:
            src.add(f'    {{ "{alias}", {option_const(opt)} }},\n')
    src.add('    { NULL, 0 },\n};\n\n'
            'static const char *const categories[] = {\n')
    for title in schema.pragma['option-categories'].values():
        src.add(f'    "{title}",\n')
    src.add('};\n\n'
            f'const CliTable {ident}cli_table = {{\n'
            '    .options = options,\n    .count = CLI_OPTION__MAX,\n'
            '    .aliases = aliases,\n    .categories = categories,\n'
            '    .category_count = G_N_ELEMENTS(categories),\n};\n\n'
            f'const char {ident}cli_options_json[] =\n    "["\n')
    info = command_line_info(options)
    for i, entry in enumerate(info):
        text = json.dumps(entry, separators=(',', ':'))
        src.add('    ' + c_string((',' if i else '') + text) + '\n')
    src.add('    "]";\n')
    return {hdr: out.text(), hdr[:-1] + 'c': src.text()}


def handler_params(opt):
    kind = opt.value_kind()
    return {'FLAG': '', 'STRING': 'const char *arg, ',
            'TREE': 'struct json_object *tree, ',
            'ENUM': f'{opt.data.c_name()} val, ' if opt.data else '',
            'STRUCT': f'{opt.data.c_name()} *val, ' if opt.data else '',
            }[kind]


def gen_apply_fn(opt):
    name = c_name(opt.name)
    kind = opt.value_kind()
    text = (f'static bool apply_{name}(const CliItem *item, Error **errp)\n{{\n')
    body = {
        'FLAG': f'    return cli_option_{name}(errp);\n',
        'STRING': f'    return cli_option_{name}(item->text, errp);\n',
        'TREE': f'    return cli_option_{name}(item->tree, errp);\n',
        'ENUM': f'    return cli_option_{name}(item->value, errp);\n',
    }.get(kind)
    decls = ''
    if kind == 'STRUCT':
        typ = opt.data.c_name()
        decls = (f'    g_autoptr(Visitor) v = cli_item_visitor(item);\n'
                 f'    g_autoptr({typ}) val = NULL;\n\n')
        body = (f'    return visit_type_{typ}(v, NULL, &val, errp) &&\n'
                f'           cli_option_{name}(val, errp);\n')
    return text + decls + body + '}\n\n'


def gen_apply(schema, prefix, options):
    hdr = f'{prefix}qapi-options-apply.h'
    ident = c_name(prefix) if prefix else ''
    out = Writer('What acts on options', f'QAPI/{hdr}')
    out.add(f'#include "qapi/{prefix}qapi-options.h"\n#include "util/error.h"\n')
    src = Writer('What acts on options')
    src.add(f'#include "util/osdep.h"\n#include "qapi/{hdr}"\n')
    for module in schema.modules:
        if any(o.data and o.module is module for o in options):
            out.add(f'#include "qapi/{prefix}qapi-types-{module.name}.h"\n')
            src.add(f'#include "qapi/{prefix}qapi-visit-{module.name}.h"\n')
    out.add('\n/* Written by hand, in system/: carry an option out. */\n')
    src.add('\n')
    real = [o for o in options if not o.absent]
    for opt in real:
        name = c_name(opt.name)
        out.add(f'bool cli_option_{name}({handler_params(opt)}Error **errp);\n')
        src.add(gen_apply_fn(opt))
    out.add(f'\nextern CliApplyFn *const {ident}cli_apply_table'
            '[CLI_OPTION__MAX];\n')
    src.add(f'CliApplyFn *const {ident}cli_apply_table[CLI_OPTION__MAX] = {{\n')
    for opt in real:
        src.add(f'    [{option_const(opt)}] = apply_{c_name(opt.name)},\n')
    src.add('};\n')
    return {hdr: out.text(), hdr[:-1] + 'c': src.text()}


def generate(schema, prefix):
    options = list(schema.options.values())
    files = gen_table(schema, prefix, options)
    files.update(gen_apply(schema, prefix, options))
    return files
