/// What is known to be otherwise than in Redis 7.0, each with its reason; reviewed, and never more than 20.
struct Deviation {
    /// As in COMMAND DOCS; empty for what concerns no single command.
    var commands: [String]
    var what: String
    var why: String

    static let all = [
        Deviation(
            commands: ["time"], what: "inside a script TIME answers the time at which the script began",
            why: "all of a script happens at one moment of the resource's clock, its expiries as well"),
        Deviation(
            commands: ["eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro"],
            what:
                """
                a script that runs for a minute is ended with an error, also when it has written (on macOS one \
                that exceeds busy-reply-threshold); one that is killed cannot catch that, not even in the line it is in. \
                What the values of a cache's scripts take is bounded by 128 MB ("not enough memory"), and a pattern by \
                8,000 parts ("pattern too complex"); beyond 32 MB scripts that only EVAL has brought are forgotten, the \
                oldest first
                """,
            why:
                """
                SHUTDOWN NOSAVE, Redis's only way out, is not for apps; swaps wait for the script; time, memory and \
                stack of the daemon are other resources' as well
                """),
        Deviation(
            commands: [
                "zpopmin", "zpopmax", "zmpop", "bzpopmin", "bzpopmax", "bzmpop", "xclaim", "xautoclaim",
            ],
            what: "in RESP3 a client that hears of its own change is told before or behind the whole reply",
            why: "Redis writes the message into the middle of the reply, where no client reads one"),
        Deviation(
            commands: ["pfadd", "pfmerge", "pfcount"],
            what: "registers that are broken are found before anything is changed, a cut one too",
            why: "Redis finds them in the middle of its work and leaves what it has done by then"),
        Deviation(
            commands: ["scan", "sscan", "hscan", "zscan"],
            what: "cursors are other numbers, with an epoch in bits 46-52",
            why: "so that a cursor survives a swap of the provider"),
        Deviation(
            commands: ["config|set"],
            what:
                "a value that would have no effect on what a cache does is refused, and one above what a cache among others may take",
            why: "what is accepted and ignored is found too late"),
        Deviation(
            commands: ["slowlog|get"],
            what:
                """
                from a threshold of a millisecond on, commands with the flag fast, SET and CLIENT are not timed; of a command \
                with a password that is written wrongly more is redacted
                """,
            why: "the clock would cost them a tenth of their time; a password may stand anywhere there"),
        Deviation(
            commands: ["info", "latency|histogram", "client|list", "client|info"],
            what:
                """
                times of commands with the flag fast, of SET and CLIENT, are estimates from samples, in nanoseconds; of INFO \
                fields that would be invented are left out, of CLIENT LIST those of Redis's own buffers (fd, qbuf-free, \
                argv-mem, multi-mem, rbs, rbp, oll) are 0
                """,
            why: "the clock would cost them a tenth of their time"),
        Deviation(
            commands: ["command|docs", "command|info", "lolwut"],
            what:
                """
                DOCS answers versions, groups, arguments and subcommands without texts, INFO key specifications without \
                their notes; what LOLWUT draws is another picture
                """,
            why: "texts and pictures are Redis's own"),
        Deviation(
            commands: ["memory|stats", "memory|doctor", "memory|malloc-stats", "latency|doctor"],
            what: "they tell of the cache's own arena, in sentences of their own",
            why: "its memory is laid out otherwise"),
        Deviation(
            commands: ["debug"],
            what:
                """
                by the plan `debug` alone, and no more than SLEEP, SET-ACTIVE-EXPIRE, OBJECT, ERROR, PROTOCOL, DIGEST, \
                DIGEST-VALUE, POPULATE, RELOAD, CHANGE-REPL-ID and QUICKLIST-PACKED-THRESHOLD
                """,
            why: "the rest reaches into the server, and would end the daemon of other resources"),
        Deviation(
            commands: ["save", "bgsave", "bgrewriteaof"],
            what: "a cache that is not durable answers an error; LASTSAVE answers when it was started",
            why: "there is no place to save to, and an OK would be believed"),
        Deviation(
            commands: ["replicaof", "slaveof"], what: "another server cannot be followed; NO ONE is answered OK",
            why: "a swap brings another server's data"),
        Deviation(
            commands: ["psync", "sync"],
            what: "a snapshot goes out at once, without repl-diskless-sync-delay, and each replica gets one of its own",
            why: "it costs no other process"),
        Deviation(
            commands: ["acl|setuser", "acl|deluser", "acl|whoami", "auth"],
            what:
                """
                an app makes users with at most its own rights, and changes neither its own user nor `default`, another \
                attachment's, or what another attachment has made; who logs in as `default`, or with a password alone, \
                is the attachment whose password it is
                """,
            why: "an app does not raise its own rights, and what it does is known as its own"),
        Deviation(
            commands: ["pfmerge", "zdiffstore", "zinterstore", "zunionstore"],
            what: "the key that is written is checked against the user's rules also where no source is named",
            why: "Redis then looks at none of the keys, and PFMERGE writes what the user may not write"),
        Deviation(
            commands: ["client|setinfo"], what: "it is there, though it is of Redis 7.2",
            why: "clients of today send it when they connect, and some take its refusal ill"),
        Deviation(
            commands: ["srandmember", "hrandfield", "zrandmember"],
            what: "with a negative count of many millions they are refused",
            why: "Redis makes the reply until its memory is full"),
        Deviation(
            commands: [
                "zremrangebylex", "zrangebylex", "zrevrangebylex", "zlexcount", "zrange", "zrangestore",
            ],
            what: "by their names, members of different scores are found otherwise",
            why: "Redis leaves the result undefined, and it depends on its skip list"),
        Deviation(
            commands: ["geosearch", "geosearchstore", "georadius", "georadiusbymember"],
            what:
                "from a centre on the 180th meridian, or as far north as there is, members far away are found as well",
            why: "Redis misses them, since the cell of such a centre lies beyond its grid"),
    ]
}

/// Why a command of Redis is not there, or refused.
enum Absence {
    static let reasons: [String: String] = [
        "failover": "it would make the resource another's replica",
        "migrate": "it would connect to another host; a swap moves data",
        "pfdebug": "for the tests of Redis itself", "pfselftest": "for the tests of Redis itself",
        "shutdown": "it would end the daemon of all resources",
        "client": "not yet", "config": "there is no file to write to", "function": "not yet",
        "object": "not yet", "script": "not yet", "xinfo": "not yet", "pubsub": "not yet",
    ]

    /// Of a command or a subcommand.
    static func reason(_ name: String) -> String? {
        reasons[name] ?? name.split(separator: "|").first.flatMap { reasons[String($0)] }
    }
}
