import Testing

/// What a script returns, and what it asks of the server.
@Suite(.comparedWithRedis)
struct ScriptReplyDifferentialTests {
    @Test func `what is refused before it runs is an error that is counted`() throws {
        let calls = [
            "'FOO'", "'GET'", "'EVAL','return 1',0", "'LPUSH','s','x'", "'SUBSCRIBE','x'", "'SET','a','b','c'",
            "'GET','k',1,2",
        ]
        let sorted =
            "local t = {} for k, v in pairs(e) do t[#t + 1] = k .. '=' .. tostring(v) end table.sort(t) return t"
        try compare(
            ["SET s v"]
                + calls.map { "EVAL \"local e = redis.pcall(\($0)) \(sorted)\" 0" }
                + [
                    "EVAL_RO \"local e = redis.pcall('SET','k','v') \(sorted)\" 0",
                    "EVAL \"local e = redis.pcall() \(sorted)\" 0", "EVAL \"local e = redis.pcall({}) \(sorted)\" 0",
                    "EVAL \"local e = redis.error_reply('x') \(sorted)\" 0",
                    "EVAL \"local _, e = pcall(redis.call, 'FOO') \(sorted)\" 0",
                ])
    }

    @Test func `what a script that may not write must not call is the same`() throws {
        let calls = ["'pfcount','a'", "'publish','a','b'", "'spublish','a','b'", "'set','a','b'", "'get','a'"]
        try compare(
            calls.flatMap { call in
                [
                    Step("EVAL_RO \"return redis.call(\(call))\" 0"),
                    Step("EVAL \"#!lua flags=no-writes\\nreturn redis.call(\(call))\" 0"),
                ]
            })
    }

    @Test func `scripts and functions draw from one generator, which a flush leaves alone`() throws {
        let draw = "return math.random(1000000)"
        try compare([
            "FUNCTION LOAD \"#!lua name=drawing\\nredis.register_function('drawn', function() \(draw) end)\"",
            "EVAL \"math.randomseed(7) \(draw)\" 0", "FCALL drawn 0", Step("EVAL \"\(draw)\" 0"), "FCALL drawn 0",
            "SCRIPT FLUSH",
            Step("EVAL \"\(draw)\" 0"), "FUNCTION FLUSH",
        ])
    }

    @Test func `values become replies as in Redis`() throws {
        try compareScripts([
            #"KEYS.x=1 KEYS[2]='z' return KEYS"#,
            #"KEYS=1"#,
            #"ARGV={}"#,
            #"return 1 +"#,
            #"return {err='FOO bar'}"#,
            #"return redis.error_reply('a\0b c')"#,
            #"return redis.error_reply('\0b c')"#,
            #"return redis.error_reply('a b\0c')"#,
            #"return {err='a\0b c'}"#,
            #"return {err='FOO'}"#,
            #"return {err='-FOO x'}"#,
            #"return {err='a\nb'}"#,
            #"return {err=1}"#,
            #"return {err=true}"#,
            #"return {ok='x'}"#,
            #"return {ok=1}"#,
            #"return {ok={}}"#,
            #"return {1,2,nil,4}"#,
            #"return {1,{2,{3,{4}}},'x',true,false}"#,
            #"return {double=1.5}"#,
            #"return {double='1.5'}"#,
            #"return {map={a=1}}"#,
            #"return {set={a=true}}"#,
            #"return {big_number='123'}"#,
            #"return {verbatim_string={string='x',format='txt'}}"#,
            #"return {verbatim_string={string='x'}}"#,
            #"return {verbatim_string={string='x',format='text'}}"#,
            #"return {map=1}"#,
            #"return {set=1}"#,
            #"return 3.99"#,
            #"return -3.99"#,
            #"return 1e30"#,
            #"return 0/0"#,
            #"return 1/0"#,
            #"return -1/0"#,
            #"return true"#,
            #"return false"#,
            #"return nil"#,
            #"return"#,
            #"return {}"#,
            #"return {1,foo=2}"#,
            #"return {[1]=1,[2]=2,[4]=4}"#,
            #"return {[0]=1,[1]=2}"#,
            #"return {loadstring('x x')}"#,
            #"return {load(function() return nil end)}"#,
            #"return {load('x')}"#,
            #"return {unpack({1,2,3},2)}"#,
            #"return {select('#',1,2),select(2,'a','b')}"#,
            #"return {tonumber('0x10'),tonumber('10',2),tostring(tonumber('x'))}"#,
            #"return {next({})}"#,
            #"return {type(next),_VERSION}"#,
            #"return {pcall(error,{err='x y'})}"#,
            #"return {pcall(error,{1,2})}"#,
            #"return {pcall(error,{err=5})}"#,
            #"return {pcall(error)}"#,
            #"return {pcall(string.rep)}"#,
            #"return {string.find('abc','b'),string.gsub('abc','b','x')}"#,
            #"return {1,'a',{ok='fine'},{err='E bad'},nil}"#,
            #"return {err='a\n'}"#,
            #"return {err='a\0b c'}"#,
            #"return {ok='a\0b c'}"#,
            #"return {big_number='1\n2'}"#,
            #"return {big_number=1}"#,
            #"return 1 .. 2"#,
            #"return {1e14,1e15,2^53,2^63,-2^63}"#,
            #"return {double=-0.0}"#,
            #"return {double=1/0}"#,
            #"return {double=-1/0}"#,
            #"return {map={}}"#,
            #"return {set={}}"#,
            #"return {map={1,2}}"#,
            #"return {verbatim_string={string='x',format='t'}}"#,
            #"return {verbatim_string={string=1,format='txt'}}"#,
            #"return {{err='x y'},{ok='z'},{double=1}}"#,
            #"return {map={a={1,2}}}"#,
            #"return {}, 1"#,
        ])
    }

