import RESPWire

/// What is answered about rights, worded as Redis 7.0.
extension ErrorText {
    static let sortByDenied: StaticString = "ERR BY option of SORT denied due to insufficient ACL permissions."
    static let sortGetDenied: StaticString = "ERR GET option of SORT denied due to insufficient ACL permissions."
    static let userName: StaticString = "ERR Usernames can't contain spaces or null characters"
    static let defaultUserStays: StaticString = "ERR The 'default' user cannot be removed"
    static let passwordBits: StaticString =
        """
        ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096
        """
    static let noAccessFile: StaticString =
        """
        ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER \
        command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store \
        users in the Redis configuration.
        """

    static func denied(_ reason: AccessDenial.Reason, _ command: String) -> String {
        switch reason {
        case .command: "NOPERM this user has no permissions to run the '\(command)' command"
        case .channel: "NOPERM this user has no permissions to access one of the channels used as arguments"
        case .key, .auth: "NOPERM this user has no permissions to access one of the keys used as arguments"
        }
    }

    static func deniedInScript(_ reason: AccessDenial.Reason) -> StaticString {
        switch reason {
        case .command, .auth: noPermissionInScript
        case .key: noKeyInScript
        case .channel: noChannelInScript
        }
    }

    static func deniedInExec(_ reason: AccessDenial.Reason) -> String {
        let what =
            switch reason {
            case .command, .auth: "no permission to execute the command or subcommand"
            case .key: "no permission to touch the specified keys"
            case .channel: "no permission to access one of the channels used as arguments"
            }
        return """
            NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This \
            command is no longer allowed for the following reason: \(what)
            """
    }

    /// What ACL DRYRUN answers; no error.
    static func wouldDeny(_ denial: AccessDenial, _ command: String, _ object: Bytes) -> [UInt8] {
        let quoted = object.text(upTo: object.count)
        switch denial.reason {
        case .command: return Array("This user has no permissions to run the '\(command)' command".utf8)
        case .channel:
            return Array("This user has no permissions to access the '".utf8) + quoted + Array("' channel".utf8)
        case .key, .auth:
            return Array("This user has no permissions to access the '".utf8) + quoted + Array("' key".utf8)
        }
    }

    static func rule(_ rule: [UInt8], _ error: AccessRuleError) -> [UInt8] {
        Array("ERR Error in ACL SETUSER modifier '".utf8) + rule.prefix { $0 != 0 } + Array("': \(words(error))".utf8)
    }

    private static func words(_ error: AccessRuleError) -> String {
        switch error {
        case .unknownName: "Unknown command or category name in ACL"
        case .syntax: "Syntax error"
        case .patternBehindAll:
            """
            Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. \
            Try 'resetkeys' to start with an empty list of patterns
            """
        case .channelBehindAll:
            """
            Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any \
            effect. Try 'resetchannels' to start with an empty list of channels
            """
        case .noSuchPassword: "The password you are trying to remove from the user does not exist"
        case .passwordHash:
            "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
        case .firstArgumentOfSubcommand: "Allowing first-arg of a subcommand is not supported"
        }
    }

    static func openParenthesis(_ rule: [UInt8]) -> [UInt8] {
        Array("ERR Unmatched parenthesis in acl selector starting at '".utf8) + rule.prefix { $0 != 0 }
            + Array("'.".utf8)
    }

    static func unknownUser(_ name: Bytes) -> [UInt8] {
        Array("ERR User '".utf8) + name.text(upTo: name.count) + Array("' not found".utf8)
    }

    static func unknownCommand(ofDryRun name: Bytes) -> [UInt8] {
        Array("ERR Command '".utf8) + name.text(upTo: name.count) + Array("' not found".utf8)
    }

    static func unknownCategory(_ name: Bytes) -> [UInt8] {
        Array("ERR Unknown category '".utf8) + name.text(upTo: name.count) + Array("'".utf8)
    }

    /// Not of Redis: a user that is not the asking one's to change.
    static func foreignUser(_ name: Bytes) -> [UInt8] {
        Array("NOPERM this user has no permissions to change the user '".utf8) + name.text(upTo: name.count)
            + Array("'".utf8)
    }

    /// Not of Redis.
    static func wouldRaiseRights(_ name: Bytes) -> [UInt8] {
        Array("NOPERM the user '".utf8) + name.text(upTo: name.count)
            + Array("' would have more permissions than this user".utf8)
    }
}
