# SPDX-License-Identifier: GPL-2.0-or-later
"""Text of a schema file -> list of expressions, each with its doc comment."""

import os
import re

from .common import Info, QAPIError

TOKEN_RE = re.compile(r'''
      (?P<space>[ \t]+)
    | (?P<newline>\n)
    | (?P<comment>\#[^\n]*)
    | (?P<punct>[{}\[\]:,])
    | '(?P<string>[^'\n]*)'
    | (?P<word>true|false)\b
    ''', re.VERBOSE)

STRING_RE = re.compile(r'[ -~]*\Z')
SECTION_RE = re.compile(r'(Returns|Since|Note|Notes|Example|Examples|TODO):'
                        r'(?:\s|\Z)')
ARG_RE = re.compile(r'@([\w.-]+):(?:\s+|\Z)(.*)')


class Doc:
    """A ## comment, cut into its sections."""

    def __init__(self, info, module=None):
        self.info = info
        self.module = module
        self.symbol = None
        self.body = ''
        self.args = {}          # member or enum value -> text
        self.features = {}      # feature -> text
        self.sections = []      # (title, text)

    def section(self, title):
        return next((t for name, t in self.sections if name == title), None)


class DocParser:
    """Builds a Doc from the lines between two ## markers."""

    def __init__(self, lines, info, module=None):
        self.doc = Doc(info, module)
        self.lines = lines
        self.in_features = False
        self.sink = None        # (function that stores, collected lines)

    def flush(self):
        if self.sink:
            store, lines = self.sink
            store(dedent(lines))
        self.sink = None

    def start(self, store, first=''):
        self.flush()
        self.sink = (store, [first])

    def start_arg(self, name, first, info):
        table = self.doc.features if self.in_features else self.doc.args
        self.flush()
        if name in table:
            raise QAPIError(info, f"'@{name}:' is described twice")

        def store(text):
            if not text:
                raise QAPIError(info, f"'@{name}:' has no text")
            table[name] = text
        self.start(store, first)

    def start_section(self, title, first, info):
        self.in_features = False

        def store(text):
            if not text:
                raise QAPIError(info, f"section '{title}:' is empty")
            self.doc.sections.append((title, text))
        self.start(store, first)

    def feed(self, line, info):
        match = ARG_RE.match(line)
        if match:
            if self.doc.symbol is None and not self.doc.body:
                self.doc.symbol = match[1]
                if match[2]:
                    raise QAPIError(info, "text must start on its own line")
                self.start(lambda text: setattr(self.doc, 'body', text))
            elif self.doc.symbol is None:
                raise QAPIError(info, "free-form comments have no '@name:'")
            else:
                self.start_arg(match[1], match[2], info)
            return
        if line == 'Features:' and self.doc.symbol:
            self.flush()
            self.in_features = True
            return
        match = SECTION_RE.match(line)
        if match and self.doc.symbol:
            self.start_section(match[1], line[match.end(1) + 1:].strip(), info)
            return
        if self.sink is None:
            if not line:
                return
            if self.doc.symbol:
                raise QAPIError(info, 'text outside of a section')
            self.start(lambda text: setattr(self.doc, 'body', text), line)
            return
        self.sink[1].append(line)

    def run(self):
        for i, line in enumerate(self.lines):
            info = Info(self.doc.info.fname, self.doc.info.line + 1 + i)
            if line and not line.startswith(' '):
                raise QAPIError(info, "expected a space after '#'")
            self.feed(line[1:].rstrip(), info)
        self.flush()
        return self.doc


def dedent(lines):
    """Join lines; those after the first lose their common indentation."""
    rest = [line for line in lines[1:] if line.strip()]
    margin = min((len(x) - len(x.lstrip()) for x in rest), default=0)
    return '\n'.join([lines[0].strip()]
                     + [line[margin:] for line in lines[1:]]).strip()


class Expr:
    """A top-level expression: its keys and where it stands."""

    def __init__(self, data, info, doc, module):
        self.data = data
        self.info = info
        self.doc = doc
        self.module = module


