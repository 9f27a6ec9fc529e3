#include "clua_engine.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

// How many instructions run between two looks at the clock.
enum { LOOK_AFTER = 2000, COLLECT_AFTER = 50 };

// How much work (`clua_spend`) is done between two looks: some milliseconds.
enum { LOOK_AFTER_WORK = 16 << 20 };

// How many milliseconds a script runs before the host is asked whether it goes on, and from one question to the next.
enum { ASK_AFTER = 5, ASK_AGAIN_AFTER = 2 };

// How many milliseconds the loading of a library may take.
enum { LOAD_LIMIT = 500 };

// Places in the registry.
static char scripts_key, globals_key;

// MARK: the state

static void look_at_time(lua_State *lua, lua_Debug *where);

// Large blocks are work that no instruction counts: behind much of it the next one looks at the clock. A hook may be set
// from everywhere.
static void note_work(clua_engine *engine, size_t size) {
    engine->work += (int64_t)size;
    if (engine->work < LOOK_AFTER_WORK || !engine->is_watched) return;
    engine->work = 0;
    lua_sethook(engine->running == NULL ? engine->lua : engine->running, look_at_time, LUA_MASKCOUNT, 1);
}

// Lua's memory, counted: a block that would go beyond the limit is refused.
static void *allocate(void *context, void *block, size_t old, size_t size) {
    clua_engine *engine = context;
    if (block == NULL) old = 0;
    if (size == 0) {
        free(block);
        engine->memory -= old;
        return NULL;
    }
    if (size > old && size - old > engine->memory_limit - engine->memory) return NULL;
    void *moved = realloc(block, size);
    // Lua takes it for granted that shrinking works.
    if (moved == NULL) return size <= old ? block : NULL;
    engine->memory = engine->memory - old + size;
    if (size > 4096) note_work(engine, size);
    return moved;
}

clua_engine *clua_of(lua_State *lua) {
    void *engine;
    lua_getallocf(lua, &engine);
    return engine;
}

static int open_libraries(lua_State *lua) {
    clua_open_sandbox(lua);
    lua_pushlightuserdata(lua, &scripts_key);
    lua_newtable(lua);
    lua_rawset(lua, LUA_REGISTRYINDEX);
    if (clua_of(lua)->is_for_functions) clua_open_loading(lua);
    return 0;
}

clua_engine *clua_open(clua_host host, size_t memory_limit, int32_t is_for_functions) {
    clua_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) return NULL;
    engine->host = host;
    engine->memory_limit = memory_limit;
    engine->is_for_functions = is_for_functions;
    engine->lua = lua_newstate(allocate, engine);
    if (engine->lua == NULL || lua_cpcall(engine->lua, open_libraries, NULL) != 0) {
        clua_close(engine);
        return NULL;
    }
    // It begins again when a quarter has been added, and is done before the next quarter.
    lua_gc(engine->lua, LUA_GCSETPAUSE, 125);
    lua_gc(engine->lua, LUA_GCSETSTEPMUL, 400);
    clua_collect(engine);
    return engine;
}

void clua_close(clua_engine *engine) {
    if (engine->lua != NULL) lua_close(engine->lua);
    free(engine->output.start);
    free(engine->scratch.start);
    free(engine->arguments);
    free(engine);
}

size_t clua_memory(const clua_engine *engine) { return engine->memory; }

void clua_collect(clua_engine *engine) {
    lua_gc(engine->lua, LUA_GCCOLLECT, 0);
    engine->least = engine->memory;
}

// Lua's collector keeps pace with what is allocated, but for garbage that comes at once. What is there is looked through
// as a whole only when half as much was added, or half of what was free.
static void collect_some(clua_engine *engine) {
    if (engine->memory < engine->least) engine->least = engine->memory;
    size_t added = engine->memory - engine->least, free = engine->memory_limit - engine->least;
    bool is_much = added > engine->least / 2 || added > free / 2;
    if (is_much && engine->memory > engine->memory_limit / 4) {
        clua_collect(engine);
    } else if (++engine->runs % COLLECT_AFTER == 0) {
        lua_gc(engine->lua, LUA_GCSTEP, COLLECT_AFTER);
    }
}

clua_bytes clua_output(const clua_engine *engine) {
    // Never without an address, for those who cannot do with none.
    const char *start = engine->output.start == NULL ? "" : engine->output.start;
    return (clua_bytes){(const uint8_t *)start, engine->output.count};
}

static int64_t milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// Whether the script has to end. The host, which is asked, may serve others meanwhile.
static bool has_to_end(clua_engine *engine) {
    if (engine->is_ended) return true;
    int64_t now = milliseconds();
    if (now < engine->deadline) return false;
    const char *words = engine->is_loading ? "FUNCTION LOAD timeout"
                                           : engine->host.goes_on(engine->host.context, now - engine->began);
    engine->deadline = milliseconds() + ASK_AGAIN_AFTER;
    engine->end_words = words;
    engine->is_ended = words != NULL;
    return engine->is_ended;
}

