import RESPWire

/// Every error text that commands answer, in one place; worded as Redis 7.0.
enum ErrorText {
    static let outOfMemory: StaticString = "OOM command not allowed when used memory > 'maxmemory'."
    static let wrongType: StaticString = "WRONGTYPE Operation against a key holding the wrong kind of value"
    static let syntax: StaticString = "ERR syntax error"
    static let notAnInteger: StaticString = "ERR value is not an integer or out of range"
    static let notAFloat: StaticString = "ERR value is not a valid float"
    static let noSuchKey: StaticString = "ERR no such key"
    static let busyKey: StaticString = "BUSYKEY Target key name already exists."
    static let indexOutOfRange: StaticString = "ERR index out of range"
    static let overflow: StaticString = "ERR increment or decrement would overflow"
    static let decrementOverflow: StaticString = "ERR decrement would overflow"
    static let notFinite: StaticString = "ERR increment would produce NaN or Infinity"
    static let notFiniteScore: StaticString = "ERR resulting score is not a number (NaN)"
    static let tooLong: StaticString = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
    static let offsetOutOfRange: StaticString = "ERR offset is out of range"
    static let outOfRange: StaticString = "ERR value is out of range"
    static let notPositive: StaticString = "ERR value is out of range, must be positive"
    static let databaseOutOfRange: StaticString = "ERR DB index is out of range"
    static let outOfInt32: StaticString =
        "ERR value is out of range, value must between -2147483648 and 2147483647"
    static let sameObject: StaticString = "ERR source and destination objects are the same"
    static let invalidCursor: StaticString = "ERR invalid cursor"
    static let expiryOptions: StaticString =
        "ERR NX and XX, GT or LT options at the same time are not compatible"
    static let expiryOptionsGTLT: StaticString = "ERR GT and LT options at the same time are not compatible"
    static let nestedMulti: StaticString = "ERR MULTI calls can not be nested"
    static let execWithoutMulti: StaticString = "ERR EXEC without MULTI"
    static let discardWithoutMulti: StaticString = "ERR DISCARD without MULTI"
    static let watchInsideMulti: StaticString = "ERR WATCH inside MULTI is not allowed"
    static let rankZero: StaticString =
        """
        ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start \
        from the end of the list
        """
    static let negativeCount: StaticString = "ERR COUNT can't be negative"
    static let negativeLength: StaticString = "ERR MAXLEN can't be negative"
    static let negativeLimit: StaticString = "ERR LIMIT can't be negative"
    static let keyCountNotPositive: StaticString = "ERR numkeys should be greater than 0"
    static let countNotPositive: StaticString = "ERR count should be greater than 0"
    static let outsideSymmetricRange: StaticString =
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
    static let scoreBound: StaticString = "ERR min or max is not a float"
    static let memberBound: StaticString = "ERR min or max not valid string range item"
    static let weight: StaticString = "ERR weight value is not a float"
    static let addOptions: StaticString = "ERR XX and NX options at the same time are not compatible"
    static let addOptionsGTLT: StaticString =
        "ERR GT, LT, and/or NX options at the same time are not compatible"
    static let incrementPairs: StaticString = "ERR INCR option supports a single increment-element pair"
    static let limitOfRanks: StaticString =
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
    static let scoresByMember: StaticString =
        "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
    static let sortScore: StaticString = "ERR One or more scores can't be converted into double"
    static let noHyperLogLog: StaticString = "WRONGTYPE Key is not a valid HyperLogLog string value."
    static let corruptHyperLogLog: StaticString = "INVALIDOBJ Corrupted HLL object detected"
    static let unitOfLength: StaticString = "ERR unsupported unit provided. please use M, KM, FT, MI"
    static let noPlaceOfMember: StaticString = "ERR could not decode requested zset member"
    static let notInsideMulti: StaticString = "ERR Command not allowed inside a transaction"
    static let execAborted: StaticString = "EXECABORT Transaction discarded because of previous errors."
    static let timeoutNotAFloat: StaticString = "ERR timeout is not a float or out of range"
    static let timeoutNotAnInteger: StaticString = "ERR timeout is not an integer or out of range"
    static let timeoutNegative: StaticString = "ERR timeout is negative"
    static let unblocked: StaticString = "UNBLOCKED client unblocked via CLIENT UNBLOCK"
    static let streamID: StaticString = "ERR Invalid stream ID specified as stream command argument"
    static let streamIDZero: StaticString = "ERR The ID specified in XADD must be greater than 0-0"
    static let streamIDNotAbove: StaticString =
        "ERR The ID specified in XADD is equal or smaller than the target stream top item"
    static let streamExhausted: StaticString =
        "ERR The stream has exhausted the last possible ID, unable to add more items"
    static let streamEntryTooLarge: StaticString = "ERR Elements are too large to be stored"
    static let streamStart: StaticString = "ERR invalid start ID for the interval"
    static let streamEnd: StaticString = "ERR invalid end ID for the interval"
    static let trimOptions: StaticString =
        "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
    static let trimLength: StaticString = "ERR The MAXLEN argument must be >= 0."
    static let trimLimit: StaticString = "ERR The LIMIT argument must be >= 0."
    static let trimLimitAlone: StaticString =
        "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
    static let trimLimitExact: StaticString =
        "ERR syntax error, LIMIT cannot be used without the special ~ option"
    static let trimWithoutBound: StaticString = "ERR syntax error, XTRIM must be called with a trimming strategy"
    static let entriesAddedNegative: StaticString = "ERR entries_added must be positive"
    static let entriesAddedTooSmall: StaticString =
        "ERR The entries_added specified in XSETID is smaller than the target stream length"
    static let lastIDBelowGivenDeleted: StaticString =
        "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
    static let lastIDBelowTop: StaticString =
        "ERR The ID specified in XSETID is smaller than the target stream top item"
    static let entriesReadNegative: StaticString = "ERR value for ENTRIESREAD must be positive or -1"
    static let groupNeedsKey: StaticString =
        """
        ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM \
        option to create an empty stream automatically.
        """
    static let busyGroup: StaticString = "BUSYGROUP Consumer Group name already exists"
    static let groupOfRead: StaticString =
        "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."
    static let noAckOfRead: StaticString =
        "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."
    /// XREADGROUP's too.
    static let unbalancedStreams: StaticString =
        "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
    static let readWithoutGroup: StaticString = "ERR Missing GROUP option for XREADGROUP"
    static let lastOfGroup: StaticString =
        """
        ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by \
        specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.
        """
    static let newOfRead: StaticString =
        "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
    static let streamGone: StaticString = "UNBLOCKED the stream key no longer exists"
    static let groupGone: StaticString = "NOGROUP the consumer group this client was blocked on no longer exists"
    static let claimIdle: StaticString = "ERR Invalid min-idle-time argument for XCLAIM"
    static let claimIdleOption: StaticString = "ERR Invalid IDLE option argument for XCLAIM"
    static let claimTime: StaticString = "ERR Invalid TIME option argument for XCLAIM"
    static let claimRetries: StaticString = "ERR Invalid RETRYCOUNT option argument for XCLAIM"
    static let autoclaimIdle: StaticString = "ERR Invalid min-idle-time argument for XAUTOCLAIM"
    static let autoclaimCount: StaticString = "ERR COUNT must be > 0"
    static let ephemeral: StaticString =
        "ERR this cache is ephemeral: it keeps nothing on disk, and there is no place to save to"
    static let isSaving: StaticString = "ERR Background save already in progress"
    static let isRewriting: StaticString = "ERR Background append only file rewriting already in progress"
    static let isRewritingNotSaving: StaticString =
        """
        ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a \
        BGSAVE whenever possible.
        """
    static let notSaved: StaticString = "ERR the snapshot could not be written to disk"
    static let pendingOutput: StaticString = "ERR SYNC and PSYNC are invalid with pending output"
    static let failoverOfMaster: StaticString = "ERR PSYNC FAILOVER can't be sent to a master."
    static let notZeroOrOne: StaticString = "ERR value is out of range, value must between 0 and 1"
    static let noFilters: StaticString = "ERR Missing rdb-filter-only values"
    static let invalidMasterPort: StaticString = "ERR Invalid master port"
    static let noMaster: StaticString =
        "ERR this server cannot be another's replica: 'broker swap' brings another server's data here"
    static let noAuth: StaticString = "NOAUTH Authentication required."

