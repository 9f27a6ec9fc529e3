#include "clua_engine.h"

#include <ctype.h>
#include <string.h>

// Libraries of functions. While a library is loaded it finds little more than `redis.register_function`; its functions
// find everything later. Both is the same environment, whose metatable looks into one table or the other.

// In the registry: what a library finds while it is loaded, and what its functions find.
static char loading_key, running_key;

// In the order of `Shebang.Flags`.
static const char *const flag_names[] = {
    "no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys",
};

// MARK: what is registered

typedef struct {
    const char *name, *description;
    size_t name_count, description_count;
    int callback;
    uint8_t flags;
} function;

static void read_flags(lua_State *lua, int index, function *function) {
    if (!lua_istable(lua, index)) {
        clua_fail(lua, "flags argument to redis.register_function must be a table representing function flags");
    }
    for (int i = 1;; i++) {
        lua_rawgeti(lua, index, i);
        if (lua_isnil(lua, -1)) break;
        bool is_known = false;
        for (size_t flag = 0; flag < sizeof flag_names / sizeof flag_names[0]; flag++) {
            if (lua_type(lua, -1) != LUA_TSTRING || strcmp(lua_tostring(lua, -1), flag_names[flag]) != 0) continue;
            function->flags |= (uint8_t)(1 << flag);
            is_known = true;
        }
        if (!is_known) clua_fail(lua, "unknown flag given");
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
}

// The text of the value on top, which stays on the stack.
static const char *text_of(lua_State *lua, size_t *count, const char *otherwise) {
    const char *text = lua_tolstring(lua, -1, count);
    if (text == NULL) clua_fail(lua, otherwise);
    return text;
}

// Arguments by name. What is found stays on the stack.
static function read_table(lua_State *lua) {
    function function = {0};
    lua_pushnil(lua);
    while (lua_next(lua, 1)) {
        luaL_checkstack(lua, 6, NULL);
        const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "";
        if (strcmp(name, "function_name") == 0) {
            function.name = text_of(
                lua, &function.name_count, "function_name argument given to redis.register_function must be a string");
        } else if (strcmp(name, "description") == 0) {
            function.description = text_of(
                lua, &function.description_count,
                "description argument given to redis.register_function must be a string");
        } else if (strcmp(name, "callback") == 0) {
            if (!lua_isfunction(lua, -1)) {
                clua_fail(lua, "callback argument given to redis.register_function must be a function");
            }
            function.callback = lua_gettop(lua);
        } else if (strcmp(name, "flags") == 0) {
            read_flags(lua, lua_gettop(lua), &function);
        } else {
            clua_fail(lua, "unknown argument given to redis.register_function");
        }
        // The key goes on top again, the value stays below.
        lua_pushvalue(lua, -2);
        lua_remove(lua, -3);
    }
    if (function.callback > 0) function.callback--;
    return function;
}

static function read_arguments(lua_State *lua) {
    int count = lua_gettop(lua);
    if (count < 1 || count > 2) clua_fail(lua, "wrong number of arguments to redis.register_function");
    function function = {0};
    if (count == 1) {
        if (!lua_istable(lua, 1)) {
            clua_fail(
                lua, "calling redis.register_function with a single argument is only applicable to Lua table "
                "(representing named arguments).");
        }
        function = read_table(lua);
        if (function.name == NULL) clua_fail(lua, "redis.register_function must get a function name argument");
        if (function.callback == 0) clua_fail(lua, "redis.register_function must get a callback argument");
        return function;
    }
    function.name = lua_tolstring(lua, 1, &function.name_count);
    if (function.name == NULL) clua_fail(lua, "first argument to redis.register_function must be a string");
    if (!lua_isfunction(lua, 2)) clua_fail(lua, "second argument to redis.register_function must be a function");
    function.callback = 2;
    return function;
}

static void append_word(clua_buffer *output, const char *text, size_t count) {
    uint32_t size = (uint32_t)count;
    clua_append(output, &size, sizeof size);
    clua_append(output, text, count);
}

// Keeps a function under the library's prefix and its name, and notes it in the output: flags, whether there is a
// description, name, description.
static int register_function(lua_State *lua) {
    clua_engine *engine = clua_of(lua);
    function function = read_arguments(lua);
    bool is_name = function.name_count > 0;
    for (size_t i = 0; i < function.name_count; i++) {
        unsigned char byte = (unsigned char)function.name[i];
        is_name = is_name && byte < 128 && (isalnum(byte) || byte == '_');
    }
    if (!is_name) {
        clua_fail(
            lua, "Library names can only contain letters, numbers, or underscores(_) and must be at least one "
            "character long");
    }
    luaL_checkstack(lua, 6, NULL);
    clua_push_kept(lua);
    lua_pushlstring(lua, (const char *)engine->prefix.start, engine->prefix.count);
    lua_pushlstring(lua, function.name, function.name_count);
    lua_concat(lua, 2);
    lua_pushvalue(lua, -1);
    lua_rawget(lua, -3);
    if (!lua_isnil(lua, -1)) clua_fail(lua, "Function already exists in the library");
    lua_pop(lua, 1);
    lua_pushvalue(lua, function.callback);
    lua_rawset(lua, -3);
    clua_append_byte(&engine->output, (char)function.flags);
    clua_append_byte(&engine->output, function.description != NULL);
    append_word(&engine->output, function.name, function.name_count);
    append_word(&engine->output, function.description, function.description_count);
    return 0;
}

// MARK: environments

void clua_open_loading(lua_State *lua) {
    lua_newtable(lua);
    lua_newtable(lua);
    static const char *const taken[] = {
        "log", "LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING", "REDIS_VERSION", "REDIS_VERSION_NUM",
    };
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        lua_getglobal(lua, "redis");
        lua_getfield(lua, -1, taken[i]);
        lua_setfield(lua, -3, taken[i]);
        lua_pop(lua, 1);
    }
    lua_pushcfunction(lua, register_function);
    lua_setfield(lua, -2, "register_function");
    clua_refuse_missing(lua);
    clua_protect(lua);
    lua_setfield(lua, -2, "redis");
    clua_refuse_missing(lua);
    lua_pushlightuserdata(lua, &loading_key);
    lua_insert(lua, -2);
    lua_rawset(lua, LUA_REGISTRYINDEX);

    lua_pushlightuserdata(lua, &running_key);
    lua_getmetatable(lua, LUA_GLOBALSINDEX);
    lua_getfield(lua, -1, "__index");
    lua_remove(lua, -2);
    lua_rawset(lua, LUA_REGISTRYINDEX);
}