void clua_watch_time(lua_State *lua, clua_buffer *output) {
    clua_engine *engine = clua_of(lua);
    if (++engine->tables % 1024 == 0 && has_to_end(engine)) output->overflowed = true;
}

int clua_fail_overflow(lua_State *lua) {
    clua_look(lua);
    return luaL_error(lua, "not enough memory");
}

// Ends a script that has to end. From then on every instruction fails, so that no pcall keeps it alive.
static void look_at_time(lua_State *lua, lua_Debug *where) {
    (void)where;
    clua_engine *engine = clua_of(lua);
    if (has_to_end(engine)) {
        lua_sethook(lua, look_at_time, LUA_MASKCOUNT, 1);
        clua_fail(lua, engine->end_words);
    } else if (lua_gethookcount(lua) == 1) {
        lua_sethook(lua, look_at_time, LUA_MASKCOUNT, LOOK_AFTER);
    }
}

void clua_spend(lua_State *lua, int64_t bytes) {
    clua_engine *engine = clua_of(lua);
    engine->work += bytes;
    if (engine->work < LOOK_AFTER_WORK) return;
    engine->work = 0;
    clua_look(lua);
}

void clua_look(lua_State *lua) { look_at_time(lua, NULL); }

// MARK: loading

void clua_push_kept(lua_State *lua) {
    lua_pushlightuserdata(lua, &scripts_key);
    lua_rawget(lua, LUA_REGISTRYINDEX);
}

typedef struct {
    clua_engine *engine;
    clua_bytes body, sha1;
    const clua_run *run;
} entry;

static int load(lua_State *lua) {
    entry *entry = lua_touserdata(lua, 1);
    clua_bytes body = entry->body;
    if (clua_load_text(lua, (const char *)body.start, body.count, "@user_script") != 0) {
        clua_append_text(&entry->engine->output, lua_tostring(lua, -1));
        return 0;
    }
    clua_push_kept(lua);
    lua_pushlstring(lua, (const char *)entry->sha1.start, entry->sha1.count);
    lua_pushvalue(lua, -3);
    lua_rawset(lua, -3);
    entry->run = NULL;
    return 0;
}

int32_t clua_load(clua_engine *engine, clua_bytes body, clua_bytes sha1) {
    static const clua_run none;
    entry entry = {engine, body, sha1, &none};
    clua_clear(&engine->output);
    if (lua_cpcall(engine->lua, load, &entry) != 0) {
        clua_append_text(&engine->output, "not enough memory");
        lua_settop(engine->lua, 0);
        return -1;
    }
    return entry.run == NULL ? 0 : -1;
}

static int drop(lua_State *lua) {
    const clua_bytes *key = lua_touserdata(lua, 1);
    clua_push_kept(lua);
    lua_pushlstring(lua, (const char *)key->start, key->count);
    lua_pushnil(lua);
    lua_rawset(lua, -3);
    return 0;
}

void clua_drop(clua_engine *engine, clua_bytes sha1) {
    lua_cpcall(engine->lua, drop, &sha1);
    lua_settop(engine->lua, 0);
}

// MARK: running

int clua_note_place(lua_State *lua) {
    lua_Debug place;
    // Of a comparison of our own, the function that compares is looked at.
    int level = clua_is_comparing(lua) ? 2 : 1;
    bool is_known = lua_getstack(lua, level, &place) && lua_getinfo(lua, "nSl", &place);
    if (is_known && strcmp(place.what, "C") == 0) {
        is_known = lua_getstack(lua, level + 1, &place) && lua_getinfo(lua, "nSl", &place);
    }
    lua_settop(lua, 1);
    if (!lua_istable(lua, 1)) {
        // While a library is loaded there is no `tostring`, and nothing but texts is raised.
        if (!lua_isstring(lua, 1)) {
            lua_getglobal(lua, "tostring");
            lua_insert(lua, 1);
            lua_call(lua, 1, 1);
        }
        const char *text = lua_tostring(lua, 1);
        lua_pushfstring(lua, "ERR %s", text == NULL ? "(null)" : text);
        lua_createtable(lua, 0, 3);
        lua_insert(lua, 2);
        lua_setfield(lua, 2, "err");
        lua_replace(lua, 1);
    }
    if (is_known) {
        lua_pushliteral(lua, "source");
        lua_pushstring(lua, place.source);
        lua_rawset(lua, 1);
        lua_pushliteral(lua, "line");
        lua_pushinteger(lua, place.currentline);
        lua_rawset(lua, 1);
    }
    return 1;
}

