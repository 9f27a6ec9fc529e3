/* The C client hiredis against CACHE_URL: what a program does that knows nothing but hiredis and a URL.
 *
 *     cc -std=c11 -Wall -Wextra -o hiredis hiredis.c $(pkg-config --cflags --libs hiredis)
 *
 * hiredis 0.14 (Debian 12) reads RESP2 only; from 1.0 on (macOS, Debian 13) the step of RESP3 is compiled in too. The
 * summary says which.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

/* Its headers are in <prefix>/include/hiredis, which pkg-config gives or the compiler finds. */
#include <hiredis/hiredis.h>

static const char *step = "start";

static _Noreturn void fail(int line, const char *format, ...) {
    va_list arguments;
    fprintf(stderr, "hiredis: %s (line %d): ", step, line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

#define CHECK(condition) ((condition) ? (void)0 : fail(__LINE__, "%s", #condition))

/* --- the URL ------------------------------------------------------------------------------------------------------ */

struct address {
    char user[128], password[128], host[128];
    int port, database;
};

static int hexadecimal(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/* Copies a part of the URL with its %XX decoded. */
static void copy(char *to, size_t room, const char *from, const char *end) {
    size_t length = 0;
    while (from < end && length + 1 < room) {
        if (*from == '%' && end - from > 2 && hexadecimal(from[1]) >= 0 && hexadecimal(from[2]) >= 0) {
            to[length++] = (char)(hexadecimal(from[1]) << 4 | hexadecimal(from[2]));
            from += 3;
        } else {
            to[length++] = *from++;
        }
    }
    if (from < end) fail(__LINE__, "a part of the URL is too long");
    to[length] = 0;
}

/* redis://user:password@host:port/database */
static struct address parse(const char *url) {
    struct address address = {.port = 6379};
    const char *scheme = "redis://";
    if (strncmp(url, scheme, strlen(scheme)) != 0) fail(__LINE__, "the URL does not begin with %s", scheme);
    const char *rest = url + strlen(scheme), *end = rest + strcspn(rest, "/?#");
    const char *at = memchr(rest, '@', (size_t)(end - rest));
    if (at != NULL) {
        const char *colon = memchr(rest, ':', (size_t)(at - rest));
        if (colon == NULL) fail(__LINE__, "the URL has a user and no password");
        copy(address.user, sizeof address.user, rest, colon);
        copy(address.password, sizeof address.password, colon + 1, at);
        rest = at + 1;
    }
    const char *colon = memchr(rest, ':', (size_t)(end - rest));
    copy(address.host, sizeof address.host, rest, colon == NULL ? end : colon);
    if (colon != NULL) address.port = atoi(colon + 1);
    if (*end == '/') address.database = atoi(end + 1);
    return address;
}

static struct address server;

/* --- connections and replies -------------------------------------------------------------------------------------- */

static redisContext *dial(void) {
    struct timeval timeout = {.tv_sec = 8};
    redisContext *context = redisConnectWithTimeout(server.host, server.port, timeout);
    if (context == NULL || context->err) fail(__LINE__, "connect: %s", context == NULL ? "no memory" : context->errstr);
    CHECK(redisSetTimeout(context, timeout) == REDIS_OK);
    return context;
}

/* A reply to free; a lost connection ends the program. */
static redisReply *ask(redisContext *context, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(context, format, arguments);
    va_end(arguments);
    if (reply == NULL) fail(__LINE__, "\"%s\": %s", format, context->errstr);
    return reply;
}

static redisReply *next(redisContext *context) {
    void *reply = NULL;
    if (redisGetReply(context, &reply) != REDIS_OK) fail(__LINE__, "reading: %s", context->errstr);
    return reply;
}

static bool is_text(const redisReply *reply, int type, const char *text) {
    return reply->type == type && reply->len == strlen(text) && memcmp(reply->str, text, reply->len) == 0;
}

#define EXPECT_TEXT(reply, kind, text)                                                                        \
    do {                                                                                                      \
        redisReply *got = (reply);                                                                            \
        if (!is_text(got, kind, text))                                                                        \
            fail(__LINE__, "%s is of type %d: %s", #reply, got->type, got->str == NULL ? "-" : got->str);     \
        freeReplyObject(got);                                                                                 \
    } while (0)
#define EXPECT_OK(reply) EXPECT_TEXT(reply, REDIS_REPLY_STATUS, "OK")
#define EXPECT_NUMBER(reply, number)                                                                          \
    do {                                                                                                      \
        redisReply *got = (reply);                                                                            \
        if (got->type != REDIS_REPLY_INTEGER || got->integer != (number))                                     \
            fail(__LINE__, "%s is of type %d: %lld %s", #reply, got->type, got->integer,                      \
                 got->str == NULL ? "" : got->str);                                                           \
        freeReplyObject(got);                                                                                 \
    } while (0)

static redisContext *log_in(void) {
    redisContext *context = dial();
    EXPECT_OK(ask(context, "AUTH %s %s", server.user, server.password));
    EXPECT_OK(ask(context, "SELECT %d", server.database));
    return context;
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void authentication(void) {
    redisContext *context = dial();
    EXPECT_TEXT(ask(context, "PING"), REDIS_REPLY_ERROR, "NOAUTH Authentication required.");
    EXPECT_TEXT(ask(context, "AUTH %s %s", server.user, "wrong"), REDIS_REPLY_ERROR,
                "WRONGPASS invalid username-password pair or user is disabled.");
    EXPECT_TEXT(ask(context, "GET k"), REDIS_REPLY_ERROR, "NOAUTH Authentication required.");
    EXPECT_OK(ask(context, "AUTH %s %s", server.user, server.password));
    EXPECT_TEXT(ask(context, "PING"), REDIS_REPLY_STATUS, "PONG");
    EXPECT_OK(ask(context, "FLUSHALL"));
    redisFree(context);
}

static void replies(void) {
    redisContext *context = log_in();
    EXPECT_OK(ask(context, "SET k %s", "v"));
    EXPECT_TEXT(ask(context, "GET k"), REDIS_REPLY_STRING, "v");
    redisReply *reply = ask(context, "GET none");
    CHECK(reply->type == REDIS_REPLY_NIL);
    freeReplyObject(reply);
    EXPECT_NUMBER(ask(context, "INCRBY n %lld", INT64_MAX), INT64_MAX);
    EXPECT_TEXT(ask(context, "INCR n"), REDIS_REPLY_ERROR, "ERR increment or decrement would overflow");
    EXPECT_TEXT(ask(context, "LPUSH k v"), REDIS_REPLY_ERROR,
                "WRONGTYPE Operation against a key holding the wrong kind of value");
    EXPECT_TEXT(ask(context, "GET"), REDIS_REPLY_ERROR, "ERR wrong number of arguments for 'get' command");
    EXPECT_TEXT(ask(context, "NOSUCH a"), REDIS_REPLY_ERROR,
                "ERR unknown command 'NOSUCH', with args beginning with: 'a' ");
    EXPECT_NUMBER(ask(context, "RPUSH l a %b c", "\0\r\n", (size_t)3), 3);
    reply = ask(context, "LRANGE l 0 -1");
    CHECK(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3);
    CHECK(reply->element[1]->len == 3 && memcmp(reply->element[1]->str, "\0\r\n", 3) == 0);
    freeReplyObject(reply);
    /* Nested arrays, with an error inside: what a transaction answers. */
    EXPECT_OK(ask(context, "MULTI"));
    EXPECT_TEXT(ask(context, "LRANGE l 0 0"), REDIS_REPLY_STATUS, "QUEUED");
    EXPECT_TEXT(ask(context, "INCR k"), REDIS_REPLY_STATUS, "QUEUED");
    EXPECT_TEXT(ask(context, "GET none"), REDIS_REPLY_STATUS, "QUEUED");
    reply = ask(context, "EXEC");
    CHECK(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3);
    CHECK(reply->element[0]->type == REDIS_REPLY_ARRAY && reply->element[0]->elements == 1);
    CHECK(is_text(reply->element[0]->element[0], REDIS_REPLY_STRING, "a"));
    CHECK(is_text(reply->element[1], REDIS_REPLY_ERROR, "ERR value is not an integer or out of range"));
    CHECK(reply->element[2]->type == REDIS_REPLY_NIL);
    freeReplyObject(reply);
    redisFree(context);
}

static void binary_arguments(void) {
    redisContext *context = log_in();
    unsigned char bytes[256];
    for (int i = 0; i < 256; i++) bytes[i] = (unsigned char)i;
    EXPECT_OK(ask(context, "SET %b %b", bytes, sizeof bytes, bytes, sizeof bytes));
    const char *words[] = {"GET", (const char *)bytes};
    const size_t lengths[] = {3, sizeof bytes};
    redisReply *reply = redisCommandArgv(context, 2, words, lengths);
    CHECK(reply != NULL && reply->type == REDIS_REPLY_STRING && reply->len == sizeof bytes);
    CHECK(memcmp(reply->str, bytes, sizeof bytes) == 0);
    freeReplyObject(reply);
    EXPECT_OK(ask(context, "SET %b empty", "", (size_t)0));
    EXPECT_TEXT(ask(context, "GET %b", "", (size_t)0), REDIS_REPLY_STRING, "empty");
    redisFree(context);
}

static void pipelining(void) {
    redisContext *context = log_in();
    enum { count = 10000 };
    char expected[32];
    EXPECT_OK(ask(context, "FLUSHDB"));
    for (int i = 0; i < count; i++) {
        switch (i % 4) {
        case 0: CHECK(redisAppendCommand(context, "SET p:%d %d", i, i) == REDIS_OK); break;
        case 1: CHECK(redisAppendCommand(context, "GET p:%d", i - 1) == REDIS_OK); break;
        case 2: CHECK(redisAppendCommand(context, "INCR p:sum") == REDIS_OK); break;
        case 3: CHECK(redisAppendCommand(context, "LPUSH p:%d x", i - 3) == REDIS_OK); break;
        }
    }
    for (int i = 0; i < count; i++) {
        snprintf(expected, sizeof expected, "%d", i - 1);
        switch (i % 4) {
        case 0: EXPECT_OK(next(context)); break;
        case 1: EXPECT_TEXT(next(context), REDIS_REPLY_STRING, expected); break;
        case 2: EXPECT_NUMBER(next(context), i / 4 + 1); break;
        case 3:
            EXPECT_TEXT(next(context), REDIS_REPLY_ERROR,
                        "WRONGTYPE Operation against a key holding the wrong kind of value");
            break;
        }
    }
    EXPECT_NUMBER(ask(context, "DBSIZE"), count / 4 + 1);
    redisFree(context);
}

static void big_values(void) {
    redisContext *context = log_in();
    size_t size = (size_t)32 << 20;
    char *value = malloc(size);
    CHECK(value != NULL);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) value[i] = (char)((state = state * 1664525 + 1013904223) >> 24);
    for (size_t length = 1; length <= size; length *= 32) {
        EXPECT_OK(ask(context, "SET big %b", value, length));
        redisReply *reply = ask(context, "GET big");
        CHECK(reply->type == REDIS_REPLY_STRING && reply->len == length && memcmp(reply->str, value, length) == 0);
        freeReplyObject(reply);
    }
    EXPECT_NUMBER(ask(context, "DEL big"), 1);
    free(value);
    redisFree(context);
}

static void channels(void) {
    redisContext *listener = log_in(), *speaker = log_in();
    redisReply *reply = ask(listener, "SUBSCRIBE c");
    CHECK(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 && reply->element[2]->integer == 1);
    freeReplyObject(reply);
    for (int i = 0; i < 100; i++) EXPECT_NUMBER(ask(speaker, "PUBLISH c %d", i), 1);
    for (int i = 0; i < 100; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "%d", i);
        reply = next(listener);
        CHECK(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3);
        CHECK(is_text(reply->element[0], REDIS_REPLY_STRING, "message"));
        CHECK(is_text(reply->element[2], REDIS_REPLY_STRING, expected));
        freeReplyObject(reply);
    }
    EXPECT_TEXT(ask(listener, "GET k"), REDIS_REPLY_ERROR,
                "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
                "allowed in this context");
    freeReplyObject(ask(listener, "UNSUBSCRIBE"));
    EXPECT_OK(ask(listener, "SET k v"));
    redisFree(listener);
    redisFree(speaker);
}

static void reconnecting(void) {
    redisContext *context = log_in();
    redisReply *reply = ask(context, "CLIENT ID");
    long long id = reply->integer;
    freeReplyObject(reply);
    EXPECT_NUMBER(ask(context, "CLIENT KILL ID %lld SKIPME no", id), 1);
    CHECK(redisCommand(context, "PING") == NULL);
    CHECK(context->err == REDIS_ERR_EOF || context->err == REDIS_ERR_IO);
    CHECK(redisReconnect(context) == REDIS_OK && context->err == 0);
    EXPECT_TEXT(ask(context, "PING"), REDIS_REPLY_ERROR, "NOAUTH Authentication required.");
    EXPECT_OK(ask(context, "AUTH %s %s", server.user, server.password));
    reply = ask(context, "CLIENT ID");
    CHECK(reply->type == REDIS_REPLY_INTEGER && reply->integer > id);
    freeReplyObject(reply);
    EXPECT_OK(ask(context, "QUIT"));
    CHECK(redisCommand(context, "PING") == NULL);
    redisFree(context);
}

#if HIREDIS_MAJOR >= 1
#define PROTOCOLS "RESP2 and RESP3"

static int pushes;

static void count_push(void *counter, void *data) {
    redisReply *reply = data;
    CHECK(reply->type == REDIS_REPLY_PUSH && reply->elements == 3);
    CHECK(is_text(reply->element[1], REDIS_REPLY_STRING, "c"));
    ++*(int *)counter;
    freeReplyObject(reply);
}

static void resp3(void) {
    redisContext *context = log_in();
    redisReply *reply = ask(context, "HELLO 3 AUTH %s %s SETNAME h3", server.user, server.password);
    CHECK(reply->type == REDIS_REPLY_MAP && reply->elements == 14);
    CHECK(is_text(reply->element[0], REDIS_REPLY_STRING, "server"));
    CHECK(is_text(reply->element[1], REDIS_REPLY_STRING, "redis"));
    CHECK(is_text(reply->element[4], REDIS_REPLY_STRING, "proto") && reply->element[5]->integer == 3);
    freeReplyObject(reply);
    EXPECT_TEXT(ask(context, "CLIENT GETNAME"), REDIS_REPLY_STRING, "h3");

    freeReplyObject(ask(context, "HSET h a 1 b 2"));
    reply = ask(context, "HGETALL h");
    CHECK(reply->type == REDIS_REPLY_MAP && reply->elements == 4);
    freeReplyObject(reply);
    freeReplyObject(ask(context, "SADD s a b"));
    reply = ask(context, "SMEMBERS s");
    CHECK(reply->type == REDIS_REPLY_SET && reply->elements == 2);
    freeReplyObject(reply);
    freeReplyObject(ask(context, "ZADD z 0.1 a inf b"));
    reply = ask(context, "ZSCORE z a");
    CHECK(reply->type == REDIS_REPLY_DOUBLE && reply->dval == 0.1);
    freeReplyObject(reply);
    reply = ask(context, "ZRANGE z 0 -1 WITHSCORES");
    CHECK(reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && reply->element[1]->type == REDIS_REPLY_ARRAY);
    CHECK(reply->element[1]->element[1]->type == REDIS_REPLY_DOUBLE && reply->element[1]->element[1]->dval > 1e308);
    freeReplyObject(reply);
    reply = ask(context, "GET none");
    CHECK(reply->type == REDIS_REPLY_NIL);
    freeReplyObject(reply);
    reply = ask(context, "INFO server");
    CHECK(reply->type == REDIS_REPLY_VERB && strncmp(reply->vtype, "txt", 3) == 0);
    freeReplyObject(reply);
    /* Not an error of the protocol: HELLO with a version that there is not. */
    EXPECT_TEXT(ask(context, "HELLO 4"), REDIS_REPLY_ERROR, "NOPROTO unsupported protocol version");

    /* Pushes come between the replies to commands, and are not counted as such. */
    redisContext *speaker = log_in();
    context->privdata = &pushes;
    redisSetPushCallback(context, count_push);
    CHECK(redisAppendCommand(context, "SUBSCRIBE c") == REDIS_OK);
    CHECK(redisAppendCommand(context, "GET none") == REDIS_OK);
    reply = next(context);
    CHECK(reply->type == REDIS_REPLY_NIL && pushes == 1);
    freeReplyObject(reply);
    for (int i = 0; i < 100; i++) EXPECT_NUMBER(ask(speaker, "PUBLISH c %d", i), 1);
    EXPECT_TEXT(ask(context, "PING"), REDIS_REPLY_STATUS, "PONG");
    CHECK(pushes == 101);

    /* Back to RESP2, with no subscription left that would stop it. */
    CHECK(redisAppendCommand(context, "UNSUBSCRIBE c") == REDIS_OK);
    reply = ask(context, "HELLO 2");
    CHECK(reply->type == REDIS_REPLY_ARRAY && pushes == 102);
    freeReplyObject(reply);
    reply = ask(context, "HGETALL h");
    CHECK(reply->type == REDIS_REPLY_ARRAY && reply->elements == 4);
    freeReplyObject(reply);
    redisFree(context);
    redisFree(speaker);
}
#else
#define PROTOCOLS "RESP2 only"
#endif

int main(void) {
    const char *url = getenv("CACHE_URL");
    if (url == NULL) fail(__LINE__, "CACHE_URL is not set");
    server = parse(url);
    static const struct {
        const char *name;
        void (*body)(void);
    } steps[] = {
        {"authentication", authentication}, {"replies", replies}, {"binary arguments", binary_arguments},
        {"pipelining", pipelining}, {"big values", big_values}, {"channels", channels}, {"reconnecting", reconnecting},
#if HIREDIS_MAJOR >= 1
        {"RESP3", resp3},
#endif
        {"emptying", authentication},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        step = steps[i].name;
        steps[i].body();
    }
    size_t count = sizeof steps / sizeof *steps;
    printf("hiredis %d.%d.%d: %zu steps, %s\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH, count, PROTOCOLS);
}
