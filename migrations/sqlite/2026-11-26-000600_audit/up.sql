-- Who did what. Each row's `mac` covers it and the row before, keyed by a secret that is not here. Rows leave by retention only, oldest
-- first; `audit_state` says where the chain begins and ends, under a mac of its own.
CREATE TABLE audit_events (
    seq BIGINT PRIMARY KEY NOT NULL,
    id TEXT NOT NULL UNIQUE,
    timestamp BIGINT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    project_id TEXT,
    request_id TEXT,
    client_ip TEXT,
    user_agent TEXT,
    result TEXT NOT NULL,
    details TEXT NOT NULL,
    mac BLOB NOT NULL
);
CREATE INDEX audit_events_timestamp ON audit_events (timestamp);
CREATE INDEX audit_events_action ON audit_events (action, seq);
CREATE INDEX audit_events_actor ON audit_events (actor, seq);
CREATE INDEX audit_events_project_id ON audit_events (project_id, seq) WHERE project_id IS NOT NULL;
CREATE INDEX audit_events_request_id ON audit_events (request_id) WHERE request_id IS NOT NULL;
CREATE TRIGGER audit_events_are_never_altered BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE (ABORT, 'an audit event is never altered');
END;

-- `first_seq` and `before_first`: the oldest row that is kept, and the mac of the row before it. `filed_seq`: up to where rows are in the
-- file; it is no part of the proof.
CREATE TABLE audit_state (
    id BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    last_seq BIGINT NOT NULL,
    head BLOB NOT NULL,
    first_seq BIGINT NOT NULL,
    before_first BLOB NOT NULL,
    mac BLOB NOT NULL,
    filed_seq BIGINT NOT NULL
);