    static let noCluster: StaticString = "ERR This instance has cluster support disabled"
    static let noModules: StaticString =
        """
        ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a local \
        connection, otherwise you need to set this option in the configuration file, and then restart the server.
        """
    static let noDebug: StaticString =
        """
        ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local \
        connection, otherwise you need to set this option in the configuration file, and then restart the server.
        """
    static let noFileToLoad: StaticString =
        "ERR there is no RDB file here to load: DEBUG RELOAD without NOSAVE makes its own"
    static let reloadOptions: StaticString = "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."
    static let notDebugged: StaticString =
        "ERR this server is the daemon of other resources too, and does not do DEBUG "
    static let sleepsTooLong: StaticString = "ERR the server sleeps for 10 seconds at most: others are served by it too"
    static let populatesTooMuch: StaticString = "ERR at most 10000000 keys, and a gigabyte of values, are made at once"
    static let notInVersion2: StaticString = "ERR RESP2 is not supported by this command"
    static let protocolType: StaticString =
        """
        ERR Wrong protocol type name. Please use one of the following: \
        string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false
        """
    static let packedThreshold: StaticString =
        "ERR argument must be a memory value bigger than 1 and smaller than 4gb"
    static let noScript: StaticString = "NOSCRIPT No matching script. Please use EVAL."
    static let notBusy: StaticString = "NOTBUSY No scripts in execution right now."
    static let scriptIsBusy: StaticString =
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
    static let functionIsBusy: StaticString =
        "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
    static let unkillable: StaticString =
        """
        UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the \
        script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.
        """
    // Why a script ends, behind ERR.
    static let scriptKilled: StaticString = "Script killed by user with SCRIPT KILL..."
    static let scriptTooSlow: StaticString =
        "Script ended by the server: it has run for longer than busy-reply-threshold allows"
    static let scriptTooLong: StaticString = "Script ended by the server: it has run for a minute"
    static let scriptStopped: StaticString = "Script ended by the server: it is stopping"
    static let debugInPipeline: StaticString = "ERR SCRIPT DEBUG must be called outside a pipeline"
    static let mayWrite: StaticString = "ERR Can not execute a script with write flag using *_ro command."
    static let notEnoughMemory: StaticString = "ERR not enough memory"
    static let replyTooLarge: StaticString = "ERR the reply is too large"
    static let unknownInScript: StaticString = "ERR Unknown Redis command called from script"
    static let wrongArityInScript: StaticString = "ERR Wrong number of args calling Redis command from script"
    static let notInScript: StaticString = "ERR This Redis command is not allowed from script"
    static let noPermissionInScript: StaticString =
        "ERR The user executing the script can't run this command or subcommand"
    static let noKeyInScript: StaticString =
        "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments"
    static let noChannelInScript: StaticString =
        "ERR The user executing the script can't publish to the channel mentioned in the command"
    static let writeInReadOnlyScript: StaticString = "ERR Write commands are not allowed from read-only scripts."

