import Foundation
import Testing

@Suite struct ArchitectureTests {
    private let rows = Dictionary(uniqueKeysWithValues: FloorTable.rows.map { ($0.target, $0) })

    @Test func `every import is one that the floor table allows`() throws {
        let files = try SourceTree.files()
        #expect(files.count > 50, "the source tree was not found")
        for file in files where !FloorTable.unbound.contains(file.target) {
            guard let row = rows[file.target] else { continue }
            for module in file.imports where rows[module] != nil || FloorTable.unbound.contains(module) {
                #expect(
                    row.mayImport.contains(module) || module == file.target,
                    "\(file.path) imports \(module), which \(file.target) may not")
            }
        }
    }

    @Test func `every source file is in a target of its floor's folder, and every such target has a row`() throws {
        for file in try SourceTree.files() where !FloorTable.unbound.contains(file.target) {
            let row = rows[file.target]
            #expect(row != nil, "\(file.path) is in \(file.target), which has no row in FloorTable")
            if let row { #expect(row.floor == file.floor, "\(file.path) is not on the floor \(row.floor)") }
        }
    }

    @Test func `every target of the manifest has a row, except those of the tests' folder`() throws {
        let manifest = try SourceTree.manifest()
        let named = manifest.matches(
            of: /(?:floor\("\w+", |\.(?:target|executableTarget|systemLibrary)\(name: )"(\w+)"(?!, path: "Tests\/)/
        )
        .map { String($0.1) }
        #expect(named.count > 10, "the manifest could not be read")
        for target in named where !FloorTable.unbound.contains(target) {
            #expect(rows[target] != nil, "\(target) of Package.swift has no row in FloorTable")
        }
    }

    @Test func `arrows go down only, so there is no cycle`() {
        // Every row may name only rows that stand before it.
        var below: Set<String> = []
        for row in FloorTable.rows {
            for target in row.mayImport {
                #expect(below.contains(target), "\(row.target) may import \(target), which does not stand below it")
            }
            below.insert(row.target)
        }
        #expect(below.count == FloorTable.rows.count, "a target has two rows")
    }

    @Test func `a library that one target owns is imported by nobody else`() throws {
        for file in try SourceTree.files() where !FloorTable.unbound.contains(file.target) {
            for module in file.imports {
                guard let owners = FloorTable.exclusive[module] else { continue }
                #expect(
                    owners.contains(file.target), "\(file.path) imports \(module), which belongs to \(owners.sorted())")
            }
        }
    }

    @Test func `the data plane has no Foundation, and its sessions and emulators no driver`() throws {
        for file in try SourceTree.files() where FloorTable.dataPlane.contains(file.floor) {
            for module in file.imports {
                #expect(!module.hasPrefix("Foundation"), "\(file.path) imports \(module)")
                guard !FloorTable.onNIO.contains(file.target) else { continue }
                #expect(!module.hasPrefix("NIO"), "\(file.path) imports \(module)")
            }
        }
    }

    @Test(arguments: ["posix_spawn", "fork()", "vfork", "execve(", "popen(", "system(\"", "= Process()"])
    func `processes are started in one place`(call: String) throws {
        for file in try SourceTree.files() where file.target != "Processes" && !FloorTable.unbound.contains(file.target)
        {
            for line in file.text.split(separator: "\n") where !line.drop(while: { $0 == " " }).hasPrefix("//") {
                #expect(!line.contains(call), "\(file.path) has \(call): processes are started in Processes")
            }
        }
    }

    @Test func `every verb of the command line is in its list`() throws {
        let commands = try SourceTree.files().filter { $0.target == "BrokerCommands" }
        let files = ["Broker", "Daemon", "Lease", "Clock", "Fault", "Snapshot"].map { "/\($0)Command.swift" }
        let lists = commands.filter { file in files.contains { file.path.hasSuffix($0) } }
        #expect(lists.count > 3)
        let listed = lists.flatMap { $0.text.matches(of: /(\w+Command)\.self/).map { String($0.1) } }
        let verbs = commands.flatMap {
            $0.text.matches(of: /struct (\w+Command): (?:BrokerVerb|ParsableCommand)/).map { String($0.1) }
        }
        #expect(verbs.count > 15)
        for verb in verbs where verb != "BrokerCommand" {
            #expect(listed.contains(verb), "\(verb) is in no list of subcommands")
        }
    }

    @Test func `no folder is named after time or after nothing`() throws {
        let banned: Set<String> = [
            "New", "Old", "Legacy", "Utils", "Util", "Helpers", "Common", "Misc", "Shared", "Core",
        ]
        for file in try SourceTree.files() {
            for part in file.path.split(separator: "/").dropLast() {
                #expect(!banned.contains(String(part)), "\(file.path) is in a folder that says nothing")
            }
        }
    }

    @Test func `nothing lies beside the places of the top level`() throws {
        let places: Set<String> = [
            "Package.swift", "Sources", "Tests", "Plugins", "docker", "docs", "README.md", "LICENSE", "Makefile",
            "CHANGELOG.md", "Package.resolved",  // the last is written by each build, and not kept
        ]
        let found = try FileManager.default.contentsOfDirectory(atPath: SourceTree.root.path)
        let beside = Set(found.filter { !$0.hasPrefix(".") }).subtracting(places)
        #expect(beside.isEmpty, "left by a program that ran here? \(beside.sorted())")
    }

    @Test func `no file has more than 400 lines without a reason`() throws {
        for file in try SourceTree.files() {
            let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(
                lines <= 400 || FloorTable.longFiles[file.path] != nil,
                "\(file.path) has \(lines) lines; split it, or give its reason in FloorTable.longFiles")
        }
    }
}
