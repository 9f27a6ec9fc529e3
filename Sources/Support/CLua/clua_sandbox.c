#include "clua_engine.h"

#include <string.h>

// A table that cannot be changed is an empty one whose metatable finds everything in the real one: Lua 5.1 itself has
// no such tables. The functions that reach past a metatable (rawset, next, table.insert, …) are replaced by some that
// know of it.

// In a metatable: the real table.
static char real_key;
// In the registry: what `getmetatable` shows of the globals, and of strings.
static char globals_view_key, string_view_key;

static const char *const refusal = "Attempt to modify a readonly table";

static int refuse(lua_State *lua) { return luaL_error(lua, refusal); }

// As `refuse`, without the place.
static int refuse_plainly(lua_State *lua) {
    lua_pushstring(lua, refusal);
    return lua_error(lua);
}

// Whether the value is a protected table; pushes the real one then.
static bool push_real(lua_State *lua, int index) {
    if (!lua_istable(lua, index) || !lua_getmetatable(lua, index)) return false;
    lua_pushlightuserdata(lua, &real_key);
    lua_rawget(lua, -2);
    lua_remove(lua, -2);
    if (lua_istable(lua, -1)) return true;
    lua_pop(lua, 1);
    return false;
}

static bool is_protected(lua_State *lua, int index) {
    if (!push_real(lua, index)) return false;
    lua_pop(lua, 1);
    return true;
}

void clua_protect(lua_State *lua) {
    lua_newtable(lua);
    lua_createtable(lua, 0, 3);
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, refuse);
    lua_setfield(lua, -2, "__newindex");
    lua_pushlightuserdata(lua, &real_key);
    lua_pushvalue(lua, -4);
    lua_rawset(lua, -3);
    lua_setmetatable(lua, -2);
    lua_remove(lua, -2);
}

// MARK: functions that know of protected tables

static int protected_next(lua_State *lua) {
    if (push_real(lua, 1)) lua_replace(lua, 1);
    return clua_of(lua)->next(lua);
}

static int protected_pairs(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_pushvalue(lua, 1);
    lua_pushnil(lua);
    return 3;
}

static int protected_rawget(lua_State *lua) {
    if (push_real(lua, 1)) lua_replace(lua, 1);
    return clua_of(lua)->rawget(lua);
}

static int protected_rawset(lua_State *lua) {
    return is_protected(lua, 1) ? refuse_plainly(lua) : clua_of(lua)->rawset(lua);
}

static int protected_insert(lua_State *lua) {
    if (is_protected(lua, 1)) return refuse_plainly(lua);
    clua_check_insertion(lua);
    return clua_of(lua)->insert(lua);
}

static int protected_setmetatable(lua_State *lua) {
    return is_protected(lua, 1) ? refuse_plainly(lua) : clua_of(lua)->setmetatable(lua);
}

// Of the globals and of strings it shows copies.
static int protected_getmetatable(lua_State *lua) {
    void *view = NULL;
    if (lua_type(lua, 1) == LUA_TSTRING) view = &string_view_key;
    if (view == NULL && is_protected(lua, 1)) {
        if (!lua_rawequal(lua, 1, LUA_GLOBALSINDEX)) {
            lua_pushnil(lua);
            return 1;
        }
        view = &globals_view_key;
    }
    if (view == NULL) return clua_of(lua)->getmetatable(lua);
    lua_pushlightuserdata(lua, view);
    lua_rawget(lua, LUA_REGISTRYINDEX);
    return 1;
}

// MARK: failures and code

// Of an error table it hands out the text alone; what ends a script that runs too long passes through.
static int protected_call(lua_State *lua) {
    lua_pushboolean(lua, 1);
    lua_insert(lua, 1);
    if (lua_gettop(lua) == 1) {
        lua_pushboolean(lua, 0);
        lua_pushliteral(lua, "attempt to call a boolean value");
        return 2;
    }
    if (lua_pcall(lua, lua_gettop(lua) - 2, LUA_MULTRET, 0) == 0) return lua_gettop(lua);
    if (clua_of(lua)->is_ended) return lua_error(lua);
    if (lua_istable(lua, -1)) {
        lua_getfield(lua, -1, "err");
        if (!lua_isstring(lua, -1)) lua_pop(lua, 1);
    }
    lua_pushboolean(lua, 0);
    lua_insert(lua, -2);
    return 2;
}

// What ends a script that runs too long ends the one that has resumed it too.
static int watched_resume(lua_State *lua) {
    clua_engine *engine = clua_of(lua);
    lua_State *former = engine->running, *coroutine = lua_tothread(lua, 1);
    if (coroutine != NULL) engine->running = coroutine;
    int count = engine->resume(lua);
    engine->running = former;
    return engine->is_ended ? lua_error(lua) : count;
}

