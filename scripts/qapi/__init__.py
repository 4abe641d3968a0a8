# SPDX-License-Identifier: GPL-2.0-or-later
"""Compiler of the QAPI schema: C types, visitors, commands, events, the
introspection blob, the command line table and the reference manual.

docs/devel/qapi.rst describes the language. One pass:

    parser.py    text -> expressions with their doc comments
    schema.py    expressions -> checked entities, conditionals resolved
    gen_*.py     entities -> one kind of output each
    main.py      command line, writes the files
"""
