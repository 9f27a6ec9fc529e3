#!/usr/bin/env bash
# The example shop under broker, from the first attach to the last detach. `make demo` runs it, after bootstrap and build.
#
# It uses a daemon, a home, ports and a runtime directory of its own and never meets yours. It waits for conditions, with
# deadlines; it cleans up whatever happens, and at the end it checks that no process, port or file is left.
#
#   BROKER=path   the program to use, default .build/release/broker
set -euo pipefail

shop=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$shop/../../.." && pwd)
program=${BROKER:-$root/.build/release/broker}
[[ -x $program ]] || { echo "demo: there is no program at $program: swift build -c release --product broker" >&2; exit 1; }
[[ -x $root/.venv/bin/python ]] || { echo "demo: there is no .venv: run .ci/bootstrap" >&2; exit 1; }
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")

# --- telling and waiting ---------------------------------------------------------------------------------------------

bold="" plain=""
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' plain=$'\e[0m'; fi

step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
fail() { printf '\ndemo: error: %s\n' "$*" >&2; exit 1; }

wait_for() {  # seconds, what, command…: until the command says yes
    local seconds=$1 what=$2
    shift 2
    local deadline=$((SECONDS + seconds))
    until "$@"; do
        ((SECONDS < deadline)) || fail "waited $seconds s in vain for $what"
        sleep 0.02
    done
}

ended() { ! kill -0 "$1" 2>/dev/null; }

current=""
broker() {  # shows the command line, runs it, passes its exit code on; nothing can hang
    printf '\n$ broker %s\n' "$*"
    "$program" "$@" &
    current=$!
    wait_for 60 "broker $1 to end" ended "$current"
    local code=0
    wait "$current" || code=$?
    current=""
    return "$code"
}

request() {  # arguments of curl: shows the line that matters, keeps the session's cookie
    local word
    printf '\n$ curl'
    for word in "$@"; do
        if [[ $word == *" "* ]]; then printf " '%s'" "$word"; else printf ' %s' "$word"; fi
    done
    printf '\n'
    curl --silent --show-error --fail-with-body --max-time 10 --noproxy '*' --cookie "$own/jar" --cookie-jar "$own/jar" "$@"
}

quietly() { curl --silent --max-time 10 --noproxy '*' "$@" 2>/dev/null || true; }

# --- what is ours, and whether any of it is left ---------------------------------------------------------------------

# Processes that were started by this script, however far away they are now: our directory is in their environment, in
# their arguments, or they are in it. It is in none of the three of the script itself and of the tools that look.
our_processes() {
    local files pid line seen=" "
    if [[ -d /proc/self ]]; then
        files=(/proc/[0-9]*/environ /proc/[0-9]*/cmdline)
        while IFS=/ read -r _ _ pid _; do
            [[ $seen != *" $pid "* ]] || continue
            seen+="$pid "
            printf '%s\n' "$pid"
        done < <(
            env -i grep -lsF -f - "${files[@]}" <<<"$own"
            env -i find /proc -maxdepth 2 -name cwd -lname "$own*" 2>/dev/null)
    else
        while read -r pid line; do
            [[ $line != *"$own"* ]] || printf '%s\n' "$pid"
        done < <(env -i /bin/ps -axEww -o pid=,command=)
    fi
}

# Listening TCP ports from the first to the last that is given.
listening() {
    local _ address state port
    if [[ -r /proc/net/tcp ]]; then
        while read -r _ address _ state _; do
            [[ $state == 0A ]] || continue
            port=$((16#${address##*:}))
            ((port < $1 || port > $2)) || printf '%s\n' "$port"
        done < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
    else
        lsof -nP -iTCP:"$1-$2" -sTCP:LISTEN -t 2>/dev/null || true
    fi
}

no_processes_left() {  # within so many seconds
    local deadline=$((SECONDS + $1))
    until [[ -z $(our_processes) ]]; do
        ((SECONDS < deadline)) || return 1
        sleep 0.02
    done
}

# --- the end, expected or not ----------------------------------------------------------------------------------------

own="" web="" worker=""

clean_up() {
    local status=$?
    trap '' INT TERM HUP
    trap - EXIT
    set +e
    [[ -n $own ]] || exit "$status"
    if ((status != 0)); then
        printf '\ndemo: failed (%s)\n' "$status" >&2
        find "$own" -name '*.log' -type f 2>/dev/null | while read -r log; do
            printf -- '--- the end of %s\n' "${log#"$own"/}"
            tail -n 20 "$log"
        done >&2
    fi
    local pid signal
    for pid in $current $web $worker; do kill "$pid" 2>/dev/null; done
    "$program" daemon stop </dev/null >/dev/null 2>&1 &
    for signal in TERM KILL; do  # what the daemon does not take with it within 5 s is ended by us, by its id
        ! no_processes_left 5 || break
        for pid in $(our_processes); do kill -s "$signal" "$pid" 2>/dev/null; done
    done
    no_processes_left 1
    rm -rf "$own"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Nothing of the caller's may reach the demo: not a setting of broker's, not a service of the shop's.
for name in "${!BROKER_@}" CACHE_URL REDIS_URL QUEUE_URL BEANSTALK_URL DB_URL DATABASE_URL PORT; do unset "$name"; done

own=$(mktemp -d /tmp/shop.XXXXXX)  # short: the path of a socket has at most 104 bytes
for ((first = 0, attempt = 0; first == 0 && attempt < 100; attempt++)); do  # below what systems hand out by themselves
    first=$((25000 + RANDOM % 60 * 100)) last=$((first + 99))
    [[ -z $(listening "$first" "$last") ]] || first=0
done
((first > 0)) || fail "there are no 100 free ports in a row between 25000 and 31000"
mkdir -m 700 "$own/home" "$own/run"
export BROKER_HOME=$own/home XDG_RUNTIME_DIR=$own/run BROKER_PORTS=$first-$last
export PATH=$root/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
cd "$shop"
files_before=$(find . | sort)

# --- the demo --------------------------------------------------------------------------------------------------------

order() { request "$url/orders" --data "{\"item\": \"$1\", \"quantity\": $2}"; }
shipped() { [[ $(quietly "$url/orders/$1") == *shipped* ]]; }
health_is() { [[ $(quietly --output /dev/null --write-out '%{http_code}' "$url/healthz") == "$1" ]]; }
says() { grep -q "$1" "$2"; }
cache_provider() {
    "$program" status --json | python -c \
        'import json, sys; print(*[r["provider"] for r in json.load(sys.stdin)["resources"] if r["name"] == "cache"])'
}

step "1. Attach three backing services to the app \"web\". None of them exists yet."
broker attach cache --to web
broker attach queue --to web
broker attach db --to web
cache_url=$("$program" url cache --app web)
database=$("$program" url db --app web)
database=${database#sqlite:///}

step "2. Migrate the database: a one-off process in web's environment."
broker exec web -- python migrate.py

step "3. Run the web process and the worker. The code knows its environment, and nothing of broker."
printf '\n$ broker run web -- python app.py &\n'
"$program" run web -- python app.py </dev/null >"$own/web.log" 2>&1 &
web=$!
printf '$ broker run web -- python worker.py &\n'
"$program" run web -- python worker.py </dev/null >"$own/worker.log" 2>&1 &
worker=$!
wait_for 20 "the web process to listen" says "listening on" "$own/web.log"
wait_for 20 "the worker to wait for jobs" says "waiting for jobs" "$own/worker.log"
url=$(sed -n 's/.*listening on \(http:[^ ]*\).*/\1/p' "$own/web.log")
request "$url/healthz"

step "4. Place orders. The worker ships them."
order tea 2
order cup 6
wait_for 10 "order 2 to be shipped" shipped 2
request "$url/orders/2"
request "$url/stats"

step "5. What is there, and what the app was given (secrets are masked)."
broker status
broker env web >"$own/environment"
cat "$own/environment"
secret=${cache_url#*://*:}
secret=${secret%%@*}
! grep -qF -- "$secret" "$own/environment" || fail "the table of the environment shows a secret"

step "6. Swap the cache to a real redis-server, under the running app: its data and its connections go along."
broker swap cache --to exec:redis-server
[[ $(cache_provider) == exec* ]] || fail "the cache's provider is $(cache_provider), not exec"
[[ $("$program" url cache --app web) == "$cache_url" ]] || fail "the cache's URL has changed"
order kettle 1
order tea 3
wait_for 10 "order 4 to be shipped" shipped 4
request "$url/stats"

step "7. And back, with what was written meanwhile."
broker rollback cache
[[ $(cache_provider) == emulator* ]] || fail "the cache's provider is $(cache_provider), not emulator"
[[ $("$program" url cache --app web) == "$cache_url" ]] || fail "the cache's URL has changed"
order spoon 12
wait_for 10 "order 5 to be shipped" shipped 5
request "$url/stats"

step "8. Detach the cache while web runs: its credential is void at once, and web's health says so."
health_is 200 || fail "web is not healthy"
broker detach cache --from web
wait_for 10 "web's health to be 503" health_is 503
printf '\n$ curl %s\n' "$url/healthz"
quietly "$url/healthz"

step "9. Stop both processes (SIGTERM, forwarded by broker run) and detach the rest."
for pid in "$web" "$worker"; do kill "$pid"; done
wait_for 15 "web to stop" ended "$web"
wait_for 15 "the worker to stop" ended "$worker"
code=0; wait "$web" || code=$?
((code == 0)) || fail "web ended with code $code"
wait "$worker" || code=$?
((code == 0)) || fail "the worker ended with code $code"
printf '\nweb and worker ended with code 0. Their last words:\n'
tail -n 1 -q "$own/web.log" "$own/worker.log"
broker detach queue --from web
broker detach db --from web

step "10. Destroy the resources and stop the daemon."
broker destroy cache --force
broker destroy queue --force
broker destroy db --force
broker daemon stop

step "11. Is anything left?"
no_processes_left 5 || fail "processes are left: $(for pid in $(our_processes); do ps -o pid=,args= -p "$pid"; done)"
left=$(listening "$first" "$last"; listening "${url##*:}" "${url##*:}")
[[ -z $left ]] || fail "still listening: $left"
[[ ! -e $database ]] || fail "the destroyed database is still there: $database"
left=$(find "$own" -type s)
[[ -z $left ]] || fail "sockets are left: $left"
rm -rf "$own"
[[ ! -e $own ]] || fail "the directory $own is left"
[[ $(find . | sort) == "$files_before" ]] || fail "files are left in $shop"
own=""
printf '\nno process, no port, no file.\n'
