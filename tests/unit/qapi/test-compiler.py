#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Mistakes in a schema: each is found, and its place and kind are named."""

import os
import tempfile

from qapi.common import QAPIError, c_enum_const, c_name, camel_to_upper
from qapi.schema import Schema

PRE = "{ 'pragma': { 'option-categories': { 'c': 'C' } } }\n"


def doc(name, *members, extra=''):
    text = f'##\n# @{name}:\n#\n# Text.\n#\n'
    text += ''.join(f'# @{m}: text\n#\n' for m in members)
    return text + extra + '##\n'


COLOR = doc('Color', 'red') + "{ 'enum': 'Color', 'data': [ 'red' ] }\n"
FOO = doc('Foo', 'a') + "{ 'struct': 'Foo', 'data': { 'a': 'int' } }\n"

# (schema, part of the message; None: it is fine)
CASES = [
    (COLOR + FOO, None),
    ('', None),
    # Text
    ("{", "expected a string as key"),
    ("{ 'a': }", "expected '{', '[', string or boolean"),
    ("{ 'a': 'b'", "expected ','"),
    ("{ 'a': 'b' 'c': 'd' }", "expected ','"),
    ("{ 'a': 'b', 'a': 'c' }", "key 'a' is given twice"),
    ("{ 'a': [ 'b' 'c' ] }", "expected ','"),
    ("{ 'a': 'b\n' }", "stray '''"),
    ('{ "a": 1 }', "stray '\"'"),
    ("[ 'a' ]", 'a definition must be an object'),
    ("'a'", 'a definition must be an object'),
    ("{ 'a': null }", "stray 'n'"),
    ("{ 'a': 'b' }", 'unknown kind of definition'),
    ("{}", 'unknown kind of definition'),
    # Comments
    ('## x\n', "junk after '##'"),
    ('##\n# text\n', "not closed"),
    ('##\n# text\nx\n##\n', "not closed"),
    ('##\n#text\n##\n', "expected a space after '#'"),
    (doc('Foo', 'a'), 'not followed by its definition'),
    (doc('Foo', 'a') + FOO, 'not followed by its definition'),
    ('##\n# free text\n##\n' + FOO, None),
    (doc('Foo', 'a', 'a') + FOO[FOO.index('{'):], 'described twice'),
    (doc('Bar', 'a') + FOO[FOO.index('{'):], "comment describes 'Bar'"),
    (FOO[FOO.index('{'):], 'has no doc comment'),
    (doc('Foo') + FOO[FOO.index('{'):], "'@a' has no text"),
    (doc('Foo', 'a', 'b') + FOO[FOO.index('{'):],
     "'@b' is described, but does not exist"),
    ('##\n# @Foo:\n#\n# @a: text\n##\n' + FOO[FOO.index('{'):], 'has no text'),
    ('##\n# @Foo:\n#\n# Text.\n#\n# @a:\n##\n' + FOO[FOO.index('{'):],
     "'@a:' has no text"),
    ('##\n# @Foo: text\n##\n' + FOO[FOO.index('{'):],
     'text must start on its own line'),
    (doc('Foo', 'a', extra='# Returns: x\n') + FOO[FOO.index('{'):],
     "'Returns:' is for commands"),
    (doc('Foo', 'a', extra='# Since:\n') + FOO[FOO.index('{'):],
     "section 'Since:' is empty"),
    (doc('Color') + "{ 'enum': 'Color', 'data': [ 'red' ] }",
     "'@red' has no text"),
    (doc('Foo', 'a', extra='# Features:\n#\n# @f: text\n')
     + FOO[FOO.index('{'):], "feature 'f' is described, but does not exist"),
    (doc('Foo') + "{ 'struct': 'Foo', 'data': {}, 'features': [ 'f' ] }",
     "feature 'f' has no text"),
    # Names
    (doc('foo') + "{ 'struct': 'foo', 'data': {} }", 'is not CamelCase'),
    (doc('FooList') + "{ 'struct': 'FooList', 'data': {} }",
     "must not end in 'List'"),
    (doc('Foo_bar') + "{ 'command': 'Foo_bar' }",
     'is not lower-case-with-dashes'),
    (doc('foo') + "{ 'event': 'foo' }", 'is not UPPER_CASE'),
    (doc('Foo', 'A') + "{ 'struct': 'Foo', 'data': { 'A': 'int' } }",
     'is not lower-case-with-dashes'),
    (doc('Foo', 'has-a') + "{ 'struct': 'Foo', 'data': { 'has-a': 'int' } }",
     'is reserved'),
    (FOO + FOO, "struct 'Foo' is defined twice, first at"),
    (doc('Foo', 'a-b', 'a_b')
     + "{ 'struct': 'Foo', 'data': { 'a-b': 'int', 'a_b': 'int' } }",
     "'a_b' clashes with 'a-b'"),
    (doc('Color', 'red', 'red') and COLOR.replace("[ 'red' ]",
                                                  "[ 'red', 'red' ]"),
     "'red' clashes with 'red'"),
    # Keys
    (doc('Foo') + "{ 'struct': 'Foo' }", "lacks key 'data'"),
    (doc('Foo') + "{ 'struct': 'Foo', 'data': {}, 'x': 'y' }",
     "has unknown key 'x'"),
    (doc('Foo') + "{ 'struct': 'Foo', 'data': [] }",
     "'data' must be an object"),
    (doc('Foo') + "{ 'struct': [ 'Foo' ], 'data': {} }",
     'needs a string as name'),
    # Types
    (doc('Foo', 'a') + "{ 'struct': 'Foo', 'data': { 'a': 'Bar' } }",
     "uses unknown type 'Bar'"),
    (doc('Foo', 'a') + "{ 'struct': 'Foo', 'data': { 'a': [ 'int', 'str' ] } }",
     'an array type is one type name'),
    (doc('Foo', 'a') + "{ 'struct': 'Foo', 'data': { 'a': { 'x': 1 } } }",
     "stray '1'"),
    (doc('Foo', 'a') + "{ 'struct': 'Foo', 'data': { 'a': { 'x': 'y' } } }",
     "lacks key 'type'"),
    (doc('Foo', 'a') + "{ 'struct': 'Foo', 'data': { 'a': true } }",
     'a type must be a name'),
    (doc('Color') + "{ 'enum': 'Color', 'data': [] }", 'has no value'),
    (COLOR.replace("] }", "], 'absent': { 'blue': 'use red' } }"), None),
    (COLOR.replace("] }", "], 'absent': { 'red': 'use blue' } }"),
     "'red' is a value and 'absent'"),
    (COLOR.replace("] }", "], 'absent': [ 'blue' ] }"),
     "'absent' must be an object of texts"),
    (COLOR.replace("] }", "], 'absent': { 'red': { 'text': 'x', "
                   "'if': 'CONFIG_X' } } }"), None),
    (COLOR.replace("] }", "], 'absent': { 'red': { 'text': 'x', "
                   "'if': { 'not': 'CONFIG_X' } } } }"),
     "'red' is a value and 'absent'"),
    (COLOR.replace("] }", "], 'absent': { 'blue': { 'if': 'CONFIG_X' } } }"),
     "lacks key 'text'"),
    (doc('Foo') + "{ 'struct': 'Foo', 'base': 'Foo', 'data': {} }",
     'contains itself'),
    (COLOR + doc('Foo') + "{ 'struct': 'Foo', 'base': 'Color', 'data': {} }",
     "'base' must name a struct"),
    (FOO + doc('Bar', 'a')
     + "{ 'struct': 'Bar', 'base': 'Foo', 'data': { 'a': 'int' } }",
     "'a' clashes with 'a'"),
    (FOO + doc('Bar') + "{ 'struct': 'Bar', 'base': 'Foo', 'data': {} }",
     None),
    # Unions
    (COLOR + FOO + doc('U', 'c') + "{ 'union': 'U', 'base': { 'c': 'Color' }, "
     "'discriminator': 'c', 'data': { 'red': 'Foo' } }", None),
    (COLOR + FOO + doc('U', 'c') + "{ 'union': 'U', 'base': { 'c': 'Color' }, "
     "'discriminator': 'd', 'data': { 'red': 'Foo' } }",
     "discriminator 'd' is not a mandatory enum member"),
    (COLOR + FOO + doc('U', 'c') + "{ 'union': 'U', 'base': { '*c': 'Color' }, "
     "'discriminator': 'c', 'data': { 'red': 'Foo' } }",
     "discriminator 'c' is not a mandatory enum member"),
    (FOO + doc('U', 'c') + "{ 'union': 'U', 'base': { 'c': 'str' }, "
     "'discriminator': 'c', 'data': { 'red': 'Foo' } }",
     "discriminator 'c' is not a mandatory enum member"),
    (COLOR + FOO + doc('U', 'c') + "{ 'union': 'U', 'base': { 'c': 'Color' }, "
     "'discriminator': 'c', 'data': { 'blue': 'Foo' } }",
     "branch 'blue' is not a value of 'Color'"),
    (COLOR + FOO + doc('U', 'a', 'c') + "{ 'union': 'U', 'base': { 'c': "
     "'Color', 'a': 'int' }, 'discriminator': 'c', 'data': { 'red': 'Foo' } }",
     "'a' clashes with 'a'"),
    (COLOR + doc('U', 'c') + "{ 'union': 'U', 'base': { 'c': 'Color' }, "
     "'discriminator': 'c', 'data': { 'red': 'int' } }", 'is not a struct'),
    (COLOR + FOO + doc('U', 'c') + "{ 'union': 'U', 'base': { 'c': 'Color' }, "
     "'discriminator': 'c', 'data': { '*red': 'Foo' } }",
     "branch 'red' can't be optional"),
    (COLOR + doc('U', 'c') + "{ 'union': 'U', 'base': { 'c': 'Color' }, "
     "'discriminator': 'c', 'data': {} }", 'with a branch at least'),
    # Alternates
    (doc('A', 'i', 's') + "{ 'alternate': 'A', 'data': { 'i': 'int', "
     "'s': 'str' } }", None),
    (COLOR + doc('A', 'e', 's') + "{ 'alternate': 'A', 'data': { 'e': 'Color', "
     "'s': 'str' } }", "branches 'e' and 's' can't be told apart"),
    (doc('A', 'i', 'n') + "{ 'alternate': 'A', 'data': { 'i': 'int', "
     "'n': 'number' } }", "can't be told apart"),
    (doc('A', 'x') + "{ 'alternate': 'A', 'data': { 'x': 'any' } }",
     "can't have type 'any'"),
    # Commands and events
    (doc('foo') + "{ 'command': 'foo', 'returns': 'int' }",
     'must return a struct'),
    (FOO + doc('foo') + "{ 'command': 'foo', 'returns': [ 'Foo' ] }",
     "'Returns:' is missing"),
    (FOO + doc('foo', extra='# Returns: it\n')
     + "{ 'command': 'foo', 'returns': [ 'Foo' ] }", None),
    (doc('foo') + "{ 'command': 'foo', 'boxed': true }",
     "'boxed' needs 'data'"),
    (doc('foo', 'a') + "{ 'command': 'foo', 'boxed': true, "
     "'data': { 'a': 'int' } }", "'boxed' needs 'data' to name a type"),
    (COLOR + doc('foo') + "{ 'command': 'foo', 'data': 'Color' }",
     "'data' must be a struct"),
    (doc('foo') + "{ 'command': 'foo', 'gen': 'no' }",
     "'gen' must be a boolean"),
    (COLOR + FOO + doc('U', 'c') + "{ 'union': 'U', 'base': { 'c': 'Color' }, "
     "'discriminator': 'c', 'data': { 'red': 'Foo' } }\n" + doc('foo')
     + "{ 'command': 'foo', 'data': 'U' }", "needs 'boxed': true"),
    (doc('FOO') + "{ 'event': 'FOO', 'returns': 'int' }",
     "unknown key 'returns'"),
    # Conditionals and features
    (doc('Foo') + "{ 'struct': 'Foo', 'data': {}, 'if': 'lower' }",
     "'lower' is not a configuration symbol"),
    (doc('Foo') + "{ 'struct': 'Foo', 'data': {}, 'if': { 'all': [] } }",
     "'if' takes"),
    (doc('Foo') + "{ 'struct': 'Foo', 'data': {}, 'if': { 'xor': [ 'A' ] } }",
     "'if' takes"),
    (doc('Foo', 'a') + "{ 'struct': 'Foo', 'data': { 'a': { 'type': 'Bar', "
     "'if': 'CONFIG_NO' } } }", None),
    (doc('Foo') + "{ 'struct': 'Foo', 'data': {}, 'features': 'x' }",
     "'features' must be an array"),
    # Options
    (PRE + doc('o') + "{ 'option': 'o', 'category': 'c' }", None),
    (PRE + doc('o') + "{ 'option': 'o' }", "lacks key 'category'"),
    (PRE + doc('o') + "{ 'option': 'o', 'category': 'd' }",
     "category 'd' is not in pragma"),
    (PRE + doc('o') + "{ 'option': 'o', 'category': 'c', 'data': 'str' }",
     "'arg' must name the argument"),
    (PRE + doc('o') + "{ 'option': 'o', 'category': 'c', 'data': 'int' }",
     "'data' must be a struct"),
    (PRE + FOO + doc('o') + "{ 'option': 'o', 'category': 'c', 'data': 'Foo', "
     "'implied-key': 'b' }", "implied key 'b' is not a member"),
    (PRE + FOO + doc('o') + "{ 'option': 'o', 'category': 'c', 'data': 'Foo', "
     "'repeat': 'often' }", "'repeat' is one of"),
    (PRE + doc('o') + "{ 'option': 'o', 'category': 'c', 'repeat': 'merge' }",
     "only structs can 'merge'"),
    (PRE + doc('o') + "{ 'option': 'o', 'category': 'c' }\n" + doc('p')
     + "{ 'option': 'p', 'category': 'c', 'aliases': [ 'o' ] }",
     "alias 'o' is an option"),
    # Pragmas and files
    ("{ 'pragma': { 'x': [] } }", "unknown pragma 'x'"),
    ("{ 'pragma': { 'command-name-exceptions': {} } }", 'wrong type'),
    ("{ 'include': 'none.json' }", "can't read schema"),
    ("{ 'include': 'main.json' }", 'inclusion loop'),
    ("{ 'include': [ 'x' ] }", "'include' takes one string"),
    ("{ 'include': 'other.json' }\n", None),
    ("{ 'include': 'other.json' }\n" + doc('Foo', 'a')
     + "{ 'struct': 'Foo', 'data': { 'a': 'Other' } }", None),
    ("{ 'include': 'user.json' }\n{ 'include': 'other.json' }\n",
     "uses type 'Other' of a module that is not included"),
]

