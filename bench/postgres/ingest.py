#!/usr/bin/env python3
"""Writes error records as the forwarder does, and says what one costs PostgreSQL.

    python3 bench/postgres/ingest.py --dsn 'dbname=TARGET' --source 'dbname=FILLED' [--records 40000]
        [--into last|new] [--clean] [--without INDEX] [--each] [--rate 5000]

A record is a request, an error with its details, two attempts with theirs, and 600 bytes of a replay copy.
They are made from errors of a filled database beforehand, in the binary form of COPY; a batch is one
transaction. CPU is user and system time of the backend that writes, from /proc, so this runs on the
database's own machine. Beside it: of the one that cleans up (`--clean`), and of everything else that
PostgreSQL runs.

`--into new` writes a day of its own, removed at the end; `last` the end of the last day there is, which
then holds more. `--each` takes away one index at a time. Needs psycopg 3.
"""
import argparse, os, threading, time

import psycopg

DAY = 86_400_000
TICK = os.sysconf("SC_CLK_TCK")
TABLES = ["requests", "errors", "error_details", "upstream_events", "event_details", "replay_bodies"]

STAGE = r"""
CREATE TEMP TABLE base AS
SELECT e.*, row_number() OVER (ORDER BY e.created_at, e.id) AS n,
       %(at)s::BIGINT + row_number() OVER (ORDER BY e.created_at, e.id) / 5 AS new_at,
       md5(e.id::TEXT || clock_timestamp()) || md5(e.request_id || clock_timestamp()) AS hex
FROM (SELECT * FROM errors WHERE account_id IS NOT NULL ORDER BY created_at DESC LIMIT %(records)s::BIGINT) e;
UPDATE base SET id = %(id)s::BIGINT + n, created_at = new_at,
    request_id = overlay(lpad(to_hex(new_at), 12, '0') PLACING '-' FROM 9 FOR 0) || '-7' || substr(hex, 1, 3) || '-a' || substr(hex, 4, 3) || '-' || substr(hex, 7, 12),
    client_request_id = CASE WHEN client_request_id IS NOT NULL THEN 'req_' || substr(hex, 20, 18) END,
    events_text = 'req_' || substr(hex, 1, 24) || E'\x1freq_' || substr(hex, 25, 24);
CREATE TEMP TABLE s_errors AS SELECT * FROM base;
ALTER TABLE s_errors DROP COLUMN n, DROP COLUMN new_at, DROP COLUMN hex;
CREATE TEMP TABLE s_requests AS SELECT id, created_at, status_code, latency_ms, attempts, stream, recovered, user_id, api_key_id, account_id,
    group_id, request_id, platform, client_request_id, endpoint, model, cause FROM base;
CREATE TEMP TABLE s_error_details AS SELECT id AS error_id, created_at AS error_at, 'claude-cli/2.0 (external, cli)'::TEXT AS user_agent,
    '{"type":"error","error":{"type":"' || error_type || '","message":"' || message || '"}}' AS error_body,
    '[["user-agent","claude-cli/2.0"],["content-type","application/json"],["accept","application/json"]]'::TEXT AS request_headers,
    '[{"account_id":1,"name":"a","reason":"priority"},{"account_id":2,"name":"b","reason":"next"}]'::TEXT AS route,
    '{"model":"' || coalesce(model, '') || '","messages":[{"role":"user","content":"' || repeat(substr(hex, 1, 20), 20) || '"}]}' AS request_body FROM base;
CREATE TEMP TABLE s_upstream_events AS SELECT 2 * id - 2 + a AS id, id AS error_id, created_at AS error_at, created_at + 5 + (a - 1) * 700 AS created_at,
    a::BIGINT AS attempt, CASE WHEN a = 2 THEN account_id ELSE 1 + (account_id + 9) %% 50 END AS account_id, 600::BIGINT AS duration_ms,
    upstream_status_code, 12::BIGINT AS connect_ms, 590::BIGINT AS first_byte_ms, platform,
    CASE WHEN a = 2 OR id %% 3 > 0 THEN cause ELSE 'overloaded' END AS cause, 'status'::TEXT AS kind, message, account_name,
    'api.' || platform || '.com' AS upstream_host, CASE WHEN a = 1 THEN 'next_account' ELSE 'give_up' END AS decision,
    CASE WHEN a = 1 THEN 'another account may serve' ELSE 'no account is left' END AS decision_reason, model,
    'req_' || substr(hex, 1 + (a - 1) * 24, 24) AS upstream_request_id, error_type AS name FROM base, (VALUES (1), (2)) x (a);
CREATE TEMP TABLE s_event_details AS SELECT id AS event_id, error_at, '[["content-type","application/json"]]'::TEXT AS response_headers,
    '{"type":"error","error":{"message":"' || message || '"}}' AS response_body FROM s_upstream_events;
CREATE TEMP TABLE s_replay_bodies AS SELECT id AS error_id, created_at, 2000::BIGINT AS body_bytes,
    decode(string_agg(md5(hex || i), '' ORDER BY i), 'hex') || '\x0102030405060708'::BYTEA || decode(substr(hex, 1, 32), 'hex') AS sealed
FROM base, generate_series(1, 36) i GROUP BY id, created_at, hex;
"""
ORDER = {"requests": "id", "errors": "id", "error_details": "error_id", "upstream_events": "id", "event_details": "event_id", "replay_bodies": "error_id"}