// A handler of xpcall does not see what ends a script: it would run where no hook can end it.
static int watched_handler(lua_State *lua) {
    if (clua_of(lua)->is_ended) return 1;
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, 1, 1);
    return 1;
}

static int watched_xpcall(lua_State *lua) {
    luaL_checkany(lua, 2);
    lua_settop(lua, 2);
    lua_pushcclosure(lua, watched_handler, 1);
    lua_insert(lua, 1);
    int result = lua_pcall(lua, 0, LUA_MULTRET, 1);
    if (clua_of(lua)->is_ended) return lua_error(lua);
    lua_pushboolean(lua, result == 0);
    lua_replace(lua, 1);
    return lua_gettop(lua);
}

// Pieces of source text. A space goes before what looks like bytecode: so it is text, and no program.
typedef struct {
    const char *text;
    size_t count;
    bool has_begun;
} text_source;

static const char *next_piece(text_source *source, size_t *count) {
    if (!source->has_begun && source->count > 0) {
        source->has_begun = true;
        if (source->text[0] == LUA_SIGNATURE[0]) {
            *count = 1;
            return " ";
        }
    }
    *count = source->count;
    source->count = 0;
    return source->text;
}

static const char *read_buffer(lua_State *lua, void *context, size_t *count) {
    (void)lua;
    return next_piece(context, count);
}

int clua_load_text(lua_State *lua, const char *text, size_t count, const char *name) {
    text_source source = {text, count, false};
    return lua_load(lua, read_buffer, &source, name);
}

static int loaded(lua_State *lua, int result) {
    if (result == 0) return 1;
    lua_pushnil(lua);
    lua_insert(lua, -2);
    return 2;
}

static int text_loadstring(lua_State *lua) {
    size_t count;
    const char *text = luaL_checklstring(lua, 1, &count);
    clua_spend(lua, (int64_t)count * 128);
    return loaded(lua, clua_load_text(lua, text, count, luaL_optstring(lua, 2, text)));
}

static const char *read_function(lua_State *lua, void *context, size_t *count) {
    text_source *source = context;
    if (source->count > 0) return next_piece(source, count);
    luaL_checkstack(lua, 2, "too many nested functions");
    lua_pushvalue(lua, 1);
    lua_call(lua, 0, 1);
    *count = 0;
    if (lua_isnil(lua, -1)) return NULL;
    if (!lua_isstring(lua, -1)) luaL_error(lua, "reader function must return a string");
    // Kept at a place of its own, so that it lives until the next piece.
    lua_replace(lua, 3);
    source->text = lua_tolstring(lua, 3, &source->count);
    return next_piece(source, count);
}

static int text_load(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TFUNCTION);
    lua_settop(lua, 3);
    if (lua_isnil(lua, 2)) {
        lua_pushliteral(lua, "=(load)");
        lua_replace(lua, 2);
    }
    // It stays on the stack: the parser does not hold it while the reader, which may collect garbage, is called.
    const char *name = luaL_checkstring(lua, 2);
    text_source source = {NULL, 0, false};
    return loaded(lua, lua_load(lua, read_function, &source, name));
}

static int missing_global(lua_State *lua) {
    const char *name = lua_tostring(lua, 2);
    if (name == NULL) {
        return luaL_error(lua, "Second argument to luaProtectedTableError must be a string or number");
    }
    return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'", name);
}

void clua_refuse_missing(lua_State *lua) {
    lua_createtable(lua, 0, 1);
    lua_pushcfunction(lua, missing_global);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
}

// MARK: opening

static const luaL_Reg replaced[] = {
    {"next", protected_next},
    {"rawget", protected_rawget},
    {"rawset", protected_rawset},
    {"setmetatable", protected_setmetatable},
    {"getmetatable", protected_getmetatable},
    {"pcall", protected_call},
    {"xpcall", watched_xpcall},
    {"load", text_load},
    {"loadstring", text_loadstring},
    {NULL, NULL},
};

// What reaches the host or other functions' environments, and what Redis does not have.
static const char *const removed[] = {
    "dofile", "loadfile", "print", "getfenv", "setfenv", "newproxy", "require", "module", NULL,
};

static void open_one(lua_State *lua, lua_CFunction open, const char *name) {
    lua_pushcfunction(lua, open);
    lua_pushstring(lua, name);
    lua_call(lua, 1, 0);
}

static lua_CFunction taken(lua_State *lua, const char *name) {
    lua_getfield(lua, -1, name);
    lua_CFunction function = lua_tocfunction(lua, -1);
    lua_pop(lua, 1);
    return function;
}

// Replaces the library by its protected form, in the globals on top.
static void protect_field(lua_State *lua, const char *name) {
    lua_getfield(lua, -1, name);
    clua_protect(lua);
    lua_setfield(lua, -2, name);
}