static void append_line(clua_buffer *output, const char *text, size_t count) {
    size_t start = output->count;
    clua_append(output, text, count);
    if (output->overflowed) return;
    for (size_t i = start; i < output->count; i++) {
        if (output->start[i] == '\r' || output->start[i] == '\n') output->start[i] = ' ';
    }
}

// The failure on top as an error reply.
static void write_failure(lua_State *lua, const clua_run *run) {
    clua_buffer *output = &clua_of(lua)->output;
    clua_clear(output);
    clua_append_byte(output, '-');
    int top = lua_gettop(lua);
    if (!lua_istable(lua, top)) {
        clua_append_text(output, "ERR ");
        const char *text = lua_tostring(lua, top);
        clua_append_text(output, text == NULL ? "unknown error" : text);
    } else {
        lua_pushliteral(lua, "err");
        lua_rawget(lua, top);
        size_t count;
        const char *text = lua_tolstring(lua, -1, &count);
        if (text != NULL) append_line(output, text, strlen(text));
        if (text == NULL) clua_append_text(output, "ERR unknown error");
        lua_pushliteral(lua, "source");
        lua_rawget(lua, top);
        lua_pushliteral(lua, "line");
        lua_rawget(lua, top);
        const char *source = lua_tostring(lua, -2), *line = lua_tostring(lua, -1);
        if (source != NULL && line != NULL) {
            clua_append_text(output, " script: ");
            append_line(output, (const char *)run->name.start, run->name.count);
            clua_append_text(output, ", on ");
            append_line(output, source, strlen(source));
            clua_append_byte(output, ':');
            append_line(output, line, strlen(line));
            clua_append_byte(output, '.');
        }
    }
    clua_append_text(output, "\r\n");
}

static void push_list(lua_State *lua, const clua_bytes *words, size_t count) {
    lua_createtable(lua, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(lua, (const char *)words[i].start, words[i].count);
        lua_rawseti(lua, -2, (int)i + 1);
    }
}

void clua_begin(clua_engine *engine) {
    engine->command_version = 2;
    engine->is_ended = false;
    engine->end_words = NULL;
    engine->began = milliseconds();
    engine->deadline = engine->began + (engine->is_loading ? LOAD_LIMIT : ASK_AFTER);
    engine->is_watched = true;
    engine->running = NULL;
    engine->work = 0;
    lua_sethook(engine->lua, look_at_time, LUA_MASKCOUNT, LOOK_AFTER);
}

void clua_end(clua_engine *engine) {
    engine->is_watched = false;
    lua_sethook(engine->lua, NULL, 0, 0);
    lua_settop(engine->lua, 0);
}

static int eval(lua_State *lua) {
    entry *entry = lua_touserdata(lua, 1);
    const clua_run *run = entry->run;
    clua_buffer *output = &entry->engine->output;
    lua_pushcfunction(lua, clua_note_place);
    int handler = lua_gettop(lua);
    clua_push_kept(lua);
    lua_pushlstring(lua, (const char *)run->key.start, run->key.count);
    lua_rawget(lua, -2);
    int arguments = 0;
    if (entry->engine->is_for_functions) {
        push_list(lua, run->keys, run->key_count);
        push_list(lua, run->arguments, run->argument_count);
        arguments = 2;
    } else {
        lua_pushlightuserdata(lua, &globals_key);
        lua_rawget(lua, LUA_REGISTRYINDEX);
        lua_pushliteral(lua, "KEYS");
        push_list(lua, run->keys, run->key_count);
        lua_rawset(lua, -3);
        lua_pushliteral(lua, "ARGV");
        push_list(lua, run->arguments, run->argument_count);
        lua_rawset(lua, -3);
        lua_pop(lua, 1);
    }
    int result = lua_pcall(lua, arguments, 1, handler);
    // What is behind a failure is done without the hook.
    entry->engine->is_watched = false;
    lua_sethook(lua, NULL, 0, 0);
    if (result != 0) {
        write_failure(lua, run);
        return 0;
    }
    clua_write_reply(lua, output, run->version);
    return 0;
}

void clua_eval(clua_engine *engine, const clua_run *run) {
    entry entry = {.engine = engine, .run = run};
    clua_clear(&engine->output);
    clua_begin(engine);
    int result = lua_cpcall(engine->lua, eval, &entry);
    clua_end(engine);
    if (result != 0 || engine->output.overflowed) {
        const char *words = result != 0 ? "not enough memory" : "the reply is too large";
        clua_clear(&engine->output);
        clua_append_text(&engine->output, "-ERR ");
        clua_append_text(&engine->output, engine->is_ended ? engine->end_words : words);
        clua_append_text(&engine->output, "\r\n");
    }
    collect_some(engine);
}

void clua_keep_globals(lua_State *lua) {
    lua_pushlightuserdata(lua, &globals_key);
    lua_insert(lua, -2);
    lua_rawset(lua, LUA_REGISTRYINDEX);
}
