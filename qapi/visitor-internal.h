/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kind of visitor implements; see include/qapi/visitor.h. */
#ifndef QAPI_VISITOR_INTERNAL_H
#define QAPI_VISITOR_INTERNAL_H

#include "qapi/visitor.h"

typedef struct Error Error;

typedef enum VisitorKind {
    VISITOR_INPUT,
    VISITOR_OUTPUT,
    VISITOR_DEALLOC,
} VisitorKind;

typedef struct VisitorOps {
    VisitorKind kind;
    void (*free)(Visitor *v);
    bool (*start_struct)(Visitor *v, const char *name, Error **errp);
    bool (*check_struct)(Visitor *v, Error **errp);
    bool (*start_list)(Visitor *v, const char *name, Error **errp);
    bool (*next_list)(Visitor *v);
    /* What is visited next with a NULL name is the value itself. */
    bool (*start_alternate)(Visitor *v, const char *name, unsigned kinds,
                            QapiKind *kind, Error **errp);
    void (*end)(Visitor *v);
    void (*optional)(Visitor *v, const char *name, bool *present);
    bool (*type_int)(Visitor *v, const char *name, int64_t *obj, int64_t min,
                     int64_t max, Error **errp);
    bool (*type_uint)(Visitor *v, const char *name, uint64_t *obj,
                      uint64_t max, bool is_size, Error **errp);
    bool (*type_bool)(Visitor *v, const char *name, bool *obj, Error **errp);
    bool (*type_str)(Visitor *v, const char *name, char **obj, Error **errp);
    bool (*type_number)(Visitor *v, const char *name, double *obj,
                        Error **errp);
    bool (*type_any)(Visitor *v, const char *name, struct json_object **obj,
                     Error **errp);
    bool (*type_null)(Visitor *v, const char *name, Error **errp);
    bool (*type_enum)(Visitor *v, const char *name, int *obj,
                      const QEnumLookup *lookup, Error **errp);
} VisitorOps;

struct Visitor {
    const VisitorOps *ops;
};

#endif
