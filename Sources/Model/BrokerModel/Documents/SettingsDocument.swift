/// What `broker daemon run --print-config` shows: every setting with its value and where that comes from.
public struct SettingsDocument: Codable, Equatable, Sendable {
    public var schema = "broker.settings/1"
    public var settings: [Setting]

    public init(settings: [Setting]) {
        self.settings = settings
    }

    /// One setting.
    public struct Setting: Codable, Equatable, Sendable {
        /// The environment variable: `BROKER_PORTS`.
        public var key: String
        /// The value as it would be written in the environment; `***` for a secret.
        public var value: String
        /// `flag`, `environment` or `default`.
        public var source: String
        /// What it is for, in one line.
        public var meaning: String

        public init(key: String, value: String, source: String, meaning: String) {
            self.key = key
            self.value = value
            self.source = source
            self.meaning = meaning
        }
    }
}
