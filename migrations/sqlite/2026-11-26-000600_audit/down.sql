DROP TABLE audit_state;
DROP TABLE audit_events;
