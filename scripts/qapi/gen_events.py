# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-events-MODULE.h/.c: a function to send each event; qapi-event-ids.h:
the enum of all events."""

from .common import Writer, c_name
from .gen_commands import gen_params


def event_const(event, prefix):
    return f'{c_name(prefix).upper() if prefix else ""}QAPI_EVENT_{event.name}'


def gen_signature(event):
    params = ', '.join(gen_params(event.arg, event.boxed)) or 'void'
    return f'void qapi_event_send_{event.c_name().lower()}({params})'


def gen_send(event, prefix):
    const = event_const(event, prefix)
    text = gen_signature(event) + '\n{\n'
    if not event.arg:
        return text + (f'    qapi_event_emit({const}, "{event.name}", NULL);\n'
                       '}\n\n')
    if event.boxed:
        setup, target = '', 'arg'
    else:
        fields = ''
        for m in event.arg.members():
            if m.needs_has():
                fields += f'        .has_{m.c_name()} = has_{m.c_name()},\n'
            cast = '(char *)' if m.type.name == 'str' else ''
            fields += f'        .{m.c_name()} = {cast}{m.c_name()},\n'
        setup = (f'    {event.arg.c_name()} param = {{\n{fields}    }};\n\n')
        target = '&param'
    return (text + setup + '    if (qapi_event_wanted()) {\n'
            f'        qapi_event_emit({const}, "{event.name}",\n'
            f'            qapi_output_args({target}, '
            f'visit_type_{event.arg.c_name()}_members));\n    }}\n}}\n\n')


def gen_module(schema, module, prefix):
    events = [e for e in schema.events.values() if e.module is module]
    hdr = f'{prefix}qapi-events-{module.name}.h'
    out = Writer(f'Events of module {module.name}', f'QAPI/{hdr}')
    out.add(f'#include "qapi/{prefix}qapi-types-{module.name}.h"\n\n')
    src = Writer(f'Events of module {module.name}')
    src.add(f'#include "util/osdep.h"\n#include "qapi/{hdr}"\n'
            f'#include "qapi/{prefix}qapi-event-ids.h"\n'
            f'#include "qapi/{prefix}qapi-visit-{module.name}.h"\n'
            '#include "qapi/events.h"\n\n')
    for event in events:
        out.add(gen_signature(event) + ';\n')
        src.add(gen_send(event, prefix))
    return {hdr: out.text(), hdr[:-1] + 'c': src.text()}


def gen_ids(schema, prefix):
    """Ids in schema order; names are those of the wire."""
    hdr = f'{prefix}qapi-event-ids.h'
    ident = c_name(prefix) if prefix else ''
    out = Writer('All events', f'QAPI/{hdr}')
    out.add('#include "qapi/qapi-types.h"\n\n'
            f'typedef enum {ident}QAPIEvent {{\n')
    for event in schema.events.values():
        out.add(f'    {event_const(event, prefix)},\n')
    out.add(f'    {ident.upper()}QAPI_EVENT__MAX,\n}} {ident}QAPIEvent;\n\n'
            f'extern const QEnumLookup {ident}QAPIEvent_lookup;\n')
    src = Writer('All events')
    names = '\n'.join(f'        "{e.name}\\0"' for e in schema.events.values())
    src.add(f'#include "util/osdep.h"\n#include "qapi/{hdr}"\n\n'
            f'const QEnumLookup {ident}QAPIEvent_lookup = {{\n'
            f'    .names =\n{names or "        " + chr(34) * 2},\n'
            f'    .size = {ident.upper()}QAPI_EVENT__MAX,\n}};\n')
    return {hdr: out.text(), hdr[:-1] + 'c': src.text()}
