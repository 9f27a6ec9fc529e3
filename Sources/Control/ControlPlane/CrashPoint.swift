#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A test hook: the places in an operation between which a crash makes a difference.
///
/// `BROKER_TEST_CRASH_AT=attach.intended` in the daemon's environment makes it kill itself (SIGKILL) when it gets there.
/// `intended`: the intent is on disk. `effected`: the provider has acted, the outcome is not on disk. `committed`: the
/// outcome is on disk, the caller does not know yet.
public enum CrashPoint: String, Sendable, CaseIterable {
    case createIntended = "create.intended"
    case createEffected = "create.effected"
    case createCommitted = "create.committed"
    case attachIntended = "attach.intended"
    case attachEffected = "attach.effected"
    case attachCommitted = "attach.committed"
    case detachIntended = "detach.intended"
    case detachEffected = "detach.effected"
    case detachCommitted = "detach.committed"
    case destroyIntended = "destroy.intended"
    case destroyEffected = "destroy.effected"
    case destroyCommitted = "destroy.committed"
    case swapIntended = "swap.intended"
    /// The target runs; nothing on disk says so.
    case swapProvisioned = "swap.provisioned"
    /// The target runs, and that is on disk.
    case swapEffected = "swap.effected"
    /// Both sides of the copy are open.
    case swapCopying = "swap.copying"
    /// The target has followed; nothing was compared, and the clients are served as before.
    case swapCopied = "swap.copied"
    /// Clients are held; the former provider still counts.
    case swapHeld = "swap.held"
    /// The clients are set up at the target, which does not count yet.
    case swapRestored = "swap.restored"
    /// The target counts; the former provider is still there.
    case swapSwitched = "swap.switched"
    /// The former provider is gone; the receipt is not on disk.
    case swapRemoved = "swap.removed"
    case swapCommitted = "swap.committed"

    /// Kills this process when the environment asks for it at this point.
    func crashIfAsked() {
        if self == Self.asked { kill(getpid(), SIGKILL) }
    }

    private static let asked: CrashPoint? =
        getenv("BROKER_TEST_CRASH_AT").flatMap { CrashPoint(rawValue: String(cString: $0)) }
}
