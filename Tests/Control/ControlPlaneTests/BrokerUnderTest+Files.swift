import Foundation
import TestKit

extension BrokerUnderTest {
    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// What is in a folder of the home.
    func names(in name: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.file(name))) ?? []
    }

    /// The files of the home, the ledger and its log among them, in which the text stands.
    func files(containing text: String) -> [String] {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { FileManager.default.contents(atPath: folder.file($0))?.range(of: Data(text.utf8)) != nil }
    }
}
