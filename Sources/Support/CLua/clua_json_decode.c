#include "clua_json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum {
    OBJECT_BEGIN, OBJECT_END, ARRAY_BEGIN, ARRAY_END, STRING, NUMBER, BOOLEAN, NOTHING, COLON, COMMA, END, FAILURE,
} token_kind;

// As failures call them.
static const char *const token_names[] = {
    "T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END", "T_STRING", "T_NUMBER", "T_BOOLEAN", "T_NULL", "T_COLON",
    "T_COMMA", "T_END",
};

typedef struct {
    lua_State *lua;
    const json_settings *settings;
    // Ends with a zero byte behind `count`, as strings of Lua do.
    const char *text;
    size_t count, place;
    int depth;

    token_kind kind;
    // Where it begins, from 0.
    size_t begin;
    double number;
    bool boolean;
    const char *failure;
} reader;

static void fail(reader *reader, size_t place, const char *failure) {
    reader->kind = FAILURE;
    reader->begin = place;
    reader->failure = failure;
}

static int expected(reader *reader, const char *what) {
    const char *found = reader->kind == FAILURE ? reader->failure : token_names[reader->kind];
    return luaL_error(
        reader->lua, "Expected %s but found %s at character %d", what, found, (int)reader->begin + 1);
}

// MARK: tokens

// Four hexadecimal digits, or -1.
static int code_unit(const char *text) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char digit = text[i];
        int number;
        if (digit >= '0' && digit <= '9') {
            number = digit - '0';
        } else if ((digit | 32) >= 'a' && (digit | 32) <= 'f') {
            number = (digit | 32) - 'a' + 10;
        } else {
            return -1;
        }
        value = value * 16 + number;
    }
    return value;
}

static void append_utf8(clua_buffer *output, int code) {
    if (code < 0x80) {
        clua_append_byte(output, (char)code);
    } else if (code < 0x800) {
        clua_append_byte(output, (char)(0xc0 | code >> 6));
        clua_append_byte(output, (char)(0x80 | (code & 63)));
    } else if (code < 0x10000) {
        clua_append_byte(output, (char)(0xe0 | code >> 12));
        clua_append_byte(output, (char)(0x80 | (code >> 6 & 63)));
        clua_append_byte(output, (char)(0x80 | (code & 63)));
    } else {
        clua_append_byte(output, (char)(0xf0 | code >> 18));
        clua_append_byte(output, (char)(0x80 | (code >> 12 & 63)));
        clua_append_byte(output, (char)(0x80 | (code >> 6 & 63)));
        clua_append_byte(output, (char)(0x80 | (code & 63)));
    }
}

static const char escapes[] = "\"\\/bfnrtu";

// A code point at `\u`, surrogates taken together; returns the bytes it takes, 0 where it is none.
static size_t read_code(const char *text, int *code) {
    *code = code_unit(text + 2);
    if (*code < 0 || (*code & 0xfc00) == 0xdc00) return 0;
    if ((*code & 0xfc00) != 0xd800) return 6;
    if (text[6] != '\\' || text[7] != 'u') return 0;
    int low = code_unit(text + 8);
    if (low < 0 || (low & 0xfc00) != 0xdc00) return 0;
    *code = 0x10000 + ((*code & 0x3ff) << 10 | (low & 0x3ff));
    return 12;
}

static void read_string(reader *reader) {
    clua_buffer *output = &clua_of(reader->lua)->scratch;
    clua_clear(output);
    const char *text = reader->text;
    size_t place = reader->place + 1;
    while (text[place] != '"') {
        if (text[place] == 0) return fail(reader, place, "unexpected end of string");
        if (text[place] != '\\') {
            clua_append_byte(output, text[place++]);
            continue;
        }
        const char *escape = text[place + 1] == 0 ? NULL : strchr(escapes, text[place + 1]);
        if (escape == NULL) return fail(reader, place, "invalid escape code");
        if (*escape == 'u') {
            int code;
            size_t length = read_code(text + place, &code);
            if (length == 0) return fail(reader, place, "invalid unicode escape code");
            append_utf8(output, code);
            place += length;
        } else {
            clua_append_byte(output, "\"\\/\b\f\n\r\t"[escape - escapes]);
            place += 2;
        }
    }
    reader->place = place + 1;
    reader->kind = STRING;
}

// What C reads as a number and JSON does not.
static bool is_invalid_number(const char *text) {
    if (*text == '+') return true;
    if (*text == '-') text++;
    if (*text == '0') return (text[1] | 32) == 'x' || (text[1] >= '0' && text[1] <= '9');
    if (*text <= '9') return false;
    return strncasecmp(text, "inf", 3) == 0 || strncasecmp(text, "nan", 3) == 0;
}

