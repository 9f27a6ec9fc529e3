#!/usr/bin/env bash
# redis-cli against CACHE_URL: what people type and what scripts pipe into it.
#
# Left out: --stat, --latency-history and the like never end by themselves; --rdb and --replica need SYNC, which is
# refused; --hotkeys needs an LFU policy.
set -euo pipefail

: "${CACHE_URL:?is not set}"
url=$CACHE_URL
folder=$(mktemp -d)
listener=
trap '[[ -z $listener ]] || kill "$listener" 2>/dev/null || true; rm -rf "$folder"' EXIT
steps=0

cli() { timeout 9 redis-cli --no-auth-warning -u "$url" "$@"; }
fail() { printf 'redis_cli: %s\n' "$1" >&2; exit 1; }

# expect NAME EXPECTED COMMAND…: the command's whole output, stderr too.
expect() {
    local name=$1 expected=$2 actual
    shift 2
    actual=$("$@" 2>&1) || fail "$name: exit code $?: ${actual:0:300}"
    [[ $actual == "$expected" ]] || fail "$name: expected '${expected:0:300}', got '${actual:0:300}'"
    steps=$((steps + 1))
}

# contains NAME TEXT COMMAND…: the output has the text in it.
contains() {
    local name=$1 text=$2 actual
    shift 2
    actual=$("$@" 2>&1) || fail "$name: exit code $?: ${actual:0:300}"
    [[ $actual == *"$text"* ]] || fail "$name: no '$text' in '${actual:0:600}'"
    steps=$((steps + 1))
}

# Requests as RESP, one for each line of words.
resp() { awk '{ printf "*%d\r\n", NF; for (i = 1; i <= NF; i++) printf "$%d\r\n%s\r\n", length($i), $i }'; }

expect PING PONG cli ping
expect FLUSHALL OK cli flushall

# Mass insertion, and then with an error among them.
seq 10000 | awk '{ print "SET", "key:" $1, "value:" $1 }' | resp >"$folder/insert"
contains '--pipe' 'errors: 0, replies: 10000' cli --pipe <"$folder/insert"
expect DBSIZE 10000 cli dbsize
expect GET value:7777 cli get key:7777
printf 'SET a 1\nLPUSH a 1\nSET a 2\n' | resp >"$folder/wrong"
actual=$(cli --pipe <"$folder/wrong" 2>&1) && fail '--pipe with an error: its exit code is 0'
[[ $actual == *WRONGTYPE*'errors: 1, replies: 3'* ]] || fail "--pipe with an error: '$actual'"
cli del a >"$folder/null"

cli --scan --pattern 'key:99*' | sort -u >"$folder/found"
expect '--scan --pattern' 111 awk 'END { print NR }' "$folder/found"
cli --scan | sort -u >"$folder/all"
seq 10000 | sed 's/^/key:/' | sort -u | cmp -s - "$folder/all" || fail '--scan: not every key, or others'

cli rpush list a 'b c' '"d"' >"$folder/null"
cli zadd zset 1 one 2.5 two >"$folder/null"
cli hset hash field 'a value' >"$folder/null"
cli sadd set member >"$folder/null"
contains '--bigkeys' 'Sampled 10004 keys in the keyspace!' cli --bigkeys
contains '--bigkeys' "Biggest   list found '\"list\"' has 3 items" cli --bigkeys
contains '--memkeys' 'Sampled 10004 keys in the keyspace!' cli --memkeys

# Forms of output.
expect '--csv' '"a","b c","\"d\""' cli --csv lrange list 0 -1
expect '-3' $'1# "field" => "a value"' cli -3 --no-raw hgetall hash
expect '-3 set' $'1~ "member"' cli -3 --no-raw smembers set
expect '-3 double' '(double) 2.5' cli -3 --no-raw zscore zset two
expect '-3 null' '(nil)' cli -3 --no-raw get none
expect '-3 --csv' '"one",1,"two",2.5' cli -3 --csv zrange zset 0 -1 withscores
expect '-3 --json' '{"field":"a value"}' cli -3 --json hgetall hash
expect '-2 --json' '["one","1","two","2.5"]' cli -2 --json zrange zset 0 -1 withscores
expect '--no-raw' $'1) "a"\n2) "b c"\n3) "\\"d\\""' cli --no-raw lrange list 0 -1
contains '-3 hello' 'proto 3' cli -3 hello

