#!/usr/bin/env bash
# redis-cli and redis-benchmark, unmodified, on the URL in CACHE_URL. Prints one line and ends with 0.
set -euo pipefail
fail() { echo "redis tools: $*" >&2; exit 1; }
cli() { redis-cli -u "$CACHE_URL" --no-auth-warning "$@"; }

[[ $(cli PING) == PONG ]] || fail "PING"
cli FLUSHDB >/dev/null
for ((number = 0; number < 10000; number++)); do
    printf '*3\r\n$3\r\nSET\r\n$%d\r\nkey:%d\r\n$5\r\nvalue\r\n' $((4 + ${#number})) "$number"
done >"$TMPDIR/insertion"
cli --pipe <"$TMPDIR/insertion" | grep -q 'errors: 0, replies: 10000' || fail "mass insertion"
[[ $(cli --scan --pattern 'key:*' | sort -u | wc -l) -eq 10000 ]] || fail "--scan"
cli --bigkeys | grep -q '10000 strings with 50000 bytes' || fail "--bigkeys"
[[ $(cli -3 --json HSET h a 1) == 1 && $(cli -3 --json HGETALL h) == '{"a":"1"}' ]] || fail "RESP3 and JSON"
[[ $(printf 'from stdin' | cli -x SET stdin) == OK && $(cli GET stdin) == "from stdin" ]] || fail "-x"
[[ $(cli --csv MGET stdin none) == '"from stdin",NULL' ]] || fail "--csv"
[[ $(printf 'MULTI\nINCR n\nINCR n\nEXEC\n' | cli | tail -n 2 | tr '\n' ' ') == "1 2 " ]] || fail "a transaction"
[[ $(cli SHUTDOWN 2>&1) == *NOPERM* && $(cli PING) == PONG ]] || fail "SHUTDOWN is refused"
cli FLUSHDB >/dev/null

# Its options for credentials; a command that fails ends it with an error.
rest=${CACHE_URL#redis://} user=${rest%%:*} rest=${rest#*:} secret=${rest%%@*} place=${rest#*@}
host=${place%%:*} port=${place#*:} port=${port%%/*}
for depth in 1 16; do
    redis-benchmark -h "$host" -p "$port" --user "$user" -a "$secret" -n 5000 -r 1000 -P "$depth" -c 20 --csv \
        -t ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange,mset >"$TMPDIR/figures" 2>&1 ||
        fail "redis-benchmark -P $depth: $(tail -n 3 "$TMPDIR/figures")"
    [[ $(grep -c '^"[A-Z].*","[0-9.]*",' "$TMPDIR/figures") -ge 19 ]] || fail "redis-benchmark: $(cat "$TMPDIR/figures")"
    ! grep -qi error "$TMPDIR/figures" || fail "redis-benchmark: $(cat "$TMPDIR/figures")"
done
cli FLUSHDB >/dev/null
echo "redis-cli and redis-benchmark: ok"