OTHER = {
    'other.json': doc('Other') + "{ 'struct': 'Other', 'data': {} }\n",
    'user.json': doc('User', 'a')
    + "{ 'struct': 'User', 'data': { 'a': 'Other' } }\n",
}

NAMES = [
    (camel_to_upper('QapiErrorClass'), 'QAPI_ERROR_CLASS'),
    (camel_to_upper('SMPConfiguration'), 'SMP_CONFIGURATION'),
    (camel_to_upper('OnOffAuto'), 'ON_OFF_AUTO'),
    (c_enum_const('RunState', 'guest-panicked'), 'RUN_STATE_GUEST_PANICKED'),
    (c_enum_const('SysEmuTarget', 'x86_64'), 'SYS_EMU_TARGET_X86_64'),
    (c_name('node-name'), 'node_name'),
    (c_name('if'), 'q_if'),
    (c_name('unix'), 'q_unix'),
    (c_name('9p'), 'q_9p'),
]


def check(text):
    with tempfile.TemporaryDirectory() as tmp:
        for name, content in {**OTHER, 'main.json': text}.items():
            with open(os.path.join(tmp, name), 'w', encoding='utf-8') as fp:
                fp.write(content)
        try:
            Schema(os.path.join(tmp, 'main.json'))
        except QAPIError as e:
            return str(e)
    return None


def main():
    print(f'1..{len(CASES) + len(NAMES)}')
    n = 0
    for text, want in CASES:
        n += 1
        got = check(text)
        ok = (want is None and got is None) or (
            want is not None and got is not None and want in got)
        print(f'{"ok" if ok else "not ok"} {n} {want or "accepted"}'
              .replace('#', ''))
        if not ok:
            print('# got: ' + str(got))
            print('# ' + text.replace('\n', '\n# '))
    for got, want in NAMES:
        n += 1
        print(f'{"ok" if got == want else "not ok"} {n} {want} (got {got})')


main()
