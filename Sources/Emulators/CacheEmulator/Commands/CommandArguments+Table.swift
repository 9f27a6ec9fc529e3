extension CommandArgument {
    /// What Redis 7.0 says of the arguments of its commands in COMMAND DOCS: a line each, in the form that `Reader` reads.
    static let table = """
        acl|cat categoryname:s?
        acl|deluser username:s*
        acl|dryrun username:s command:s arg:s?*
        acl|genpass bits:i?
        acl|getuser username:s
        acl|log operation:o?(count:i reset:p=RESET)
        acl|setuser username:s rule:s?*
        append key:k@0 value:s
        auth username:s?#6.0.0 password:s
        bgsave schedule:p?=SCHEDULE#3.2.2
        bitcount key:k@0 index:b?(start:i end:i index_unit:o?#7.0.0(byte:p=BYTE bit:p=BIT))
        bitfield key:k@0 operation:o?*(encoding_offset:b=GET(encoding:s offset:i) \
        write:b(wrap_sat_fail:o?=OVERFLOW(wrap:p=WRAP sat:p=SAT fail:p=FAIL) \
        write_operation:o(encoding_offset_value:b=SET(encoding:s offset:i value:i) \
        encoding_offset_increment:b=INCRBY(encoding:s offset:i increment:i))))
        bitfield_ro key:k@0 encoding_offset:b?*+=GET(encoding:s offset:i)
        bitop operation:s destkey:k@0 key:k@1*
        bitpos key:k@0 bit:i index:b?(start:i end_index:b?(end:i index_unit:o?#7.0.0(byte:p=BYTE bit:p=BIT)))
        blmove source:k@0 destination:k@1 wherefrom:o(left:p=LEFT right:p=RIGHT) whereto:o(left:p=LEFT right:p=RIGHT) \
        timeout:d
        blmpop timeout:d numkeys:i key:k@0* where:o(left:p=LEFT right:p=RIGHT) count:i?=COUNT
        blpop key:k@0* timeout:d
        brpop key:k@0* timeout:d
        brpoplpush source:k@0 destination:k@1 timeout:d
        bzmpop timeout:d numkeys:i key:k@0* where:o(min:p=MIN max:p=MAX) count:i?=COUNT
        bzpopmax key:k@0* timeout:d
        bzpopmin key:k@0* timeout:d
        client|caching mode:o(yes:p=YES no:p=NO)
        client|kill filter:o(ip:port:s!2.8.12 new-format:o*(client-id:i?=ID#2.8.12 \
        normal_master_slave_pubsub:o?=TYPE#2.8.12(normal:p=NORMAL master:p=MASTER#3.2.0 slave:p=SLAVE \
        replica:p=REPLICA#5.0.0 pubsub:p=PUBSUB) username:s?=USER ip:port:s?=ADDR ip:port:s?=LADDR#6.2.0 \
        yes/no:s?=SKIPME))
        client|list normal_master_replica_pubsub:o?=TYPE#5.0.0(normal:p=NORMAL master:p=MASTER replica:p=REPLICA \
        pubsub:p=PUBSUB) id:b?=ID#6.2.0(client-id:i*)
        client|no-evict enabled:o(on:p=ON off:p=OFF)
        client|pause timeout:i mode:o?#6.2.0(write:p=WRITE all:p=ALL)
        client|reply on_off_skip:o(on:p=ON off:p=OFF skip:p=SKIP)
        client|setname connection-name:s
        client|tracking status:o(on:p=ON off:p=OFF) client-id:i?=REDIRECT prefix:s?*+=PREFIX bcast:p?=BCAST \
        optin:p?=OPTIN optout:p?=OPTOUT noloop:p?=NOLOOP
        client|unblock client-id:i timeout_error:o?(timeout:p=TIMEOUT error:p=ERROR)
        cluster|addslots slot:i*
        cluster|addslotsrange start-slot_end-slot:b*(start-slot:i end-slot:i)
        cluster|count-failure-reports node-id:s
        cluster|countkeysinslot slot:i
        cluster|delslots slot:i*
        cluster|delslotsrange start-slot_end-slot:b*(start-slot:i end-slot:i)
        cluster|failover options:o?(force:p=FORCE takeover:p=TAKEOVER)
        cluster|forget node-id:s
        cluster|getkeysinslot slot:i count:i
        cluster|keyslot key:s
        cluster|meet ip:s port:i cluster_bus_port:i?#4.0.0
        cluster|replicas node-id:s
        cluster|replicate node-id:s
        cluster|reset hard_soft:o?(hard:p=HARD soft:p=SOFT)
        cluster|set-config-epoch config-epoch:i
        cluster|setslot slot:i subcommand:o(node-id:s=IMPORTING node-id:s=MIGRATING node-id:s=NODE stable:p=STABLE)
        cluster|slaves node-id:s
        command|docs command-name:s?*
        command|info command-name:s?*
        command|list filterby:o?=FILTERBY(module-name:s=MODULE category:s=ACLCAT pattern:g=PATTERN)
        config|get parameter:b*(parameter:s)
        config|set parameter_value:b*(parameter:s value:s)
        copy source:k@0 destination:k@1 destination-db:i?=DB replace:p?=REPLACE
        decr key:k@0
        decrby key:k@0 decrement:i
        del key:k@0*
        dump key:k@0
        echo message:s
        eval script:s numkeys:i key:k@0?* arg:s?*
        eval_ro script:s numkeys:i key:k@0?* arg:s?*
        evalsha sha1:s numkeys:i key:k@0?* arg:s?*
        evalsha_ro sha1:s numkeys:i key:k@0?* arg:s?*
        exists key:k@0*
        expire key:k@0 seconds:i condition:o?#7.0.0(nx:p=NX xx:p=XX gt:p=GT lt:p=LT)
        expireat key:k@0 unix-time-seconds:t condition:o?#7.0.0(nx:p=NX xx:p=XX gt:p=GT lt:p=LT)
        expiretime key:k@0
        failover target:b?=TO(host:s port:i force:p?=FORCE) abort:p?=ABORT milliseconds:i?=TIMEOUT
        fcall function:s numkeys:i key:k@0?* arg:s?*
        fcall_ro function:s numkeys:i key:k@0?* arg:s?*
        flushall async:o?(async:p=ASYNC#4.0.0 sync:p=SYNC#6.2.0)
        flushdb async:o?(async:p=ASYNC#4.0.0 sync:p=SYNC#6.2.0)
        function|delete library-name:s
        function|flush async:o?(async:p=ASYNC sync:p=SYNC)
        function|list library-name-pattern:s?=LIBRARYNAME withcode:p?=WITHCODE
        function|load replace:p?=REPLACE function-code:s
        function|restore serialized-value:s policy:o?(flush:p=FLUSH append:p=APPEND replace:p=REPLACE)
        geoadd key:k@0 condition:o?#6.2.0(nx:p=NX xx:p=XX) change:p?=CH#6.2.0 longitude_latitude_member:b*(longitude:d \
        latitude:d member:s)
        geodist key:k@0 member1:s member2:s unit:o?(m:p=M km:p=KM ft:p=FT mi:p=MI)
        geohash key:k@0 member:s*
        geopos key:k@0 member:s*
        georadius key:k@0 longitude:d latitude:d radius:d unit:o(m:p=M km:p=KM ft:p=FT mi:p=MI) withcoord:p?=WITHCOORD \
        withdist:p?=WITHDIST withhash:p?=WITHHASH count:b?(count:i=COUNT any:p?=ANY#6.2.0) order:o?(asc:p=ASC \
        desc:p=DESC) key:k@1?=STORE key:k@2?=STOREDIST
        georadius_ro key:k@0 longitude:d latitude:d radius:d unit:o(m:p=M km:p=KM ft:p=FT mi:p=MI) \
        withcoord:p?=WITHCOORD withdist:p?=WITHDIST withhash:p?=WITHHASH count:b?(count:i=COUNT any:p?=ANY#6.2.0) \
        order:o?(asc:p=ASC desc:p=DESC)
        georadiusbymember key:k@0 member:s radius:d unit:o(m:p=M km:p=KM ft:p=FT mi:p=MI) withcoord:p?=WITHCOORD \
        withdist:p?=WITHDIST withhash:p?=WITHHASH count:b?(count:i=COUNT any:p?=ANY) order:o?(asc:p=ASC desc:p=DESC) \
        key:k@1?=STORE key:k@2?=STOREDIST
        georadiusbymember_ro key:k@0 member:s radius:d unit:o(m:p=M km:p=KM ft:p=FT mi:p=MI) withcoord:p?=WITHCOORD \
        withdist:p?=WITHDIST withhash:p?=WITHHASH count:b?(count:i=COUNT any:p?=ANY) order:o?(asc:p=ASC desc:p=DESC)
        geosearch key:k@0 from:o(member:s=FROMMEMBER longitude_latitude:b=FROMLONLAT(longitude:d latitude:d)) \
        by:o(circle:b(radius:d=BYRADIUS unit:o(m:p=M km:p=KM ft:p=FT mi:p=MI)) box:b(width:d=BYBOX height:d \
        unit:o(m:p=M km:p=KM ft:p=FT mi:p=MI))) order:o?(asc:p=ASC desc:p=DESC) count:b?(count:i=COUNT any:p?=ANY) \
        withcoord:p?=WITHCOORD withdist:p?=WITHDIST withhash:p?=WITHHASH
        geosearchstore destination:k@0 source:k@1 from:o(member:s=FROMMEMBER \
        longitude_latitude:b=FROMLONLAT(longitude:d latitude:d)) by:o(circle:b(radius:d=BYRADIUS unit:o(m:p=M km:p=KM \
        ft:p=FT mi:p=MI)) box:b(width:d=BYBOX height:d unit:o(m:p=M km:p=KM ft:p=FT mi:p=MI))) order:o?(asc:p=ASC \
        desc:p=DESC) count:b?(count:i=COUNT any:p?=ANY) storedist:p?=STOREDIST
        get key:k@0
        getbit key:k@0 offset:i
        getdel key:k@0
        getex key:k@0 expiration:o?(seconds:i=EX milliseconds:i=PX unix-time-seconds:t=EXAT \
        unix-time-milliseconds:t=PXAT persist:p=PERSIST)
        getrange key:k@0 start:i end:i
        getset key:k@0 value:s
        hdel key:k@0 field:s*
        hello arguments:b?(protover:i username_password:b?=AUTH(username:s password:s) clientname:s?=SETNAME)
        hexists key:k@0 field:s
        hget key:k@0 field:s
        hgetall key:k@0
        hincrby key:k@0 field:s increment:i
        hincrbyfloat key:k@0 field:s increment:d
        hkeys key:k@0
        hlen key:k@0
        hmget key:k@0 field:s*
        hmset key:k@0 field_value:b*(field:s value:s)
        hrandfield key:k@0 options:b?(count:i withvalues:p?=WITHVALUES)
        hscan key:k@0 cursor:i pattern:g?=MATCH count:i?=COUNT
        hset key:k@0 field_value:b*(field:s value:s)
        hsetnx key:k@0 field:s value:s
        hstrlen key:k@0 field:s
        hvals key:k@0
        incr key:k@0
        incrby key:k@0 increment:i
        incrbyfloat key:k@0 increment:d
        info section:s?*
        keys pattern:g
        latency|graph event:s
        latency|histogram command:s?*
        latency|history event:s
        latency|reset event:s?*
        lcs key1:k@0 key2:k@0 len:p?=LEN idx:p?=IDX len:i?=MINMATCHLEN withmatchlen:p?=WITHMATCHLEN
        lindex key:k@0 index:i
        linsert key:k@0 where:o(before:p=BEFORE after:p=AFTER) pivot:s element:s
        llen key:k@0
        lmove source:k@0 destination:k@1 wherefrom:o(left:p=LEFT right:p=RIGHT) whereto:o(left:p=LEFT right:p=RIGHT)
        lmpop numkeys:i key:k@0* where:o(left:p=LEFT right:p=RIGHT) count:i?=COUNT
        lolwut version:i?=VERSION
        lpop key:k@0 count:i?#6.2.0
        lpos key:k@0 element:s rank:i?=RANK num-matches:i?=COUNT len:i?=MAXLEN
        lpush key:k@0 element:s*
        lpushx key:k@0 element:s*
        lrange key:k@0 start:i stop:i
        lrem key:k@0 count:i element:s
        lset key:k@0 index:i element:s
        ltrim key:k@0 start:i stop:i
        memory|usage key:k@0 count:i?=SAMPLES
        mget key:k@0*
        migrate host:s port:i key_or_empty_string:o(key:k@0 empty_string:p="") destination-db:i timeout:i \
        copy:p?=COPY#3.0.0 replace:p?=REPLACE#3.0.0 authentication:o?(password:s?=AUTH#4.0.7 \
        username_password:b?=AUTH2#6.0.0(username:s password:s)) key:k@1?*=KEYS#3.0.6
        module|load path:s arg:s?*
        module|loadex path:s configs:b?*+=CONFIG(name:s value:s) args:b?*=ARGS(arg:s)
        module|unload name:s
        move key:k@0 db:i
        mset key_value:b*(key:k@0 value:s)
        msetnx key_value:b*(key:k@0 value:s)
        object|encoding key:k@0
        object|freq key:k@0
        object|idletime key:k@0
        object|refcount key:k@0
        persist key:k@0
        pexpire key:k@0 milliseconds:i condition:o?#7.0.0(nx:p=NX xx:p=XX gt:p=GT lt:p=LT)
        pexpireat key:k@0 unix-time-milliseconds:t condition:o?#7.0.0(nx:p=NX xx:p=XX gt:p=GT lt:p=LT)
        pexpiretime key:k@0
        pfadd key:k@0 element:s?*
        pfcount key:k@0*
        pfdebug subcommand:s key:k@0
        pfmerge destkey:k@0 sourcekey:k@1*
        ping message:s?
        psetex key:k@0 milliseconds:i value:s
        psubscribe pattern:b*(pattern:g)
        psync replicationid:s offset:i
        pttl key:k@0
        publish channel:s message:s
        pubsub|channels pattern:g?
        pubsub|numsub channel:s?*
        pubsub|shardchannels pattern:g?
        pubsub|shardnumsub shardchannel:s?*
        punsubscribe pattern:g?*
        rename key:k@0 newkey:k@1
        renamenx key:k@0 newkey:k@1
        replicaof args:o(host-port:b(host:s port:i) no-one:b(no:p=NO one:p=ONE))
        restore key:k@0 ttl:i serialized-value:s replace:p?=REPLACE#3.0.0 absttl:p?=ABSTTL#5.0.0 \
        seconds:i?=IDLETIME#5.0.0 frequency:i?=FREQ#5.0.0
        restore-asking key:k@0 ttl:i serialized-value:s replace:p?=REPLACE#3.0.0 absttl:p?=ABSTTL#5.0.0 \
        seconds:i?=IDLETIME#5.0.0 frequency:i?=FREQ#5.0.0
        rpop key:k@0 count:i?#6.2.0
        rpoplpush source:k@0 destination:k@1
        rpush key:k@0 element:s*
        rpushx key:k@0 element:s*
        sadd key:k@0 member:s*
        scan cursor:i pattern:g?=MATCH count:i?=COUNT type:s?=TYPE#6.0.0
        scard key:k@0
        script|debug mode:o(yes:p=YES sync:p=SYNC no:p=NO)
        script|exists sha1:s*
        script|flush async:o?#6.2.0(async:p=ASYNC sync:p=SYNC)
        script|load script:s
        sdiff key:k@0*
        sdiffstore destination:k@0 key:k@1*
        select index:i
        set key:k@0 value:s condition:o?#2.6.12(nx:p=NX xx:p=XX) get:p?=GET#6.2.0 expiration:o?(seconds:i=EX#2.6.12 \
        milliseconds:i=PX#2.6.12 unix-time-seconds:t=EXAT#6.2.0 unix-time-milliseconds:t=PXAT#6.2.0 \
        keepttl:p=KEEPTTL#6.0.0)
        setbit key:k@0 offset:i value:i
        setex key:k@0 seconds:i value:s
        setnx key:k@0 value:s
        setrange key:k@0 offset:i value:s
        shutdown nosave_save:o?(nosave:p=NOSAVE save:p=SAVE) now:p?=NOW#7.0.0 force:p?=FORCE#7.0.0 \
        abort:p?=ABORT#7.0.0
        sinter key:k@0*
        sintercard numkeys:i key:k@0* limit:i?=LIMIT
        sinterstore destination:k@0 key:k@1*
        sismember key:k@0 member:s
        slaveof args:o(host-port:b(host:s port:i) no-one:b(no:p=NO one:p=ONE))
        slowlog|get count:i?
        smembers key:k@0
        smismember key:k@0 member:s*
        smove source:k@0 destination:k@1 member:s
        sort key:k@0 pattern:g@1?=BY offset_count:b?=LIMIT(offset:i count:i) pattern:g@1?*+=GET order:o?(asc:p=ASC \
        desc:p=DESC) sorting:p?=ALPHA destination:k@2?=STORE
        sort_ro key:k@0 pattern:g@1?=BY offset_count:b?=LIMIT(offset:i count:i) pattern:g@1?*+=GET order:o?(asc:p=ASC \
        desc:p=DESC) sorting:p?=ALPHA
        spop key:k@0 count:i?#3.2.0
        spublish shardchannel:s message:s
        srandmember key:k@0 count:i?#2.6.0
        srem key:k@0 member:s*
        sscan key:k@0 cursor:i pattern:g?=MATCH count:i?=COUNT
        ssubscribe shardchannel:s*
        strlen key:k@0
        subscribe channel:s*
        substr key:k@0 start:i end:i
        sunion key:k@0*
        sunionstore destination:k@0 key:k@1*
        sunsubscribe shardchannel:s?*
        swapdb index1:i index2:i
        touch key:k@0*
        ttl key:k@0
        type key:k@0
        unlink key:k@0*
        unsubscribe channel:s?*
        wait numreplicas:i timeout:i
        watch key:k@0*
        xack key:k@0 group:s id:s*
        xadd key:k@0 nomkstream:p?=NOMKSTREAM#6.2.0 trim:b?(strategy:o(maxlen:p=MAXLEN minid:p=MINID#6.2.0) \
        operator:o?(equal:p== approximately:p=~) threshold:s count:i?=LIMIT#6.2.0) id_or_auto:o(auto_id:p=* id:s) \
        field_value:b*(field:s value:s)
        xautoclaim key:k@0 group:s consumer:s min-idle-time:s start:s count:i?=COUNT justid:p?=JUSTID
        xclaim key:k@0 group:s consumer:s min-idle-time:s id:s* ms:i?=IDLE unix-time-milliseconds:t?=TIME \
        count:i?=RETRYCOUNT force:p?=FORCE justid:p?=JUSTID id:s?=LASTID
        xdel key:k@0 id:s*
        xgroup|create key:k@0 groupname:s id:o(id:s new_id:p=$) mkstream:p?=MKSTREAM entries_read:i?=ENTRIESREAD
        xgroup|createconsumer key:k@0 groupname:s consumername:s
        xgroup|delconsumer key:k@0 groupname:s consumername:s
        xgroup|destroy key:k@0 groupname:s
        xgroup|setid key:k@0 groupname:s id:o(id:s new_id:p=$) entries_read:i?=ENTRIESREAD
        xinfo|consumers key:k@0 groupname:s
        xinfo|groups key:k@0
        xinfo|stream key:k@0 full:b?=FULL(count:i?=COUNT)
        xlen key:k@0
        xpending key:k@0 group:s filters:b?(min-idle-time:i?=IDLE#6.2.0 start:s end:s count:i consumer:s?)
        xrange key:k@0 start:s end:s count:i?=COUNT
        xread count:i?=COUNT milliseconds:i?=BLOCK streams:b=STREAMS(key:k@0* id:s*)
        xreadgroup group_consumer:b=GROUP(group:s consumer:s) count:i?=COUNT milliseconds:i?=BLOCK noack:p?=NOACK \
        streams:b=STREAMS(key:k@0* id:s*)
        xrevrange key:k@0 end:s start:s count:i?=COUNT
        xsetid key:k@0 last-id:s entries_added:i?=ENTRIESADDED#7.0.0 max_deleted_entry_id:s?=MAXDELETEDID#7.0.0
        xtrim key:k@0 trim:b(strategy:o(maxlen:p=MAXLEN minid:p=MINID#6.2.0) operator:o?(equal:p== approximately:p=~) \
        threshold:s count:i?=LIMIT#6.2.0)
        zadd key:k@0 condition:o?#3.0.2(nx:p=NX xx:p=XX) comparison:o?#6.2.0(gt:p=GT lt:p=LT) change:p?=CH#3.0.2 \
        increment:p?=INCR#3.0.2 score_member:b*(score:d member:s)
        zcard key:k@0
        zcount key:k@0 min:d max:d
        zdiff numkeys:i key:k@0* withscores:p?=WITHSCORES
        zdiffstore destination:k@0 numkeys:i key:k@1*
        zincrby key:k@0 increment:i member:s
        zinter numkeys:i key:k@0* weight:i?*=WEIGHTS aggregate:o?=AGGREGATE(sum:p=SUM min:p=MIN max:p=MAX) \
        withscores:p?=WITHSCORES
        zintercard numkeys:i key:k@0* limit:i?=LIMIT
        zinterstore destination:k@0 numkeys:i key:k@1* weight:i?*=WEIGHTS aggregate:o?=AGGREGATE(sum:p=SUM min:p=MIN \
        max:p=MAX)
        zlexcount key:k@0 min:s max:s
        zmpop numkeys:i key:k@0* where:o(min:p=MIN max:p=MAX) count:i?=COUNT
        zmscore key:k@0 member:s*
        zpopmax key:k@0 count:i?
        zpopmin key:k@0 count:i?
        zrandmember key:k@0 options:b?(count:i withscores:p?=WITHSCORES)
        zrange key:k@0 start:s stop:s sortby:o?#6.2.0(byscore:p=BYSCORE bylex:p=BYLEX) rev:p?=REV#6.2.0 \
        offset_count:b?=LIMIT#6.2.0(offset:i count:i) withscores:p?=WITHSCORES
        zrangebylex key:k@0 min:s max:s offset_count:b?=LIMIT(offset:i count:i)
        zrangebyscore key:k@0 min:d max:d withscores:p?=WITHSCORES#2.0.0 offset_count:b?=LIMIT(offset:i count:i)
        zrangestore dst:k@0 src:k@1 min:s max:s sortby:o?(byscore:p=BYSCORE bylex:p=BYLEX) rev:p?=REV \
        offset_count:b?=LIMIT(offset:i count:i)
        zrank key:k@0 member:s
        zrem key:k@0 member:s*
        zremrangebylex key:k@0 min:s max:s
        zremrangebyrank key:k@0 start:i stop:i
        zremrangebyscore key:k@0 min:d max:d
        zrevrange key:k@0 start:i stop:i withscores:p?=WITHSCORES
        zrevrangebylex key:k@0 max:s min:s offset_count:b?=LIMIT(offset:i count:i)
        zrevrangebyscore key:k@0 max:d min:d withscores:p?=WITHSCORES offset_count:b?=LIMIT(offset:i count:i)
        zrevrank key:k@0 member:s
        zscan key:k@0 cursor:i pattern:g?=MATCH count:i?=COUNT
        zscore key:k@0 member:s
        zunion numkeys:i key:k@0* weight:i?*=WEIGHTS aggregate:o?=AGGREGATE(sum:p=SUM min:p=MIN max:p=MAX) \
        withscores:p?=WITHSCORES
        zunionstore destination:k@0 numkeys:i key:k@1* weight:i?*=WEIGHTS aggregate:o?=AGGREGATE(sum:p=SUM min:p=MIN \
        max:p=MAX)
        """
}