    static func noSamples(_ event: Bytes) -> [UInt8] {
        Array("ERR No samples available for event '".utf8) + event.text(upTo: event.count) + Array("'".utf8)
    }

    static func unknownReplicaOption(_ option: Bytes) -> [UInt8] {
        Array("ERR Unrecognized REPLCONF option: ".utf8) + option.array
    }

    static func unknownFilter(_ word: [UInt8]) -> [UInt8] {
        Array("ERR Unsupported rdb-filter-only option: ".utf8) + word
    }

    static func longAddress(_ count: Int) -> String {
        "ERR REPLCONF ip-address provided by replica instance is too long: \(count) bytes"
    }

    static func execAborted(because text: String) -> String {
        "EXECABORT Transaction discarded because of: " + (text.hasPrefix("ERR ") ? String(text.dropFirst(4)) : text)
    }

    static func wrongArity(_ name: String) -> String {
        "ERR wrong number of arguments for '\(name)' command"
    }

    static func noInputKey(_ command: StaticString) -> String {
        "ERR at least 1 input key is needed for '\(command)' command"
    }

    static func invalidExpiry(_ command: String) -> String {
        "ERR invalid expire time in '\(command)' command"
    }

    /// As Redis quotes what it does not know: the name and the arguments up to 128 bytes together.
    static func unknownCommand(_ arguments: UnsafeMutablePointer<Bytes>, _ count: Int) -> [UInt8] {
        var quoted: [UInt8] = []
        var index = 1
        while index < count, quoted.count < 128 {
            quoted += Array("'".utf8) + arguments[index].text(upTo: 128 - quoted.count) + Array("' ".utf8)
            index += 1
        }
        return Array("ERR unknown command '".utf8) + arguments[0].text(upTo: 128)
            + Array("', with args beginning with: ".utf8) + quoted
    }

    static func blockInScript(_ command: Bytes) -> [UInt8] {
        Array("ERR ".utf8) + command.array + Array(" command is not allowed with BLOCK option from scripts".utf8)
    }

    /// A stream's key or group that is missing, for XREADGROUP, XCLAIM and their like.
    static func noGroup(_ key: Bytes, _ group: Bytes, _ end: StaticString = "") -> [UInt8] {
        Array("NOGROUP No such key '".utf8) + key.text(upTo: key.count) + Array("' or consumer group '".utf8)
            + group.text(upTo: group.count) + Array("'\(end)".utf8)
    }

    /// The same where the key is there.
    static func noGroup(_ group: Bytes, ofKey key: Bytes) -> [UInt8] {
        Array("NOGROUP No such consumer group '".utf8) + group.text(upTo: group.count) + Array("' for key name '".utf8)
            + key.text(upTo: key.count) + Array("'".utf8)
    }

    /// For what a subcommand's body finds wrong with the number of its arguments.
    static func wrongSubcommandArity(_ container: String, _ name: Bytes) -> [UInt8] {
        Array("ERR unknown subcommand or wrong number of arguments for '".utf8) + name.text(upTo: 128)
            + Array("'. Try \(container.uppercased()) HELP.".utf8)
    }

    /// For a row that Redis 7.0 does not have.
    static func unknown(_ row: UnsafePointer<Command>, _ arguments: UnsafeMutablePointer<Bytes>) -> [UInt8] {
        unknownSubcommand((row.pointee.container ?? row.pointee.name).description, arguments[1])
    }

    static func unknownSubcommand(_ container: String, _ name: Bytes) -> [UInt8] {
        Array("ERR unknown subcommand '".utf8) + name.text(upTo: 128)
            + Array("'. Try \(container.uppercased()) HELP.".utf8)
    }
}
