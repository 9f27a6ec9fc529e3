import BrokerModel
import Foundation
import Logging
import Testing

@testable import BrokerDaemon

@Suite struct SettingsTests {
    @Test func `flags win over the environment, that over the defaults; an empty variable is none`() throws {
        let environment = ["BROKER_PORTS": "30000-30010", "BROKER_LOG_LEVEL": ""]
        let settings = try Settings(flags: ["BROKER_PORTS": "40000-40001"], environment: environment)
        #expect(settings.ports == 40000...40001)
        #expect(try Settings(flags: [:], environment: environment).ports == 30000...30010)
        #expect(try Settings(flags: [:], environment: environment).logLevel == .info)
        #expect(try Settings(flags: [:], environment: [:]) == Settings())
    }

    @Test func `the defaults are the product's`() {
        #expect(Settings().ports == 21000...24999)
        #expect(Settings().logLevel == .info)
    }

    @Test(arguments: [
        ("BROKER_PORTS", "1"), ("BROKER_PORTS", "0-5"), ("BROKER_PORTS", "9-5"), ("BROKER_PORTS", "a-b"),
        ("BROKER_PORTS", "1-70000"), ("BROKER_API_PORT", "0"), ("BROKER_API_PORT", "x"),
        ("BROKER_TOXIPROXY_PORT", "0"), ("BROKER_TOXIPROXY_PORT", "80a"), ("BROKER_LOG_LEVEL", "loud"),
        ("BROKER_LEDGER_URL", "postgres://u:canary@h/db"),
        ("BROKER_LEDGER_URL", "sqlite:///relative"), ("BROKER_LEDGER_URL", "sqlite:////"), ("BROKER_LEDGER_URL", "/a"),
    ])
    func `what cannot be read is refused by name, without a secret`(variable: String, value: String) {
        let error = #expect(throws: BrokerError.self) { try Settings(flags: [:], environment: [variable: value]) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.what.contains(variable) == true)
        #expect(error?.fix == "unset \(variable)")
        #expect(error.map { "\($0)".contains("canary") } == false)
    }

    @Test func `a flag that cannot be read leads to the flags`() {
        let error = #expect(throws: BrokerError.self) { try Settings(flags: ["BROKER_PORTS": "x"], environment: [:]) }
        #expect(error?.fix == "broker daemon run --help")
    }

    @Test func `docs/reference/settings.md has a row for every key, and no other`() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../docs/reference/settings.md").standardizedFileURL
        let text = try String(contentsOf: page, encoding: .utf8)
        let rows = SettingKey.all.map { key in
            let value = key.show(Settings())
            return "| `\(key.variable)` |\(value.isEmpty ? "" : " `\(value)`") | \(key.meaning) |"
        }
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init) == rows)
    }

    @Test func `the ledger's URL is a path, percent-encoded`() throws {
        let odd = "sqlite:////a%20b/50%25.db"
        let settings = try Settings(flags: [:], environment: ["BROKER_LEDGER_URL": odd])
        #expect(settings.ledger == "/a b/50%.db")
        #expect(SettingKey.all.first { $0.variable == "BROKER_LEDGER_URL" }?.show(settings) == odd)
        #expect(try Settings(flags: [:], environment: ["BROKER_LEDGER_URL": "sqlite:////a/b.db"]).ledger == "/a/b.db")
    }

    @Test func `the configuration shows value, source and meaning, and never the key`() throws {
        let document = try Settings.document(
            flags: ["BROKER_PORTS": "1-2"],
            environment: ["BROKER_HOME": "/h", "BROKER_MASTER_KEY": "canary", "BROKER_LOG_LEVEL": "debug"])
        let rows = document.settings.map { [$0.key, $0.value, $0.source] }
        #expect(
            rows == [
                ["BROKER_HOME", "/h", "environment"], ["BROKER_PORTS", "1-2", "flag"],
                ["BROKER_LOG_LEVEL", "debug", "environment"], ["BROKER_MASTER_KEY", "***", "environment"],
                ["BROKER_LEDGER_URL", "sqlite:////h/ledger.sqlite", "default"], ["BROKER_API_PORT", "", "default"],
                ["BROKER_TOXIPROXY_PORT", "", "default"],
            ])
        #expect(document.settings.allSatisfy { !$0.meaning.isEmpty })
    }

    @Test func `what is shown can be given back`() throws {
        for key in SettingKey.all where key.variable != "BROKER_MASTER_KEY" {
            var settings = Settings()
            settings.home = "/h"
            settings.ledger = "/h/l"
            settings.apiPort = 8473
            settings.toxiproxyPort = 8474
            let shown = key.show(settings)
            var again = settings
            try key.read(shown, &again)
            #expect(again == settings, "\(key.variable)")
        }
    }
}

@Suite struct JSONLineLogHandlerTests {
    @Test func `a message is one JSON object on one line`() throws {
        let line = JSONLineLogHandler.line(
            time: Date(timeIntervalSince1970: 0.25), level: .info, label: "broker", message: "a \"b\"\n\u{1}c\u{2028}",
            metadata: ["resource": "cache", "time": "forged", "secret": "\(Secret("canary"))"])
        #expect(line.hasSuffix("}\n"))
        #expect(line.dropLast().contains("\n") == false)
        let object = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        #expect(object["time"] == "1970-01-01T00:00:00.250Z")
        #expect(object["level"] == "info")
        #expect(object["message"] == "a \"b\"\n\u{1}c\u{2028}")
        #expect(object["resource"] == "cache")
        #expect(object["secret"] == "***")
    }
}
