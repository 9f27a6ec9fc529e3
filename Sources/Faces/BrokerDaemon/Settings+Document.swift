import BrokerClient
public import BrokerModel

extension Settings {
    /// Every setting with its value and its source, for `--print-config`.
    public static func document(
        flags: [String: String], environment: [String: String]
    ) throws(BrokerError) -> SettingsDocument {
        var settings = try Settings(flags: flags, environment: environment)
        let places = try settings.places(environment: environment)
        settings.home = places.home
        settings.ledger = settings.ledger ?? Self.ledger(in: places.home)
        return SettingsDocument(
            settings: SettingKey.all.map { key in
                SettingsDocument.Setting(
                    key: key.variable, value: key.show(settings),
                    source: key.given(flags: flags, environment: environment)?.source ?? "default",
                    meaning: key.meaning)
            })
    }

    /// Where the daemon's files and sockets are.
    func places(environment: [String: String]) throws(BrokerError) -> BrokerPlaces {
        var environment = environment
        if let home { environment["BROKER_HOME"] = home }
        return try BrokerPlaces(environment: environment)
    }

    /// The ledger's file unless a setting names another.
    static func ledger(in home: String) -> String { home + "/ledger.sqlite" }
}
