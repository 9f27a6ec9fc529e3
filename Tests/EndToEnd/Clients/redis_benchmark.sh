#!/usr/bin/env bash
# redis-benchmark against CACHE_URL: every default test, plain and pipelined, in RESP3, with threads and reconnecting.
# The figures are not judged: that there is one for every test, and no error.
#
#   REQUESTS   requests per test (5000; a quarter of it without pipelining)
#   OUTPUT     a file for the CSV of the default tests (else it is thrown away)
#
# All 20 default tests run on the emulator. What redis-benchmark can do beyond them and the emulator cannot:
# --enable-tracking (CLIENT TRACKING), and of course commands of one's own that it does not know (EVAL, XADD, …).
set -euo pipefail

: "${CACHE_URL:?is not set}"
requests=${REQUESTS:-5000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
output=${OUTPUT:-$folder/output.csv}
: >"$output"
tests=0

fail() { printf 'redis_benchmark: %s\n' "$1" >&2; exit 1; }

# run NAME LINES OPTION…: the CSV has so many figures, each a number above 0, and nothing else is said.
run() {
    local name=$1 lines=$2 bad
    shift 2
    timeout 60 redis-benchmark --csv "$@" >"$folder/csv" 2>"$folder/error" ||
        fail "$name: exit code $?: $(tail -n 1 "$folder/csv") $(<"$folder/error")"
    # With -k 0 it gives advice about the host.
    ! grep -v '^WARNING: Keepalive disabled' "$folder/error" >"$folder/said" || fail "$name: $(<"$folder/said")"
    [[ $(head -n 1 "$folder/csv") == '"test","rps","avg_latency_ms",'* ]] || fail "$name: $(head -n 1 "$folder/csv")"
    # Between double quotes: the name, then the figure of requests per second.
    bad=$(tail -n +2 "$folder/csv" | awk -F '"' '$4 !~ /^[0-9]+\.[0-9]+$/ || $4 <= 0')
    [[ -z $bad ]] || fail "$name: no figure in: $bad"
    [[ $(tail -n +2 "$folder/csv" | awk 'END { print NR }') == "$lines" ]] ||
        fail "$name: not $lines figures: $(cut -d , -f 1 "$folder/csv" | tr '\n' ' ')"
    tests=$((tests + lines))
}

names='PING_INLINE PING_MBULK SET GET INCR LPUSH RPUSH LPOP RPOP SADD HSET SPOP ZADD ZPOPMIN
LPUSH_(needed_to_benchmark_LRANGE) LRANGE_100_(first_100_elements) LRANGE_300_(first_300_elements)
LRANGE_500_(first_500_elements) LRANGE_600_(first_600_elements) MSET_(10_keys)'
all() {
    run "$@"
    [[ $(tail -n +2 "$folder/csv" | cut -d '"' -f 2 | tr ' ' _) == "$(tr ' ' '\n' <<<"$names")" ]] ||
        fail "$1: not the tests that are expected: $(cut -d '"' -f 2 "$folder/csv" | tr '\n' ',')"
    { printf '# %s\n' "$1" && cat "$folder/csv"; } >>"$output"
}

url=(-u "$CACHE_URL")
# redis-benchmark itself would try for a minute.
pong=$(timeout 9 redis-cli --no-auth-warning "${url[@]}" ping 2>&1) || true
[[ $pong == PONG ]] || fail "PING: $pong"
all 'one at a time' 20 "${url[@]}" -r 10000 -n $((requests / 4)) -P 1
all 'pipelined by 16' 20 "${url[@]}" -r 10000 -n "$requests" -P 16

[[ $CACHE_URL =~ ^redis://([^:]*):([^@]*)@([^:/]+):([0-9]+) ]] || fail "the URL is not understood: ${CACHE_URL##*@}"
place=(-h "${BASH_REMATCH[3]}" -p "${BASH_REMATCH[4]}" --user "${BASH_REMATCH[1]}" -a "${BASH_REMATCH[2]}")
run '-h -p --user -a' 2 "${place[@]}" -t set,get -n "$requests" -P 16
run 'password alone' 1 "${place[@]:0:4}" -a "${BASH_REMATCH[2]}" -t get -n "$requests" -P 16
run '-3' 3 "${url[@]}" -3 -t set,get,zadd -n "$requests" -P 16
run '--threads' 2 "${url[@]}" --threads 2 -t set,get -n "$requests" -P 16
run '--dbnum' 2 "${url[@]}" --dbnum 3 -t set,get -n "$requests" -P 16
run '-k 0' 1 "${url[@]}" -k 0 -t get -n 500
run '-d' 2 "${url[@]}" -d 100000 -t set,get -n 500 -P 4
run 'a command of its own' 1 "${url[@]}" -n "$requests" -r 1000 -P 16 hset 'h:__rand_int__' field value

# A wrong password is an error and not a figure.
if redis-benchmark "${place[@]:0:4}" -a wrong --csv -t get -n 10 >"$folder/csv" 2>&1; then
    fail "a wrong password is taken: $(tail -n 1 "$folder/csv")"
fi
redis-cli --no-auth-warning "${url[@]}" flushall >"$folder/csv" || fail 'FLUSHALL'

printf 'redis_benchmark: %d figures in %d s, %s\n' "$tests" "$SECONDS" "$(redis-benchmark --version)"