    @Test func `commands of a script answer, fail and are refused as in Redis`() throws {
        try compareScripts([
            #"return redis.call('nope')"#,
            #"return redis.call('get')"#,
            #"return redis.call()"#,
            #"return redis.call({})"#,
            #"return redis.call('set','k',{})"#,
            #"return redis.call('set','k',true)"#,
            #"return redis.call('set','k',0.1) and redis.call('get','k')"#,
            #"return redis.call('set','k',3.0) and redis.call('get','k')"#,
            #"return redis.call('set','k',1e20) and redis.call('get','k')"#,
            #"return redis.call('lpush','k',1)"#,
            #"return redis.pcall('lpush','k',1)"#,
            #"local e=redis.pcall('lpush','k',1) local t={} for k,v in pairs(e) do t[#t+1]=k..'='..tostring(v) end table.sort(t) return t"#,
            #"local ok,e=pcall(redis.call,'lpush','k',1) local t={} for k,v in pairs(e) do t[#t+1]=k..'='..tostring(v) end table.sort(t) return t"#,
            #"local ok,e=pcall(redis.call,'nope') local t={} for k,v in pairs(e) do t[#t+1]=k..'='..tostring(v) end table.sort(t) return t"#,
            #"\#nlocal a\#nreturn redis.call('lpush','k',1)"#,
            #"local function f() redis.call('lpush','k',1) end f()"#,
            #"return redis.call"#,
            #"redis.call('multi')"#,
            #"redis.call('eval','return 1',0)"#,
            #"redis.call('subscribe','x')"#,
            #"redis.call('config','get','x')"#,
            #"redis.call('config')"#,
            #"redis.call('config','nope')"#,
            #"redis.call('client','id')"#,
            #"redis.call('auth','x')"#,
            #"redis.call('hello')"#,
            #"redis.call('wait',0,0)"#,
            #"redis.call('script','flush')"#,
            #"redis.call('monitor')"#,
            #"redis.call('shutdown')"#,
            #"redis.call('object','nope')"#,
            #"return redis.call('object','encoding')"#,
            #"return redis.call('select',99)"#,
            #"return redis.call('select',1)"#,
            #"return redis.call('ping')"#,
            #"return redis.call('echo','x')"#,
            #"return redis.call('time')[1]~=nil"#,
            #"return type(redis.call('dbsize'))"#,
            #"return redis.call('quit')"#,
            #"return redis.call('reset')"#,
            #"return coroutine.wrap(function() return redis.call('get','kk') end)()"#,
            #"local co=coroutine.wrap(function() redis.call('lpush','k',1) end) co()"#,
            #"local ok,e=xpcall(function() redis.call('lpush','k') end, function(m) return type(m) end) return e"#,
            #"local ok,e=xpcall(function() redis.call('lpush','k') end, error) return tostring(e)"#,
            #"return {pcall(redis.call)}"#,
            #"redis.call('set','k','v') local r=redis.call('set','k','w','get') return r"#,
            #"redis.call('del','h') redis.call('hset','h','a','1') redis.setresp(3) local r=redis.call('hgetall','h') return {type(r.map),r.map.a}"#,
            #"redis.setresp(3) return redis.call('hgetall','h')"#,
            #"redis.setresp(3) local r=redis.call('get','none') return tostring(r)"#,
            #"redis.setresp(3) redis.call('del','z') redis.call('zadd','z',1.5,'m') local r=redis.call('zscore','z','m') return {type(r),r.double and 'd', tostring(r.double)}"#,
            #"redis.setresp(3) return redis.call('zscore','z','m')"#,
            #"redis.setresp(3) redis.call('sadd','s','x') local r=redis.call('smembers','s') return {tostring(r.set.x)}"#,
            #"redis.setresp(3) return redis.call('smembers','s')"#,
            #"redis.setresp(3) return redis.call('zrange','z',0,-1,'withscores')"#,
            #"local r=redis.call('zrange','z',0,-1,'withscores') return r"#,
            #"return redis.call('zscore','z','m')"#,
            #"redis.setresp(3) return redis.call('mget','k','none')"#,
            #"return redis.call('mget','k','none')"#,
            #"local r=redis.call('lpop','none',5) return tostring(r)"#,
            #"redis.setresp(3) local r=redis.call('lpop','none',5) return tostring(r)"#,
            #"redis.setresp(3) local r=redis.pcall('lpush','k','x') return r"#,
        ])
    }