# Input.
head -c 300000 /dev/urandom >"$folder/blob"
expect '-x' OK cli -x set blob <"$folder/blob"
cli --raw getrange blob 0 -1 >"$folder/copy"
head -c 300000 "$folder/copy" | cmp -s - "$folder/blob" || fail '-x: the value is not what was read from stdin'
expect '-X' OK cli -X tag set key:1 tag ex 100 <"$folder/blob"
expect '-r' $'1\n2\n3' cli -r 3 incr counter
expect '-n' OK cli -n 5 set elsewhere 1
expect '-n' '' cli get elsewhere
expect '-n' 1 cli -n 5 del elsewhere
expect 'commands on stdin' $'OK\nQUEUED\nQUEUED\nOK\n1' cli <<<$'multi\nset a 1\nget a\nexec'
expect '--quoted-input' OK cli --quoted-input set '"\x00\xff"' '"\x01"'
expect '--quoted-input' '"\x01"' cli --no-raw --quoted-input get '"\x00\xff"'
contains '--latency' ' ' cli --latency --raw -i 0.1

# Errors: the text, and the exit code where it is asked for.
expect 'unknown command' $'ERR unknown command \'nosuch\', with args beginning with: \'a\' ' \
    bash -c "redis-cli --no-auth-warning -u '$url' nosuch a | head -1"
actual=$(cli -e lpush a 1 2>&1) && fail '-e: the exit code of an error is 0'
[[ $actual == 'WRONGTYPE Operation against a key holding the wrong kind of value' ]] || fail "-e: '$actual'"
# MONITOR shows what the other client asks, or is refused where there is none.
cli monitor >"$folder/monitor" 2>&1 &
listener=$!
for _ in {1..200}; do
    [[ ! -s $folder/monitor ]] || cli set monitored yes >/dev/null
    if grep -q -e '"monitored" "yes"' -e NOPERM "$folder/monitor"; then break; fi
    sleep 0.02
done
grep -q -e '"set" "monitored" "yes"' -e "NOPERM this user has no permissions to run the 'monitor' command" \
    "$folder/monitor" || fail "MONITOR: $(head -c 300 "$folder/monitor")"
steps=$((steps + 1))
kill "$listener" 2>/dev/null || true
listener=
expect 'FAILOVER' "NOPERM this user has no permissions to run the 'failover' command" cli failover
wrong=${url%%://*}://nobody:wrong@${url##*@}
contains 'wrong password' 'WRONGPASS invalid username-password pair or user is disabled.' \
    bash -c "redis-cli --no-auth-warning -u '$wrong' ping; true"
contains 'no password' 'NOAUTH Authentication required.' \
    bash -c "redis-cli --no-auth-warning -u '${url%%://*}://${url##*@}' ping; true"

# A subscriber, and inline commands over a bare socket as a person types them into telnet.
[[ $url =~ ^redis://([^:]*):([^@]*)@([^:/]+):([0-9]+) ]] || fail "the URL is not understood: ${url##*@}"
exec 3<>"/dev/tcp/${BASH_REMATCH[3]}/${BASH_REMATCH[4]}"
line() { IFS= read -r -t 5 -u 3 "$1" || fail "inline: no reply within 5 s"; }
talk() {  # what is typed, what has to come back
    printf '%s\r\n' "$1" >&3
    local reply
    line reply
    [[ $reply == "$2"$'\r' ]] || fail "inline: ${1%% *} is answered with '$reply'"
    steps=$((steps + 1))
}
talk 'PING' '-NOAUTH Authentication required.'
talk "AUTH ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}" '+OK'
talk '  set   inline  "two words\x21"  ' '+OK'
talk "get 'inline'" "\$10"
line reply
[[ $reply == $'two words!\r' ]] || fail "inline: the value is '$reply'"
talk 'set a "unbalanced' '-ERR Protocol error: unbalanced quotes in request'
if IFS= read -r -t 5 -u 3 reply || (($? > 128)); then fail 'inline: not closed after a protocol error'; fi
exec 3>&-

redis-cli --no-auth-warning -u "$url" subscribe news >"$folder/heard" 2>&1 &
listener=$!
until [[ $(cli pubsub numsub news) == $'news\n1' ]]; do
    ((SECONDS < 9)) || fail 'SUBSCRIBE: nobody listens after 9 s'
done
expect PUBLISH 1 cli publish news 'the message'
until grep -q 'the message' "$folder/heard"; do ((SECONDS < 9)) || fail 'SUBSCRIBE: nothing is heard after 9 s'; done
kill "$listener"
wait "$listener" 2>"$folder/null" || true
listener=
expect FLUSHALL OK cli flushall

printf 'redis_cli: %d steps in %d s, %s\n' "$steps" "$SECONDS" "$(redis-cli --version)"
