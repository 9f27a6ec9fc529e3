// hiredis, unmodified, on the URL in CACHE_URL. Prints one line and ends with 0.
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

static void check(int isTrue, const char *what) {
    if (isTrue) return;
    fprintf(stderr, "hiredis: not true: %s\n", what);
    failures++;
}

static char user[256], secret[256], host[256];
static int port;

static redisContext *login(void) {
    struct timeval timeout = {10, 0};
    redisContext *context = redisConnectWithTimeout(host, port, timeout);
    if (!context || context->err) {
        fprintf(stderr, "hiredis: %s\n", context ? context->errstr : "no memory");
        exit(1);
    }
    redisSetTimeout(context, timeout);
    redisReply *reply = redisCommand(context, "AUTH %s %s", user, secret);
    check(reply && reply->type == REDIS_REPLY_STATUS && !strcmp(reply->str, "OK"), "AUTH");
    freeReplyObject(reply);
    return context;
}

static redisReply *ask(redisContext *context, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(context, format, arguments);
    va_end(arguments);
    if (!reply) {
        fprintf(stderr, "hiredis: %s: %s\n", format, context->errstr);
        exit(1);
    }
    return reply;
}

int main(void) {
    const char *url = getenv("CACHE_URL");
    if (!url || sscanf(url, "redis://%255[^:]:%255[^@]@%255[^:]:%d", user, secret, host, &port) != 4) {
        fprintf(stderr, "hiredis: cannot read CACHE_URL\n");
        return 1;
    }
    redisContext *context = login();

    // Binary arguments and values.
    const char bytes[] = "\0\r\n\xff$*";
    redisReply *reply = ask(context, "SET %b %b", bytes, (size_t)6, bytes, (size_t)6);
    check(reply->type == REDIS_REPLY_STATUS, "SET of bytes");
    freeReplyObject(reply);
    reply = ask(context, "GET %b", bytes, (size_t)6);
    check(reply->type == REDIS_REPLY_STRING && reply->len == 6 && !memcmp(reply->str, bytes, 6), "GET of bytes");
    freeReplyObject(reply);

    // Ten thousand commands before the first reply is read.
    freeReplyObject(ask(context, "DEL counter"));
    for (int number = 0; number < 10000; number++) redisAppendCommand(context, "INCR counter");
    for (int number = 1; number <= 10000; number++) {
        void *next = NULL;
        if (redisGetReply(context, &next) != REDIS_OK) {
            fprintf(stderr, "hiredis: %s\n", context->errstr);
            return 1;
        }
        reply = next;
        check(reply->type == REDIS_REPLY_INTEGER && reply->integer == number, "replies keep the pipeline's order");
        freeReplyObject(reply);
    }

    // 32 MB there and back.
    size_t size = 32 << 20;
    char *large = malloc(size);
    for (size_t index = 0; index < size; index++) large[index] = (char)(index * 7);
    freeReplyObject(ask(context, "SET large %b", large, size));
    reply = ask(context, "GET large");
    check(reply->len == size && !memcmp(reply->str, large, size), "a large value");
    freeReplyObject(reply);
    freeReplyObject(ask(context, "DEL large counter"));
    free(large);

    // Errors are replies; the connection lives on.
    reply = ask(context, "INCR %b", bytes, (size_t)6);
    check(reply->type == REDIS_REPLY_ERROR && !strncmp(reply->str, "ERR value is not an integer", 27), "an error");
    freeReplyObject(reply);

#ifdef REDIS_REPLY_MAP
    // RESP3 (from hiredis 1.0 on): a map and a double.
    reply = ask(context, "HELLO 3");
    check(reply->type == REDIS_REPLY_MAP, "HELLO 3 answers a map");
    freeReplyObject(reply);
    freeReplyObject(ask(context, "HSET h a 1 b 2"));
    reply = ask(context, "HGETALL h");
    check(reply->type == REDIS_REPLY_MAP && reply->elements == 4, "HGETALL answers a map");
    freeReplyObject(reply);
    freeReplyObject(ask(context, "ZADD z 1.5 m"));
    reply = ask(context, "ZSCORE z m");
    check(reply->type == REDIS_REPLY_DOUBLE && reply->dval == 1.5, "ZSCORE answers a double");
    freeReplyObject(reply);
    freeReplyObject(ask(context, "HELLO 2"));
#endif
    freeReplyObject(ask(context, "HSET h a 1 b 2"));
    reply = ask(context, "GET none");
    check(reply->type == REDIS_REPLY_NIL, "a null");
    freeReplyObject(reply);

    // Another connection; the first one's data is there.
    redisContext *second = login();
    reply = ask(second, "HGET h b");
    check(reply->type == REDIS_REPLY_STRING && !strcmp(reply->str, "2"), "a second connection");
    freeReplyObject(reply);
    freeReplyObject(ask(second, "FLUSHDB"));
    redisFree(second);
    redisFree(context);
    if (failures == 0) printf("hiredis %d.%d.%d: ok\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    return failures != 0;
}
