// What the parts of an engine share.
#ifndef CLUA_ENGINE_H
#define CLUA_ENGINE_H

#if __has_include(<lua5.1/lua.h>)
#include <lua5.1/lauxlib.h>
#include <lua5.1/lua.h>
#include <lua5.1/lualib.h>
#else
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#endif

#include <stdbool.h>

#include "CLua.h"

// Bytes that grow. It outlives a failure, which frees nothing, and is used again.
typedef struct {
    char *start;
    size_t count, capacity;
    // More would have been in it than may be.
    bool overflowed;
} clua_buffer;

void clua_clear(clua_buffer *buffer);
// Does nothing once it has overflowed.
void clua_append(clua_buffer *buffer, const void *bytes, size_t count);
void clua_append_text(clua_buffer *buffer, const char *text);
void clua_append_byte(clua_buffer *buffer, char byte);

struct clua_engine {
    lua_State *lua;
    clua_host host;
    size_t memory, memory_limit;
    // The least that it took since all garbage was collected.
    size_t least;
    bool is_for_functions;
    // Replies, and words of the compiler.
    clua_buffer output;
    // What cjson, cmsgpack and struct write into before it becomes a string.
    clua_buffer scratch;
    // The arguments of redis.call.
    clua_bytes *arguments;
    size_t argument_capacity;
    // Of the running script.
    int32_t command_version;
    int64_t began, deadline;
    bool is_ended, is_watched;
    // Why.
    const char *end_words;
    unsigned runs, tables, calls;
    // What was done since the last look at the clock where no instruction counts it: bytes, and elements that were moved.
    int64_t work;
    // The coroutine that runs, if one does.
    lua_State *running;
    // Of the library that is loaded.
    clua_bytes prefix;
    bool is_loading;
    // Functions of Lua's own libraries that are wrapped here.
    lua_CFunction insert, remove, concat, sort, resume, rawset, rawget, next, setmetatable, getmetatable;
};

// The engine of a state.
clua_engine *clua_of(lua_State *lua);

// An output that outgrows this many bytes is given up.
enum { CLUA_OUTPUT_LIMIT = 64 << 20 };

// Called now and then where no instruction of the script runs for long: ends it if it has to end.
void clua_look(lua_State *lua);

// Counts work that takes about as long as moving so many bytes, and looks at the clock when it is much.
void clua_spend(lua_State *lua, int64_t bytes);

// Gives up what is written once the script has to end: tables that hold each other are written out again and
// again, and no instruction of the script runs meanwhile.
void clua_watch_time(lua_State *lua, clua_buffer *output);

// Ends what has written more than it may, or whose script has to end.
int clua_fail_overflow(lua_State *lua);

// Raises "not enough memory" where the scratch buffer has overflowed, else makes a string of it.
int clua_push_scratch(lua_State *lua);

// Raises an error table with this text.
int clua_fail(lua_State *lua, const char *text);
// Pushes an error table; "ERR" is put before a text of one word.
void clua_push_error(lua_State *lua, const char *text, size_t count);

// As luaL_loadbuffer, for text alone: crafted bytecode reads and writes memory at will.
int clua_load_text(lua_State *lua, const char *text, size_t count, const char *name);

// Pushes the table of all that was loaded.
void clua_push_kept(lua_State *lua);
// Handles a failure: makes a table of it, with the place where it came about.
int clua_note_place(lua_State *lua);
// Begins and ends what is watched.
void clua_begin(clua_engine *engine);
void clua_end(clua_engine *engine);
// Has the table on top fail for what is not in it.
void clua_refuse_missing(lua_State *lua);
void clua_open_loading(lua_State *lua);

void clua_open_sandbox(lua_State *lua);
// Replaces the table on top by one that shows the same and cannot be changed.
void clua_protect(lua_State *lua);
// Keeps the table on top as the one that has the globals.
void clua_keep_globals(lua_State *lua);
void clua_open_redis(lua_State *lua);
void clua_open_random(lua_State *lua);
// Replace functions of Lua's libraries by some that can be ended.
void clua_open_patterns(lua_State *lua);
void clua_open_bounds(lua_State *lua);
// Whether what fails, as a handler of failures sees it, is a comparison of `clua_open_bounds`.
bool clua_is_comparing(lua_State *lua);
// Raises an error where table.insert, with the arguments on the stack, would move elements without end.
void clua_check_insertion(lua_State *lua);
int clua_open_json(lua_State *lua);
int clua_open_msgpack(lua_State *lua);
int clua_open_struct(lua_State *lua);
int clua_open_bit(lua_State *lua);

// Pushes the value that a reply means, and returns how much of it was read.
size_t clua_push_reply(lua_State *lua, const char *reply, size_t count);
// Takes the value on top and appends the reply that it means, in this version of the protocol.
void clua_write_reply(lua_State *lua, clua_buffer *output, int version);

#endif