    @Test func `the library redis answers and fails as in Redis`() throws {
        try compareScripts([
            #"redis.foo=1"#,
            #"return redis.nope"#,
            #"return redis.error_reply('FOO')"#,
            #"return redis.error_reply('FOO bar')"#,
            #"return redis.error_reply('-FOO bar')"#,
            #"return redis.error_reply('-FOO')"#,
            #"return redis.error_reply('')"#,
            #"return redis.error_reply('  x\r\ny\n')"#,
            #"return redis.error_reply(1)"#,
            #"return redis.error_reply()"#,
            #"return redis.error_reply({})"#,
            #"return redis.error_reply('a','b')"#,
            #"return redis.status_reply('FOO')"#,
            #"return redis.status_reply('')"#,
            #"return redis.status_reply(1)"#,
            #"return redis.status_reply()"#,
            #"return redis.status_reply('a\r\nb')"#,
            #"return redis.sha1hex('')"#,
            #"return redis.sha1hex('abc')"#,
            #"return redis.sha1hex(1)"#,
            #"return redis.sha1hex({})"#,
            #"return redis.sha1hex()"#,
            #"return redis.sha1hex('a','b')"#,
            #"return redis.log(redis.LOG_WARNING,'x')"#,
            #"return redis.log(9,'x')"#,
            #"return redis.log(-1,'x')"#,
            #"return redis.log('x','x')"#,
            #"return redis.log(1)"#,
            #"return redis.log()"#,
            #"return redis.log(3,'a','b',{})"#,
            #"return redis.setresp(2)"#,
            #"return redis.setresp(3)"#,
            #"return redis.setresp(4)"#,
            #"return redis.setresp()"#,
            #"return redis.setresp('3')"#,
            #"return redis.setresp('x')"#,
            #"return redis.setresp(2,3)"#,
            #"return redis.replicate_commands()"#,
            #"return tostring(redis.replicate_commands(1))"#,
            #"return redis.set_repl(redis.REPL_ALL)"#,
            #"return redis.set_repl(4)"#,
            #"return redis.set_repl(-1)"#,
            #"return redis.set_repl()"#,
            #"return redis.set_repl('x')"#,
            #"return redis.set_repl(redis.REPL_NONE)"#,
            #"return tostring(redis.acl_check_cmd('get','k'))"#,
            #"return tostring(redis.acl_check_cmd('nope','k'))"#,
            #"return redis.acl_check_cmd()"#,
            #"return redis.acl_check_cmd({})"#,
            #"return tostring(redis.acl_check_cmd('get'))"#,
        ])
    }

    @Test func `the first line says what a script may do`() throws {
        try compareScripts([
            #" #!lua\#nreturn 1"#
        ])
    }
}
