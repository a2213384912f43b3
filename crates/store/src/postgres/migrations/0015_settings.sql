-- What operators chose while gateways run, as one document. No row: nobody chose anything.
CREATE TABLE settings (
    id                      BIGINT  PRIMARY KEY CHECK (id = 1),
    version                 BIGINT  NOT NULL,
    body                    TEXT COLLATE "C" NOT NULL,
    updated_at              BIGINT  NOT NULL,
    updated_by              TEXT COLLATE "C"
);
CREATE TRIGGER settings_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON settings
FOR EACH STATEMENT EXECUTE FUNCTION waybill_config_changed();

-- Requests without a known key are added up when somebody asks, from this index alone.
CREATE INDEX noise_by_cause ON noise (cause, minute, count);

-- Events that are over go by their age.
CREATE INDEX alert_events_by_end ON alert_events (resolved_at) WHERE resolved_at IS NOT NULL;