class Parser:
    """Reads one file; `items` is a mixture of Expr and free-form Doc."""

    def __init__(self, fname, module):
        self.fname = fname
        self.module = module
        self.items = []
        self.line = 1
        self.pos = 0
        try:
            with open(fname, encoding='utf-8') as fp:
                self.src = fp.read()
        except OSError as e:
            raise QAPIError(None, f"can't read schema '{fname}': "
                            f'{e.strerror}') from e
        if not self.src.endswith('\n'):
            self.src += '\n'
        self.tok = self.val = None
        self.tok_info = None
        self.pending = []       # doc comments before the next token
        self.parse()

    def info(self):
        return Info(self.fname, self.line)

    def advance(self):
        """Step to the next token; doc comments end up in `pending`."""
        while self.pos < len(self.src):
            match = TOKEN_RE.match(self.src, self.pos)
            if not match:
                raise QAPIError(self.info(), 'stray '
                                f"'{self.src[self.pos]}'")
            kind = match.lastgroup
            if kind == 'comment':
                if match[0].startswith('##'):
                    self.read_doc()
                    continue
            elif kind == 'newline':
                self.line += 1
            elif kind != 'space':
                self.tok_info = self.info()
                self.pos = match.end()
                self.tok, self.val = kind, match[kind]
                if kind == 'string' and not STRING_RE.match(self.val):
                    raise QAPIError(self.tok_info,
                                    'strings hold printable ASCII only')
                return
            self.pos = match.end()
        self.tok, self.val, self.tok_info = 'end', None, self.info()

    def read_doc(self):
        info = self.info()
        lines = self.src[self.pos:].split('\n')
        if lines[0] != '##':
            raise QAPIError(info, "junk after '##'")
        body = []
        for line in lines[1:]:
            if line == '##':
                break
            if not line.startswith('#'):
                raise QAPIError(info, "comment is not closed by '##'")
            body.append(line[1:])
        else:
            raise QAPIError(info, "comment is not closed by '##'")
        used = 2 + len(body)
        self.pos += sum(len(x) + 1 for x in lines[:used])
        self.line += used
        self.pending.append(DocParser(body, info, self.module).run())

    def parse(self):
        self.advance()
        while self.tok != 'end':
            doc = self.take_doc()
            info = self.tok_info
            data = self.value()
            if not isinstance(data, dict):
                raise QAPIError(info, 'a definition must be an object')
            self.items.append(Expr(data, info, doc, self.module))
        if self.take_doc():
            raise QAPIError(self.info(), 'comment at the end of the file is '
                            'not followed by its definition')

    def take_doc(self):
        """The comment of the next definition; free text becomes items."""
        docs, self.pending = self.pending, []
        for i, doc in enumerate(docs):
            if not doc.symbol:
                self.items.append(doc)
            elif i == len(docs) - 1:
                return doc
            else:
                raise QAPIError(doc.info, 'comment is not followed by its '
                                'definition')
        return None

    def is_punct(self, char):
        return self.tok == 'punct' and self.val == char

    def expect(self, char):
        if not self.is_punct(char):
            raise QAPIError(self.tok_info, f"expected '{char}'")
        self.advance()

    def value(self):
        tok, val = self.tok, self.val
        if tok == 'string':
            self.advance()
            return val
        if tok == 'word':
            self.advance()
            return val == 'true'
        if self.is_punct('{'):
            return self.members()
        if self.is_punct('['):
            return self.elements()
        raise QAPIError(self.tok_info, "expected '{', '[', string or boolean")

    def members(self):
        result = {}
        self.advance()
        if self.is_punct('}'):
            self.advance()
            return result
        while True:
            if self.tok != 'string':
                raise QAPIError(self.tok_info, 'expected a string as key')
            key, info = self.val, self.tok_info
            self.advance()
            self.expect(':')
            if key in result:
                raise QAPIError(info, f"key '{key}' is given twice")
            result[key] = self.value()
            if self.is_punct('}'):
                self.advance()
                return result
            self.expect(',')

    def elements(self):
        result = []
        self.advance()
        if self.is_punct(']'):
            self.advance()
            return result
        while True:
            result.append(self.value())
            if self.is_punct(']'):
                self.advance()
                return result
            self.expect(',')


class Module:
    """One file: its name, and the modules whose types it may use."""

    def __init__(self, name):
        self.name = name
        self.includes = []

    def reaches(self, other):
        return other is self or any(m.reaches(other) for m in self.includes)


def parse_tree(fname):
    """Read @fname and all it includes, each file once. Returns (items in
    order, modules in order); an include cycle is an error."""
    modules = {}
    items = []

    def load(path, info, stack):
        real = os.path.abspath(path)
        if real in stack:
            raise QAPIError(info, f"inclusion loop for '{path}'")
        if real in modules:
            return modules[real]
        module = Module(os.path.splitext(os.path.basename(path))[0])
        own = []
        for item in Parser(path, module).items:
            if isinstance(item, Expr) and 'include' in item.data:
                target = item.data['include']
                if len(item.data) != 1 or not isinstance(target, str):
                    raise QAPIError(item.info, "'include' takes one string "
                                    'and no other key')
                module.includes.append(
                    load(os.path.join(os.path.dirname(path), target),
                         item.info, stack + [real]))
            else:
                own.append(item)
        modules[real] = module
        items.extend(own)
        return module

    load(fname, None, [])
    return items, list(modules.values())