static void open_libraries(lua_State *lua) {
    open_one(lua, luaopen_base, "");
    open_one(lua, luaopen_table, LUA_TABLIBNAME);
    open_one(lua, luaopen_string, LUA_STRLIBNAME);
    open_one(lua, luaopen_math, LUA_MATHLIBNAME);
    clua_open_random(lua);
    clua_open_patterns(lua);
    clua_open_bounds(lua);
    clua_open_redis(lua);
    static const struct {
        const char *name;
        int (*open)(lua_State *);
    } own[] = {{"cjson", clua_open_json}, {"cmsgpack", clua_open_msgpack}, {"struct", clua_open_struct},
               {"bit", clua_open_bit}};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        own[i].open(lua);
        lua_setglobal(lua, own[i].name);
    }
}

static void replace_functions(lua_State *lua) {
    clua_engine *engine = clua_of(lua);
    engine->next = taken(lua, "next");
    engine->rawget = taken(lua, "rawget");
    engine->rawset = taken(lua, "rawset");
    engine->setmetatable = taken(lua, "setmetatable");
    engine->getmetatable = taken(lua, "getmetatable");
    for (const luaL_Reg *function = replaced; function->name != NULL; function++) {
        lua_pushcfunction(lua, function->func);
        lua_setfield(lua, -2, function->name);
    }
    lua_getfield(lua, -1, "next");
    lua_pushcclosure(lua, protected_pairs, 1);
    lua_setfield(lua, -2, "pairs");
    lua_getfield(lua, -1, LUA_TABLIBNAME);
    engine->insert = taken(lua, "insert");
    lua_pushcfunction(lua, protected_insert);
    lua_setfield(lua, -2, "insert");
    lua_pop(lua, 1);
    lua_getfield(lua, -1, LUA_COLIBNAME);
    engine->resume = taken(lua, "resume");
    lua_pushcfunction(lua, watched_resume);
    lua_setfield(lua, -2, "resume");
    lua_pop(lua, 1);
    for (size_t i = 0; removed[i] != NULL; i++) {
        lua_pushnil(lua);
        lua_setfield(lua, -2, removed[i]);
    }
}

// A table with `__index` alone, the value on top.
static void keep_view(lua_State *lua, void *key) {
    lua_pushlightuserdata(lua, key);
    lua_createtable(lua, 0, 1);
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, "__index");
    clua_protect(lua);
    lua_rawset(lua, LUA_REGISTRYINDEX);
    lua_pop(lua, 1);
}

void clua_open_sandbox(lua_State *lua) {
    open_libraries(lua);
    lua_pushvalue(lua, LUA_GLOBALSINDEX);
    replace_functions(lua);
    static const char *const libraries[] = {"string", "table", "math", "coroutine", "redis", "cjson", "cmsgpack",
                                            "struct", "bit"};
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) protect_field(lua, libraries[i]);

    clua_refuse_missing(lua);
    lua_pushvalue(lua, -1);
    clua_keep_globals(lua);
    lua_pushvalue(lua, -1);
    clua_protect(lua);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, -3, "_G");
    lua_replace(lua, LUA_GLOBALSINDEX);
    lua_pop(lua, 1);

    lua_pushcfunction(lua, missing_global);
    keep_view(lua, &globals_view_key);
    lua_getglobal(lua, LUA_STRLIBNAME);
    keep_view(lua, &string_view_key);
}

// MARK: chance

// POSIX's lrand48, as the servers that this is compared with draw.
static uint64_t draw(clua_engine *engine) {
    uint64_t *random = engine->host.random;
    *random = (*random * 0x5deece66d + 0xb) & 0xffffffffffff;
    return *random >> 17;
}

static int random_number(lua_State *lua) {
    double fraction = (double)(draw(clua_of(lua)) % INT32_MAX) / (double)INT32_MAX;
    int count = lua_gettop(lua);
    if (count == 0) {
        lua_pushnumber(lua, fraction);
        return 1;
    }
    if (count > 2) return luaL_error(lua, "wrong number of arguments");
    int low = count == 1 ? 1 : luaL_checkint(lua, 1), high = luaL_checkint(lua, count);
    luaL_argcheck(lua, low <= high, count, "interval is empty");
    double drawn = fraction * ((double)high - low + 1);
    lua_pushnumber(lua, (double)low + (double)(int64_t)drawn);
    return 1;
}

static int seed_random(lua_State *lua) {
    *clua_of(lua)->host.random = ((uint64_t)(uint32_t)luaL_checkint(lua, 1) << 16) + 0x330e;
    return 0;
}

void clua_open_random(lua_State *lua) {
    lua_getglobal(lua, LUA_MATHLIBNAME);
    lua_pushcfunction(lua, random_number);
    lua_setfield(lua, -2, "random");
    lua_pushcfunction(lua, seed_random);
    lua_setfield(lua, -2, "randomseed");
    lua_pop(lua, 1);
}
