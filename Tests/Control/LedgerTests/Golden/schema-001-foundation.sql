CREATE TABLE attachments (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL REFERENCES workspaces (name),
    app TEXT NOT NULL,
    resource TEXT NOT NULL REFERENCES resources (id),
    alias TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('endpoint', 'direct')),
    sequence INTEGER NOT NULL UNIQUE,
    is_primary INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
    lifecycle TEXT NOT NULL CHECK (lifecycle IN ('coming', 'present', 'going')),
    created_at INTEGER NOT NULL,
    UNIQUE (workspace, app, alias)
) STRICT, WITHOUT ROWID;

CREATE TABLE backings (
    id TEXT PRIMARY KEY,
    resource TEXT NOT NULL REFERENCES resources (id) DEFERRABLE INITIALLY DEFERRED,
    provider TEXT NOT NULL,
    provider_secret BLOB,
    secret BLOB NOT NULL,
    memory TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
    attachment TEXT PRIMARY KEY REFERENCES attachments (id) ON DELETE CASCADE,
    resource TEXT NOT NULL REFERENCES resources (id),
    user TEXT NOT NULL,
    secret BLOB NOT NULL,
    generation INTEGER NOT NULL,
    direct_url BLOB,
    direct_masked TEXT,
    UNIQUE (resource, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace TEXT NOT NULL,
    time INTEGER NOT NULL,
    source TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;

CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);

CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    kind TEXT NOT NULL,
    resource TEXT NOT NULL,
    phase TEXT NOT NULL,
    request TEXT NOT NULL,
    intent TEXT NOT NULL,
    outcome TEXT,
    error TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ports (
    port INTEGER PRIMARY KEY,
    owner TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE releases (
    workspace TEXT NOT NULL REFERENCES workspaces (name),
    app TEXT NOT NULL,
    version INTEGER NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    added TEXT NOT NULL,
    changed TEXT NOT NULL,
    removed TEXT NOT NULL,
    PRIMARY KEY (workspace, app, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE resources (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL REFERENCES workspaces (name),
    name TEXT NOT NULL,
    class TEXT NOT NULL,
    plan TEXT NOT NULL,
    backing TEXT NOT NULL REFERENCES backings (id) DEFERRABLE INITIALLY DEFERRED,
    lifecycle TEXT NOT NULL CHECK (lifecycle IN ('coming', 'present', 'going')),
    created_at INTEGER NOT NULL,
    UNIQUE (workspace, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE sequences (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE workspaces (
    name TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX attachments_by_resource ON attachments (resource);

CREATE INDEX backings_by_resource ON backings (resource);

CREATE INDEX events_by_source ON events (workspace, source, id);

CREATE INDEX operations_unfinished ON operations (created_at) WHERE phase NOT IN ('succeeded', 'failed');
