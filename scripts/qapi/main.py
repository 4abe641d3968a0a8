# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line of the schema compiler."""

import argparse
import os
import re
import sys

from . import (gen_commands, gen_doc, gen_events, gen_introspect, gen_options,
               gen_types, gen_visit)
from .common import QAPIError
from .schema import Schema


def read_config(path):
    """Symbols that a config-host.h defines (to something other than 0)."""
    if not path:
        return frozenset()
    with open(path, encoding='utf-8') as fp:
        found = re.findall(r'^#define[ \t]+(\w+)[ \t]*(.*)$', fp.read(), re.M)
    return frozenset(name for name, val in found if val.strip() != '0')


def generate(schema, prefix):
    files = {}
    if not prefix:
        files.update(gen_types.gen_module(schema, None, 'builtin', prefix))
        files.update(gen_visit.gen_module(schema, None, 'builtin', prefix))
    for module in schema.modules:
        files.update(gen_types.gen_module(schema, module, module.name, prefix))
        files.update(gen_visit.gen_module(schema, module, module.name, prefix))
        files.update(gen_commands.gen_module(schema, module, prefix))
        files.update(gen_events.gen_module(schema, module, prefix))
    files.update(gen_commands.gen_table(schema, prefix))
    files.update(gen_events.gen_ids(schema, prefix))
    files.update(gen_introspect.generate(schema, prefix))
    files.update(gen_options.generate(schema, prefix))
    files.update(gen_doc.generate(schema, prefix))
    return files


def write_if_changed(path, text):
    """A file that stays as it was does not make its users compile again:
    ninja looks at the time of change (restat)."""
    try:
        with open(path, encoding='utf-8') as fp:
            if fp.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(path, 'w', encoding='utf-8') as fp:
        fp.write(text)


def main(argv):
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('-o', '--output-dir', help='where to write the files; '
                    'without it the schema is only checked')
    ap.add_argument('-p', '--prefix', default='',
                    help='put in front of the names of files and tables; '
                    'the built-in types are then left out')
    ap.add_argument('-c', '--config', help="config-host.h for 'if'")
    ap.add_argument('--list', action='store_true',
                    help='print the names of the output files')
    ap.add_argument('schema')
    args = ap.parse_args(argv)
    try:
        schema = Schema(args.schema, read_config(args.config))
        files = generate(schema, args.prefix)
    except QAPIError as e:
        print(e, file=sys.stderr)
        return 1
    if args.list:
        print('\n'.join(files))
    if args.output_dir:
        for name, text in files.items():
            write_if_changed(os.path.join(args.output_dir, name), text)
    return 0
