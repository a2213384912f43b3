-- What operators chose while the gateway runs, as one document. No row: nobody chose anything.
CREATE TABLE settings (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    version                 INTEGER NOT NULL,
    body                    TEXT    NOT NULL,
    updated_at              INTEGER NOT NULL,
    updated_by              TEXT
) STRICT;

-- Requests without a known key are added up when somebody asks, from this index alone.
CREATE INDEX noise_by_cause ON noise (cause, minute, count);

-- Events that are over go by their age.
CREATE INDEX alert_events_by_end ON alert_events (resolved_at) WHERE resolved_at IS NOT NULL;