static void read_number(reader *reader) {
    const char *text = reader->text + reader->place;
    char *end;
    reader->number = strtod(text, &end);
    if (end == text) return fail(reader, reader->place, "invalid number");
    reader->kind = NUMBER;
    reader->place += (size_t)(end - text);
}

static bool takes_word(reader *reader, const char *word, token_kind kind) {
    size_t count = strlen(word);
    if (strncmp(reader->text + reader->place, word, count) != 0) return false;
    reader->place += count;
    reader->kind = kind;
    reader->boolean = word[0] == 't';
    return true;
}

static void next(reader *reader) {
    const char *text = reader->text;
    while (text[reader->place] != 0 && strchr(" \t\n\r", text[reader->place]) != NULL) reader->place++;
    reader->begin = reader->place;
    char byte = text[reader->place];
    if (byte == 0) {
        reader->kind = END;
        return;
    }
    static const char marks[] = "{}[]:,";
    const char *mark = strchr(marks, byte);
    if (mark != NULL) {
        static const token_kind kinds[] = {OBJECT_BEGIN, OBJECT_END, ARRAY_BEGIN, ARRAY_END, COLON, COMMA};
        reader->kind = kinds[mark - marks];
        reader->place++;
    } else if (byte == '"') {
        read_string(reader);
    } else if (byte == '-' || (byte >= '0' && byte <= '9')) {
        if (!reader->settings->decodes_invalid && is_invalid_number(text + reader->place)) {
            return fail(reader, reader->place, "invalid number");
        }
        read_number(reader);
    } else if (
        !takes_word(reader, "true", BOOLEAN) && !takes_word(reader, "false", BOOLEAN)
        && !takes_word(reader, "null", NOTHING)) {
        bool may_be_number = strchr("+iInN", byte) != NULL && is_invalid_number(text + reader->place);
        if (!reader->settings->decodes_invalid || !may_be_number) {
            return fail(reader, reader->place, "invalid token");
        }
        read_number(reader);
    }
}

// MARK: values

static void push_value(reader *reader);

static void push_string(reader *reader) { clua_push_scratch(reader->lua); }

static void enter(reader *reader) {
    reader->depth++;
    if (reader->depth <= reader->settings->decode_depth && lua_checkstack(reader->lua, 6)) return;
    luaL_error(
        reader->lua, "Found too many nested data structures (%d) at character %d", reader->depth,
        (int)reader->place);
}

static void push_object(reader *reader) {
    enter(reader);
    lua_newtable(reader->lua);
    next(reader);
    while (reader->kind != OBJECT_END) {
        if (reader->kind != STRING) expected(reader, "object key string");
        push_string(reader);
        next(reader);
        if (reader->kind != COLON) expected(reader, "colon");
        next(reader);
        push_value(reader);
        lua_rawset(reader->lua, -3);
        next(reader);
        if (reader->kind == OBJECT_END) break;
        if (reader->kind != COMMA) expected(reader, "comma or object end");
        next(reader);
        if (reader->kind == OBJECT_END) expected(reader, "object key string");
    }
    reader->depth--;
}

static void push_array(reader *reader) {
    enter(reader);
    lua_newtable(reader->lua);
    next(reader);
    for (int i = 1; i > 1 || reader->kind != ARRAY_END; i++) {
        push_value(reader);
        lua_rawseti(reader->lua, -2, i);
        next(reader);
        if (reader->kind == ARRAY_END) break;
        if (reader->kind != COMMA) expected(reader, "comma or array end");
        next(reader);
    }
    reader->depth--;
}

static void push_value(reader *reader) {
    lua_State *lua = reader->lua;
    switch (reader->kind) {
    case STRING: return push_string(reader);
    case NUMBER: return lua_pushnumber(lua, reader->number);
    case BOOLEAN: return lua_pushboolean(lua, reader->boolean);
    case NOTHING: return lua_pushlightuserdata(lua, NULL);
    case OBJECT_BEGIN: return push_object(reader);
    case ARRAY_BEGIN: return push_array(reader);
    default: expected(reader, "value");
    }
}

int clua_json_decode(lua_State *lua) {
    luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
    reader reader = {.lua = lua, .settings = lua_touserdata(lua, lua_upvalueindex(1))};
    reader.text = luaL_checklstring(lua, 1, &reader.count);
    if (reader.count >= 2 && (reader.text[0] == 0 || reader.text[1] == 0)) {
        return luaL_error(lua, "JSON parser does not support UTF-16 or UTF-32");
    }
    next(&reader);
    push_value(&reader);
    next(&reader);
    if (reader.kind != END) return expected(&reader, "the end");
    return 1;
}
