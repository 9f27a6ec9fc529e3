import RESPWire

/// SAVE and its like: where the emulator's owner keeps files, their snapshot is made now.
///
/// A cache without files has no place to save to, and says so; only LASTSAVE answers as a server that has not saved yet.
let saveCommands: [Command] = [
    Command("save", 1, [.admin, .noscript, .noAsyncLoading, .noMulti], body: Saves.save),
    Command("bgsave", -1, [.admin, .noscript, .noAsyncLoading], body: Saves.saveBeside),
    Command("bgrewriteaof", 1, [.admin, .noscript, .noAsyncLoading], body: Saves.rewrite),
    Command("lastsave", 1, [.loading, .stale, .fast], body: Saves.last),
]

private enum Saves {
    static let save: CommandBody = { call in
        let emulator = call.emulator
        guard emulator.saving.make != nil else { return call.reply.error(ErrorText.ephemeral) }
        guard !emulator.saving.snapshot.isRunning else { return call.reply.error(ErrorText.isSaving) }
        let pending = PendingReply(call)
        emulator.saving.waiting.append(pending)
        call.client.pending = pending
        _ = emulator.beginSnapshot()
    }

    static let saveBeside: CommandBody = { call in
        let schedules = call.count == 2 && call.isWord(1, "schedule")
        guard call.count == 1 || schedules else { return call.reply.error(ErrorText.syntax) }
        let emulator = call.emulator
        guard emulator.saving.make != nil else { return call.reply.error(ErrorText.ephemeral) }
        guard !emulator.saving.snapshot.isRunning else { return call.reply.error(ErrorText.isSaving) }
        // In a transaction, as in Redis, it is begun behind that.
        if emulator.saving.rewrite.isRunning || call.client.isExecuting {
            guard schedules || call.client.isExecuting else { return call.reply.error(ErrorText.isRewritingNotSaving) }
            emulator.saving.isSnapshotScheduled = true
            if !emulator.saving.rewrite.isRunning { emulator.beginScheduledSoon() }
            return call.reply.simple("Background saving scheduled")
        }
        _ = emulator.beginSnapshot()
        call.reply.simple("Background saving started")
    }

    static let rewrite: CommandBody = { call in
        let emulator = call.emulator
        guard emulator.saving.make != nil else { return call.reply.error(ErrorText.ephemeral) }
        guard !emulator.saving.rewrite.isRunning else { return call.reply.error(ErrorText.isRewriting) }
        if emulator.saving.snapshot.isRunning || call.client.isExecuting {
            emulator.saving.isRewriteScheduled = true
            if !emulator.saving.snapshot.isRunning { emulator.beginScheduledSoon() }
            return call.reply.simple("Background append only file rewriting scheduled")
        }
        _ = emulator.beginRewrite()
        call.reply.simple("Background append only file rewriting started")
    }

    static let last: CommandBody = { call in
        call.reply.integer(call.emulator.saving.last)
    }
}
