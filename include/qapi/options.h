/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line, from the schema.
 *
 * qapi/options.json describes the options; the generated qapi-options.h has
 * their ids and table, qapi-options-apply.h the prototypes of the functions
 * that act on them (cli_option_smp() and so on, written by hand in system/).
 *
 * Life cycle: cli_parse() turns argv into a CliOptions, reading each value's
 * text or JSON but not acting on it. cli_check() converts every value once to
 * find mistakes before anything has been done. Then the caller walks through
 * its phases: cli_apply(opts, CLI_OPTION_OBJECT, ...) runs the function of all
 * occurrences of an option in the order given. Nothing here exits or prints,
 * but for the help functions. Main thread only.
 */
#ifndef QAPI_OPTIONS_H
#define QAPI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "qapi/visitor.h"

typedef enum CliKind {
    CLI_FLAG,       /* -S */
    CLI_STRING,     /* -kernel FILE */
    CLI_ENUM,       /* -vga none */
    CLI_STRUCT,     /* -smp cpus=2 or -smp '{"cpus":2}': a type of the schema */
    CLI_TREE,       /* -device ...: keys that only the object knows */
    CLI_ABSENT,     /* left out of NEMU on purpose */
} CliKind;

typedef enum CliRepeat {
    CLI_LAST,       /* the last one counts */
    CLI_LIST,       /* each one counts */
    CLI_MERGE,      /* keys of all are put together, later ones win */
} CliRepeat;

enum {
    CLI_BARE    = 1u << 0,  /* "foo" means foo=on, "nofoo" foo=off */
    CLI_MULTI   = 1u << 1,  /* a key given again makes a list */
    CLI_HAS_ARG = 1u << 2,  /* CLI_ABSENT: takes an argument */
    CLI_MIXED   = 1u << 3,  /* a key has a value and members: KEYVAL_MIXED */
};

typedef struct CliOption {
    const char *name;
    const char *group;          /* its name in configuration files; NULL: @name */
    uint8_t kind;               /* CliKind */
    uint8_t repeat;             /* CliRepeat */
    uint8_t flags;
    uint8_t category;
    const char *implied_key;    /* key of a first value without "=" */
    const char *help;           /* usage and text, ready to print */
    const char *detail;         /* CLI_STRUCT: what "-foo help" prints */
    const char *absent;         /* CLI_ABSENT: why, and what to use instead;
                                 * others: what errors of the value add */
    const QEnumLookup *values;  /* CLI_ENUM */
    bool (*check)(Visitor *v, struct Error **errp);     /* CLI_STRUCT */
} CliOption;

typedef struct CliAlias {
    const char *name;
    int id;
} CliAlias;

typedef struct CliTable {
    const CliOption *options;   /* by id */
    int count;
    const CliAlias *aliases;    /* ends with a NULL name */
    const char *const *categories;  /* titles */
    int category_count;
} CliTable;

/* An occurrence of an option; of a merged option, all together. */
typedef struct CliItem {
    int id;                     /* CliOptionId */
    char *text;                 /* the argument as given; NULL: a flag */
    struct json_object *tree;   /* CLI_STRUCT, CLI_TREE: an object */
    bool json;                  /* @tree came from JSON: types are strict */
    bool help;                  /* "help" or "?" is among the keys */
    int value;                  /* CLI_ENUM */
} CliItem;

typedef struct CliOptions CliOptions;

/* cli_new: no options yet. */
CliOptions *cli_new(const CliTable *table);
void cli_free(CliOptions *opts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CliOptions, cli_free)

/*
 * cli_parse: read @argv[1] .. @argv[@argc - 1]; options start with one dash
 * or two. Errors name the option and the closest one there is.
 */
bool cli_parse(CliOptions *opts, int argc, char *const *argv,
               struct Error **errp);

/* cli_add: as if "-@name @arg" stood at the end; @arg is NULL for a flag. */
bool cli_add(CliOptions *opts, const char *name, const char *arg,
             struct Error **errp);

/*
 * cli_read_config: the text of a -readconfig file: sections
 *     [option "id"]
 *       key = "value"
 * each of which is an occurrence of that option. @fname is for errors.
 */
bool cli_read_config(CliOptions *opts, const char *fname, const char *text,
                     struct Error **errp);

/*
 * cli_set: -set: @text is "option.id.key=value"; the key of the occurrence of
 * that option with that id gets the value.
 */
bool cli_set(CliOptions *opts, const char *text, struct Error **errp);

/* cli_find: id of the option called @name, or -1 with an error. */
int cli_find(const CliOptions *opts, const char *name, struct Error **errp);

/* cli_section_option: name of the option that a section of a configuration file
 * is about: [memory] is -m. Most are called as the option is. */
const char *cli_section_option(const CliOptions *opts, const char *section);

/* cli_count, cli_get: the occurrences of an option; @n below the count.
 * cli_given: whether there is one. */
size_t cli_count(const CliOptions *opts, int id);
const CliItem *cli_get(const CliOptions *opts, int id, size_t n);
bool cli_given(const CliOptions *opts, int id);

/* cli_text: argument of the last occurrence of a string option, or NULL. */
const char *cli_text(const CliOptions *opts, int id);

/* cli_total, cli_nth: all occurrences in the order given. */
size_t cli_total(const CliOptions *opts);
const CliItem *cli_nth(const CliOptions *opts, size_t n);

/* cli_check: convert every value of a CLI_STRUCT option without acting. Items
 * that ask for help are passed over. */
bool cli_check(const CliOptions *opts, struct Error **errp);

/* A generated function that converts an item and acts on it. */
typedef bool CliApplyFn(const CliItem *item, struct Error **errp);

/* cli_apply: act on all occurrences of @id, in order, to the first error.
 * @apply is the generated table. */
bool cli_apply(const CliOptions *opts, CliApplyFn *const *apply, int id,
               struct Error **errp);

/* cli_item_visitor: an input visitor of the item's tree; visit_free() it. */
Visitor *cli_item_visitor(const CliItem *item);

/* cli_print_help: the usage line and all options, as --help prints them. */
void cli_print_help(const CliTable *table, const char *progname, FILE *out);

/* cli_print_option_help: the keys of an option, as "-foo help" prints them. */
void cli_print_option_help(const CliTable *table, int id, FILE *out);

#endif
