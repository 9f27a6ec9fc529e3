import Testing

/// Everything that runs over both drivers. One test at a time: the clients block their thread, and Swift Testing has
/// only as many as the machine has cores.
@Suite(.serialized) enum DriverTests {}
