// Scripts in Lua 5.1 as a Redis 7.0 server runs them: the sandbox, the libraries, the conversions both ways.
//
// Lua leaves a C function that fails by longjmp, which must not cross a Swift frame. So all that touches a Lua state is
// C and in here: every function below enters Lua by a protected call and returns a result, and what Lua calls back
// (`clua_host`) is called while nothing can fail and returns before a failure is raised.
#ifndef CLUA_H
#define CLUA_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *start;
    size_t count;
} clua_bytes;

typedef struct clua_engine clua_engine;

enum {
    CLUA_SHA1 = 40,
    // A command has run; its reply is of the redis protocol, in the version that was asked for.
    CLUA_REPLIED = 0,
    // It was not run; the reply is the text of an error, without its type.
    CLUA_REFUSED = 1,
};

// What scripts ask of the server. Called on the thread that has called in here, never while another call runs.
typedef struct {
    void *context;
    // Runs a command of at least one argument. `reply` stays valid until the next call.
    int32_t (*call)(
        void *context, const clua_bytes *arguments, size_t count, int32_t version, clua_bytes *reply);
    // Whether the caller may run it: 1 and 0, and -1 where there is no such command.
    int32_t (*may_call)(void *context, const clua_bytes *arguments, size_t count);
    // A script has run for so many milliseconds. This is asked again every few milliseconds as long as it runs: nil lets
    // it go on, else it ends with these words, which are never freed.
    const char *(*goes_on)(void *context, int64_t milliseconds);
    // The state of math.random: 48 bits. It goes on from script to script, as in Redis 7.0, whichever engine runs them.
    uint64_t *random;
} clua_host;

// One run of a script or of a function.
typedef struct {
    // What it was loaded as, and what failures call it: a digest, or a function's name.
    clua_bytes key, name;
    const clua_bytes *keys;
    size_t key_count;
    const clua_bytes *arguments;
    size_t argument_count;
    // Of the caller's protocol, 2 or 3.
    int32_t version;
} clua_run;

// Nil when there is no memory. `memory_limit` is what the scripts' values may take in bytes: beyond it they fail with
// "not enough memory". An engine for functions has `redis.register_function` and no globals to hand over keys in.
clua_engine *clua_open(clua_host host, size_t memory_limit, int32_t is_for_functions);
void clua_close(clua_engine *engine);

// Bytes that the state takes.
size_t clua_memory(const clua_engine *engine);

// Frees all that nothing refers to any more, which takes the longer the more there is.
void clua_collect(clua_engine *engine);

// Compiles a script and keeps it under its digest. 0, or -1 and the compiler's words in the output.
int32_t clua_load(clua_engine *engine, clua_bytes body, clua_bytes sha1);

// Forgets the script with this digest.
void clua_drop(clua_engine *engine, clua_bytes sha1);

// Runs a library, which registers functions; each is kept under the prefix and its name. 0, and for every function in
// the output: flags (a bit each, in the order of Redis), 1 where there is a description, name, description, both with
// their length in 4 bytes of this machine in front. Or -1 and an error's words.
int32_t clua_load_library(clua_engine *engine, clua_bytes body, clua_bytes prefix);

// Forgets all that was loaded under keys with this prefix.
void clua_forget(clua_engine *engine, clua_bytes prefix);

// Runs a script that was loaded; its reply, which may be an error, is in the output.
void clua_eval(clua_engine *engine, const clua_run *run);

// What the last call has written; valid until the next one.
clua_bytes clua_output(const clua_engine *engine);

// 40 hexadecimal digits, lower case.
void clua_sha1(clua_bytes data, char *digits);

#endif