def batches(source, records, batch, first_id, at):
    """Per batch, per table: its columns and its bytes."""
    db = psycopg.connect(source)
    for statement in STAGE.split(";\n"):
        if statement.strip():
            p = {"records": records, "id": first_id, "at": at}
            db.execute(statement, p if "%(" in statement or "%%" in statement else None)
    found, out = db.execute("SELECT count(*) FROM base").fetchone()[0], []
    for t in TABLES:
        db.execute(f"CREATE INDEX ON s_{t} ({ORDER[t]})")
    columns = {t: [r[0] for r in db.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum", (f"s_{t}",))] for t in TABLES}
    for first in range(first_id + 1, first_id + found + 1, batch):
        one = []
        for t in TABLES:
            low, high = (2 * first - 1, 2 * (first + batch) - 1) if t in ("upstream_events", "event_details") else (first, first + batch)
            sql = f"COPY (SELECT * FROM s_{t} WHERE {ORDER[t]} >= {low} AND {ORDER[t]} < {high} ORDER BY {ORDER[t]}) TO STDOUT (FORMAT binary)"
            with db.cursor().copy(sql) as copy:
                one.append((f"COPY {t} ({', '.join(columns[t])}) FROM STDIN (FORMAT binary)", b"".join(bytes(b) for b in copy)))
        out.append(one)
    db.rollback()
    return found, out


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def others(db, mine):
    """CPU of PostgreSQL's own processes."""
    pids = [r[0] for r in db.execute("SELECT pid FROM pg_stat_activity WHERE backend_type <> 'client backend'")]
    total = 0
    for pid in pids:
        try:
            total += cpu(pid)
        except FileNotFoundError:
            pass
    return total


def gins(db):
    """The inverted indexes of the days that are written."""
    return [r[0] for r in db.execute(
        "SELECT i.indexrelid::REGCLASS::TEXT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam "
        "WHERE am.amname = 'gin' AND c.relkind = 'i' AND c.relispartition")]


class Cleaner(threading.Thread):
    """Moves what waits in inverted indexes into them, so that the writer need not."""

    def __init__(self, dsn, names):
        super().__init__(daemon=True)
        self.db = psycopg.connect(dsn, autocommit=True)
        self.names, self.stop = names, False

    def run(self):
        while not self.stop:
            for name in self.names:
                self.db.execute("SELECT gin_clean_pending_list(%s::REGCLASS)", (name,))
            time.sleep(0.2)


def write(args, data, found):
    db = psycopg.connect(args.dsn)
    db.execute(f"SET synchronous_commit = {args.synchronous_commit}")
    for setting in args.set:
        db.execute("SELECT set_config(%s, %s, false)", setting.split("="))
    db.commit()
    pid, side = db.info.backend_pid, psycopg.connect(args.dsn, autocommit=True)
    side.execute("CHECKPOINT")
    cleaner = None
    if args.clean:
        day = side.execute("SELECT waybill_day_name(%s)", (args.day,)).fetchone()[0]
        cleaner = Cleaner(args.dsn, [n for n in gins(side) if day in n])
    lsn = lambda: side.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()[0]
    before = cpu(pid), others(side, pid), lsn(), cpu(cleaner.db.info.backend_pid) if cleaner else 0
    if cleaner:
        cleaner.start()
    start, longest = time.monotonic(), 0
    for i, batch in enumerate(data):
        begun = time.monotonic()
        with db.transaction():
            db.execute("SELECT * FROM waybill_begin_forward('bench', 0, 0, 0)")
            for sql, content in batch:
                with db.cursor().copy(sql) as copy:
                    copy.write(content)
            db.execute("UPDATE spools SET position = position + 1, stored = stored + %s WHERE id = 'bench'", (args.batch,))
        longest = max(longest, time.monotonic() - begun)
        if args.rate:
            time.sleep(max(0, start + (i + 1) * args.batch / args.rate - time.monotonic()))
    took = time.monotonic() - start
    if cleaner:
        cleaner.stop = True
        cleaner.join()
    after = cpu(pid), others(side, pid), lsn(), cpu(cleaner.db.info.backend_pid) if cleaner else 0
    mine, other, wal, clean = (b - a for a, b in zip(before, after))
    db.close()
    return dict(us=mine / found * 1e6, clean_us=clean / found * 1e6, other_us=other / found * 1e6, wal=wal / found, per_s=found / took, longest_ms=longest * 1000)


def show(name, r, base=None):
    print(f"{name:34} writer {r['us']:6.1f} us/record ({1e6 / r['us']:6.0f} records per CPU second), cleaner {r['clean_us']:5.1f}, other processes {r['other_us']:5.1f}; "
          f"{r['wal']:6.0f} bytes of log; {r['per_s']:6.0f} records/s; longest batch {r['longest_ms']:4.0f} ms"
          + (f"; this index: {base['us'] - r['us']:5.1f} us, {base['wal'] - r['wal']:5.0f} bytes" if base else ""), flush=True)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--dsn", required=True)
    args.add_argument("--source", required=True)
    args.add_argument("--records", type=int, default=40_000)
    args.add_argument("--batch", type=int, default=1000)
    args.add_argument("--into", choices=["last", "new"], default="new")
    args.add_argument("--clean", action="store_true", help="clean up beside the writer")
    args.add_argument("--without", action="append", default=[], help="drop this index first")
    args.add_argument("--each", action="store_true", help="then once without each index")
    args.add_argument("--rate", type=float, default=0, help="records a second; as fast as it goes without")
    args.add_argument("--synchronous-commit", default="on")
    args.add_argument("--set", action="append", default=[])
    args = args.parse_args()
    db = psycopg.connect(args.dsn, autocommit=True)
    last = db.execute("SELECT max(day_start_ms) FROM waybill_days()").fetchone()[0] or 1_795_824_000_000
    args.day = last + DAY if args.into == "new" else last
    at = args.day + DAY - args.records // 5 - 1000
    first_id = max(db.execute("SELECT coalesce(max(id), 0) FROM errors").fetchone()[0], 20_000_000)
    found, data = batches(args.source, args.records, args.batch, first_id, at)
    size = sum(len(content) for batch in data for _, content in batch)
    print(f"{found} records in {len(data)} batches, {size / found:.0f} bytes each as sent")
    for name in args.without:
        db.execute(f"DROP INDEX {name}")

    def once():
        if args.into == "new":
            db.execute("SELECT waybill_drop_day(%s, %s)", (TABLES, args.day))
        db.execute("SELECT waybill_ensure_day(%s)", (args.day,))
        return write(args, data, found)

    once() if args.into == "new" else None
    base = once()
    show("all indexes" if not args.without else "without " + ", ".join(args.without), base)
    if args.each:
        names = db.execute(
            "SELECT i.indexrelid::REGCLASS::TEXT, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "WHERE c.relkind = 'I' ORDER BY 1").fetchall()
        for name, definition in names:
            db.execute(f"DROP INDEX {name}")
            show("without " + name, once(), base)
            db.execute("SELECT waybill_drop_day(%s, %s)", (TABLES, args.day))
            db.execute(definition)
    if args.into == "new":
        db.execute("SELECT waybill_drop_day(%s, %s)", (TABLES, args.day))


if __name__ == "__main__":
    main()
