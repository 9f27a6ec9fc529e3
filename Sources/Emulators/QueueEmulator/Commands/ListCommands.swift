import BeanstalkWire

/// The names of tubes.
extension QueueSession {
    func listTubes() {
        var document = YAMLDocument()
        for tube in engine.tubes.list { tube.withName { document.item(name: $0) } }
        replies.ok(document)
    }

    func listTubesWatched() {
        var document = YAMLDocument()
        for watch in client.watched { watch.tube.withName { document.item(name: $0) } }
        replies.ok(document)
    }

    func listTubeUsed() {
        client.used.withName { replies.using(tube: $0) }
    }
}