// Has the globals look into one of the tables. It changes a field that is there, so that it cannot fail.
static void look_into(lua_State *lua, void *key) {
    lua_getmetatable(lua, LUA_GLOBALSINDEX);
    lua_pushliteral(lua, "__index");
    lua_pushlightuserdata(lua, key);
    lua_rawget(lua, LUA_REGISTRYINDEX);
    lua_rawset(lua, -3);
    lua_pop(lua, 1);
}

// MARK: loading

typedef struct {
    clua_engine *engine;
    clua_bytes body;
    bool is_done;
} library;

static int load(lua_State *lua) {
    library *library = lua_touserdata(lua, 1);
    clua_buffer *output = &library->engine->output;
    lua_pushcfunction(lua, clua_note_place);
    if (clua_load_text(lua, (const char *)library->body.start, library->body.count, "@user_function") != 0) {
        clua_append_text(output, "Error compiling function: ");
        clua_append_text(output, lua_tostring(lua, -1));
        return 0;
    }
    look_into(lua, &loading_key);
    int result = lua_pcall(lua, 0, 0, 2);
    look_into(lua, &running_key);
    if (result == 0) {
        library->is_done = true;
        return 0;
    }
    clua_clear(output);
    clua_append_text(output, "Error registering functions: ");
    int failure = lua_gettop(lua);
    if (lua_istable(lua, failure)) {
        lua_pushliteral(lua, "err");
        lua_rawget(lua, failure);
    }
    const char *text = lua_tostring(lua, -1);
    clua_append_text(output, text == NULL ? "unknown error" : text);
    return 0;
}

int32_t clua_load_library(clua_engine *engine, clua_bytes body, clua_bytes prefix) {
    library library = {engine, body, false};
    clua_clear(&engine->output);
    engine->prefix = prefix;
    engine->is_loading = true;
    clua_begin(engine);
    int result = lua_cpcall(engine->lua, load, &library);
    clua_end(engine);
    engine->is_loading = false;
    if (result != 0) {
        clua_clear(&engine->output);
        clua_append_text(&engine->output, "not enough memory");
    }
    return result == 0 && library.is_done && !engine->output.overflowed ? 0 : -1;
}

static int forget(lua_State *lua) {
    const clua_bytes *prefix = lua_touserdata(lua, 1);
    clua_push_kept(lua);
    lua_pushnil(lua);
    while (lua_next(lua, -2)) {
        size_t count;
        const char *key = lua_tolstring(lua, -2, &count);
        lua_pop(lua, 1);
        if (count < prefix->count || memcmp(key, prefix->start, prefix->count) != 0) continue;
        lua_pushvalue(lua, -1);
        lua_pushnil(lua);
        lua_rawset(lua, -4);
    }
    return 0;
}

void clua_forget(clua_engine *engine, clua_bytes prefix) {
    lua_cpcall(engine->lua, forget, &prefix);
    lua_settop(engine->lua, 0);
}
