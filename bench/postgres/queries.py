#!/usr/bin/env python3
"""Asks a filled database every documented question and says how long the first page takes.

    python3 bench/postgres/queries.py --dsn 'host=… dbname=…' [--seconds 120] [--only TEXT] [--check]

It is the reference for how lists are read from PostgreSQL:

1. `boundary`: when the row was written that is as many rows from the end asked for as `WALK`.
2. `page` from the end to there: these rows are tested one by one. Whatever one row in forty has fills a
   page here.
3. `page` of what is left, day by day: what the indexes find in that day's partition, all of it, sorted.
   It ends with the day that fills the page.

Counting goes day by day, too. None of it is steered by the planner's guess of how many rows there are, so
no guess can be wrong by much: `OFFSET 0` keeps LIMIT and ORDER BY out of the choice of the index, and the
partition of one day is small. Statements are prepared, and planned each time for their values.

Needs psycopg 3. `--check` compares rows with those of the plain statement, one by one; `--plans` the
indexes in the plans with those meant.
"""
import argparse, collections, random, re, sys, time

import psycopg

WALK = 2000
LEADING = 10
PAGE = 51
COUNT = 10_001
DAY = 86_400_000
HOUR = 3_600_000

ERROR_COLUMNS = """e.id, e.created_at, e.phase, e.error_type, e.severity, e.status_code, e.platform, e.model,
    e.latency_ms, e.client_request_id, e.request_id, e.message, e.user_id, e.api_key_id, e.account_id, e.group_id,
    e.client_ip, e.request_path, e.stream, e.cause, e.owner, e.source, e.is_retryable, e.is_business_limited,
    e.upstream_error_count, e.recovered, e.fingerprint, e.resolved, e.user_name, e.api_key_name, e.account_name,
    e.group_name"""
# What the list of attempts needs of the attempt and of its error; details are joined to the page alone.
EVENT_COLUMNS = """u.id, u.created_at, u.error_id, u.error_at, u.attempt, u.platform, u.model, u.account_id,
    u.account_name, u.upstream_host, u.upstream_status_code, u.upstream_request_id, u.kind, u.message, u.cause,
    u.name, u.connect_ms, u.first_byte_ms, u.duration_ms, u.retry_after_ms, u.retry_after_source, u.decision,
    u.decision_reason, e.request_id, e.recovered"""
REQUEST_COLUMNS = """r.id, r.created_at, r.request_id, r.client_request_id, r.platform, r.endpoint, r.model, r.stream,
    r.status_code, r.cause, r.recovered, r.latency_ms, r.time_to_first_token_ms, r.attempts, r.user_id, r.api_key_id,
    r.account_id, r.group_id, r.input_tokens, r.output_tokens, r.cache_read_tokens, r.cache_write_tokens,
    r.cost_micro_usd"""

VIEW = "(CASE WHEN e.owner = 'client' OR e.is_business_limited THEN 'excluded' ELSE 'errors' END)"
# The expression of the index on text, letter by letter.
TEXT = r"""lower(e.message || E'\x1f' || e.request_id || E'\x1f' || coalesce(e.client_request_id, '') || E'\x1f' ||
    coalesce(e.model, '') || E'\x1f' || coalesce(nullif(e.upstream_error_message, e.message), '') || E'\x1f' ||
    coalesce(e.events_text, ''))"""

# An index serves a column's own type only. (A driver that asks the server for the types need not say so.)
NUMBERS = {"group_id", "api_key_id", "user_id", "account_id"}


def equal(alias, c):
    return f"{alias}.{c} = %({c})s::{'BIGINT' if c in NUMBERS else 'BYTEA' if c == 'fingerprint' else 'TEXT'}"


SAME = ["group_id", "api_key_id", "user_id", "client_request_id"]
OWN = ["platform", "account_id", "cause", "model"]
VERDICT = ["phase", "error_type", "severity", "owner", "source", "fingerprint"]


def pattern(q):
    """Found literally; ASCII letters in either case."""
    lower = "".join(c.lower() if c.isascii() else c for c in q)
    return "%" + re.sub(r"([%_\\])", r"\\\1", lower) + "%"


def leading(q):
    """What the index on text is asked: of a long id its end. Each further piece of text costs as much as the
    rest, and so few rows have the first pieces in common by chance that they need no more."""
    return pattern(q if len(q) <= LEADING or any(c.isspace() for c in q) else q[-LEADING:])


def any_of(column, name, values):
    """Alternatives, not IN: this kind of index is not asked about lists."""
    return "(" + " OR ".join(f"{column} = %({name}{i})s::BIGINT" for i in range(len(values))) + ")"


def flag(alias, name):
    return f"{alias}.{name}::INT = %({name})s::INT"


def verdict(f):
    out = [equal("e", c) for c in VERDICT if c in f]
    if "resolved" in f:
        out.append("e.resolved" if f["resolved"] else "NOT e.resolved")
    if "view" in f:
        out.append(f"{VIEW} = %(view)s::TEXT")
    return out


def contains(columns):
    return "(" + " OR ".join(f"lower({c}) LIKE %(q)s::TEXT" for c in columns) + ")"


def common(alias, f):
    out = [equal(alias, c) for c in SAME + ["request_id"] if c in f]
    if "stream" in f:
        out.append(flag(alias, "stream"))
    if "after_id" in f:
        out.append(("u" if alias == "e" and f.get("of") == "events" else alias) + ".id > %(after_id)s::BIGINT")
    return out


def on_errors(f):
    """Conditions, and those that only lead to an index: true of every row that the others are true of."""
    f = {"recovered": 0, **f}
    out = [equal("e", c) for c in OWN if c in f] + common("e", f) + verdict(f) + [flag("e", "recovered")]
    if "status_codes" in f:
        out.append(any_of("e.status_code", "status", f["status_codes"]))
    lead = []
    if "q" in f:
        out.append(contains(["e.message", "e.request_id", "e.client_request_id", "e.model", "e.upstream_error_message"]))
        lead.append(f"{TEXT} LIKE %(leading)s::TEXT")
    return out, lead


def on_events(f):
    out = [equal("u", c) for c in ["platform", "account_id", "cause"] if c in f] + common("e", {**f, "of": "events"}) + verdict(f)
    if "recovered" in f:
        out.append(flag("e", "recovered"))
    lead = []
    if "status_codes" in f:
        out.append(any_of("u.upstream_status_code", "status", f["status_codes"]))
    if "q" in f:
        out.append(contains(["u.message", "u.upstream_request_id", "u.model", "e.request_id", "e.client_request_id", "e.model"]))
        lead.append(f"{TEXT} LIKE %(leading)s::TEXT")
    return out, lead


def on_requests(f):
    out = [equal("r", c) for c in OWN if c in f] + common("r", f)
    if "status_codes" in f:
        out.append(any_of("r.status_code", "status", f["status_codes"]))
    of_error = verdict(f)
    if of_error and "recovered" not in f:
        f = {**f, "recovered": 0}
    if "recovered" in f:
        out.append(flag("r", "recovered"))
    if "q" in f:
        out.append(contains(["r.request_id", "r.client_request_id", "r.model"]))
    return out, of_error


def parameters(f, at=None):
    p = {"recovered": 0, **{k: v for k, v in f.items() if k not in ("status_codes", "q")}}
    p.update({f"status{i}": v for i, v in enumerate(f.get("status_codes", []))})
    if "q" in f:
        p["q"], p["leading"] = pattern(f["q"]), leading(f["q"])
    if at:
        p["at"], p["id"] = at
    return p


def days(window, newest):
    start = window[0] - window[0] % DAY
    spans = [(max(window[0], d), min(window[1], d + DAY - 1)) for d in range(start, window[1] + 1, DAY)]
    return spans[::-1] if newest else spans


OF_EVENT = "JOIN errors e ON e.id = u.error_id AND e.created_at = u.error_at"
OF_SPAN = "e.created_at >= %(day_before)s::BIGINT AND e.created_at <= %(last)s::BIGINT"
TABLES = {"errors": "errors e", "events": "upstream_events u", "requests": "requests r"}


class Listing:
    """One list: where its rows are, and how they are asked for. A span is an instant to another, both included."""

    def __init__(self, name):
        self.name = name
        self.alias = {"errors": "e", "events": "u", "requests": "r"}[name]
        self.columns = {"errors": ERROR_COLUMNS, "events": EVENT_COLUMNS, "requests": REQUEST_COLUMNS}[name]
        self.on = {"errors": on_errors, "events": on_events, "requests": on_requests}[name]

    def span(self, newest, at):
        a = self.alias
        out = [f"{a}.created_at >= %(first)s::BIGINT", f"{a}.created_at <= %(last)s::BIGINT"]
        if self.name == "events":
            # An attempt begins after its request arrived, and less than a day later.
            out += ["u.error_at >= %(day_before)s::BIGINT", "u.error_at <= %(last)s::BIGINT"]
        if at:
            out.append(f"({a}.created_at <> %(at)s::BIGINT OR {a}.id {'<' if newest else '>'} %(id)s::BIGINT)")
        return out

    def boundary(self, newest, at):
        return (f"SELECT {self.alias}.created_at FROM {TABLES[self.name]} WHERE {' AND '.join(self.span(newest, at))} "
                f"ORDER BY {self.alias}.created_at {'DESC' if newest else 'ASC'} LIMIT 1 OFFSET {WALK - 1}")

    def rows(self, f, newest, at, columns, walk=False):
        """Rows of a span, in no order; for a walk without what only leads to an index."""
        conditions, extra = self.on(f)
        where = self.span(newest, at) + conditions
        if self.name == "requests":
            if extra:
                where.append("EXISTS (SELECT 1 FROM errors e WHERE e.request_id = r.request_id AND e.created_at = r.created_at "
                             f"AND e.created_at >= %(first)s::BIGINT AND e.created_at <= %(last)s::BIGINT AND {' AND '.join(extra)})")
            return f"SELECT {columns} FROM requests r WHERE {' AND '.join(where)}"
        if not walk:
            where += extra
        if self.name == "errors":
            return f"SELECT {columns} FROM errors e WHERE {' AND '.join(where)}"
        if not self.of_error(f):
            return f"SELECT {columns} FROM upstream_events u WHERE {' AND '.join(where)}"
        where += ["e.created_at >= %(day_before)s::BIGINT", "e.created_at <= %(last)s::BIGINT"]
        source = f"upstream_events u {OF_EVENT}"
        if "model" not in f:
            return f"SELECT {columns} FROM {source} WHERE {' AND '.join(where)}"
        sent, asked = equal("u", "model"), equal("e", "model")
        if walk:
            return f"SELECT {columns} FROM {source} WHERE {' AND '.join(where)} AND ({sent} OR {asked})"
        # The model that was sent, or the one that was asked for: each has an index.
        return " UNION ALL ".join(f"SELECT {columns} FROM {source} WHERE {' AND '.join(where)} AND {m}"
                                  for m in (sent, f"{asked} AND u.model IS DISTINCT FROM %(model)s::TEXT"))

    def page(self, f, newest, at, walk=False):
        way = "DESC" if newest else "ASC"
        if self.name != "events":
            inner = ", ".join(f"{c.strip()} AS c{i}" for i, c in enumerate(self.columns.split(",")))
            fence = "" if walk else "OFFSET 0"
            return (f"SELECT * FROM ({self.rows(f, newest, at, inner, walk)} {fence}) d "
                    f"ORDER BY d.c1 {way}, d.c0 {way} LIMIT %(limit)s::BIGINT")
        order = f"ORDER BY u.created_at {way}, u.id {way}"
        if self.of_error(f) and walk:
            # All attempts of the span first, each joined to its error then.
            model = f" AND ({equal('u', 'model')} OR {equal('e', 'model')})" if "model" in f else ""
            return (f"SELECT {self.columns} FROM (SELECT * FROM upstream_events u WHERE {' AND '.join(self.span(newest, at))} OFFSET 0) u "
                    f"{OF_EVENT} AND {OF_SPAN} WHERE {' AND '.join(self.on(f)[0] or ['TRUE'])}{model} {order} LIMIT %(limit)s::BIGINT")
        # What only the page needs of the error is joined to the page.
        fence = "" if walk else "OFFSET 0"
        return (f"SELECT {self.columns} FROM (SELECT * FROM ({self.rows(f, newest, at, 'u.*', walk)} {fence}) u {order} LIMIT %(limit)s::BIGINT) u "
                f"{OF_EVENT} AND {OF_SPAN} {order}")

    def of_error(self, f):
        """Whether attempts are narrowed by what their errors say."""
        return bool(f.keys() - {"platform", "account_id", "cause", "status_codes", "after_id"})

    def count(self, f):
        return f"SELECT count(*) FROM (SELECT 1 FROM ({self.rows(f, True, None, '1')} OFFSET 0) d LIMIT %(limit)s::BIGINT) y"

    def plain(self, f, newest, at):
        """One statement for it all, as the embedded store asks."""
        way = "DESC" if newest else "ASC"
        if self.name == "events":
            f = {**f, "stream": f.get("stream")} if not self.of_error(f) else f
        sql = self.rows(f, newest, at, self.columns, walk="q" not in f)
        if self.name == "events" and "stream" in f and f["stream"] is None:
            sql = sql.replace(" AND " + flag("e", "stream"), "").replace(flag("e", "stream"), "TRUE")
        return f"{sql} ORDER BY {self.alias}.created_at {way}, {self.alias}.id {way} LIMIT {PAGE}"


# With an id that few rows have, the walk only costs time, and all days can be asked at once.
FEW = {"request_id", "client_request_id", "after_id"}


def cpu_ms(pid):
    """Time on a CPU, whatever else the machine does meanwhile."""
    return int(open(f"/proc/{pid}/schedstat").read().split()[0]) / 1e6


def run(db, sql, p, span, limit=PAGE):
    return db.execute(sql, {**p, "first": span[0], "last": span[1], "day_before": span[0] - DAY, "limit": limit}, prepare=True).fetchall()


def narrowed(window, newest, at):
    if at:
        return (window[0], min(window[1], at[0])) if newest else (max(window[0], at[0]), window[1])
    return window


def page(db, listing, f, window, newest, at, steps):
    p = parameters(f, at)
    span = narrowed(window, newest, at)
    if FEW & f.keys():
        steps["few"] += 1
        return run(db, listing.page(f, newest, at), p, span)
    # Where the walk ends; looked for in two days first, because more days take longer to plan.
    near = (max(span[0], span[1] - 2 * DAY), span[1]) if newest else (span[0], min(span[1], span[0] + 2 * DAY))
    boundary = run(db, listing.boundary(newest, at), p, near)
    if not boundary and near != span:
        boundary = run(db, listing.boundary(newest, at), p, span)
    if boundary:
        at_boundary = boundary[0][0]
        walked = (at_boundary, span[1]) if newest else (span[0], at_boundary)
        span = (span[0], at_boundary - 1) if newest else (at_boundary + 1, span[1])
    else:
        walked, span = span, None
    rows = run(db, listing.page(f, newest, at, walk=True), p, walked)
    if len(rows) == PAGE or span is None or span[0] > span[1]:
        steps["walk"] += 1
        return rows
    for day in days(span, newest):
        steps["days"] += 1
        here = at if at and day[0] <= at[0] <= day[1] else None
        rows += run(db, listing.page(f, newest, here), p, day, PAGE - len(rows))
        if len(rows) == PAGE:
            break
    return rows


def total(db, listing, f, window):
    p = parameters(f, None)
    if FEW & f.keys():
        return run(db, listing.count(f), p, window, COUNT)[0][0]
    found = 0
    for day in days(window, True):
        found += run(db, listing.count(f), p, day, COUNT - found)[0][0]
        if found == COUNT:
            break
    return found


# ── the questions ──

END = 1_795_910_400_000
WINDOWS = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}


def values_of(db):
    """Of each filter: values from common to rare, and one that nothing has."""
    columns = ["platform", "account_id", "cause", "model", "group_id", "user_id", "api_key_id", "phase", "error_type",
               "severity", "owner", "source", "fingerprint", "status_code"]
    if not db.execute("SELECT to_regclass('bench.frequencies')").fetchone()[0]:
        db.execute("CREATE TABLE bench.frequencies AS " + " UNION ALL ".join(
            f"SELECT {i} AS column, {c}::TEXT AS value, count(*) AS n FROM errors WHERE {c} IS NOT NULL GROUP BY {c}" for i, c in enumerate(columns)))
    out = {}
    for i, c in enumerate(columns):
        back = {"BYTEA": bytes, "TEXT": str}.get("BYTEA" if c == "fingerprint" else "BIGINT" if c.endswith("_id") or c == "status_code" else "TEXT", int)
        rows = [(bytes.fromhex(v[2:]) if back is bytes else back(v), n) for v, n in
                db.execute("SELECT value, n FROM bench.frequencies f WHERE f.column = %s ORDER BY n DESC, value", (i,)).fetchall()]
        found = [r[0] for r in rows]
        absent = {"fingerprint": b"\0" * 16}.get(c, "nobody" if isinstance(found[0], str) else 999_999)
        n = len(found)
        out[c] = {"common": found[:3], "middle": found[n // 3:n // 3 + 3], "rare": found[-3:], "absent": [absent]}
    return out


def questions(db, rng, known):
    """(group, list, filter, window, newest, cursor), in no order, without end."""
    singles = [("errors", c, level) for c in known for level in known[c]]
    singles += [("errors", c, "both") for c in ("resolved", "recovered", "stream", "view")]
    of_events = ["platform", "account_id", "cause", "status_code", "model", "user_id", "api_key_id", "group_id", "phase",
                 "error_type", "severity", "owner", "source", "fingerprint"]
    singles += [("events", c, level) for c in of_events for level in known[c]] + [("events", c, "both") for c in ("recovered", "stream", "view", "resolved")]
    singles += [("requests", c, level) for c in known for level in known[c]] + [("requests", c, "both") for c in ("recovered", "stream", "view", "resolved")]

    def some(c, level=None):
        if c in ("resolved", "recovered", "stream"):
            return {c: rng.choice([0, 1])}
        if c == "view":
            return {c: rng.choice(["errors", "excluded"])}
        value = rng.choice(known[c][level or rng.choice(["common", "common", "middle", "rare", "absent"])])
        return {"status_codes": [value] + ([rng.choice(known[c]["common"])] if rng.random() < 0.3 else [])} if c == "status_code" else {c: value}

    def window(name=None):
        span = WINDOWS[name or rng.choice(["1h", "24h", "30d"])]
        end = END if span == 30 * DAY or rng.random() < 0.5 else END - rng.randrange(0, 30 * DAY - span)
        return (end - span, end - 1)

    def row(columns, table="errors"):
        at = END - rng.randrange(30 * DAY)
        return db.execute(f"SELECT {columns} FROM {table} WHERE created_at >= {at - DAY} AND created_at <= {at} ORDER BY created_at DESC, id DESC LIMIT 1").fetchone()

    month = (END - 30 * DAY, END - 1)
    columns = list(known) + ["resolved", "recovered", "stream", "view"]
    while True:
        listing = rng.choice(["errors"] * 6 + ["events"] * 2 + ["requests"])
        mine = [s for s in singles if s[0] == listing]
        newest = rng.random() < 0.6
        kind = rng.random()
        if kind < 0.08:
            w = rng.choice(["1h", "24h", "30d"])
            yield f"{listing} no filter {w}", listing, {}, window(w), newest, None
        elif kind < 0.55:
            _, c, level = rng.choice(mine)
            w = rng.choice(["1h", "24h", "30d", "30d"])
            yield f"{listing} {c} {level}", listing, some(c, level), window(w), newest, None
        elif kind < 0.62:
            _, c, level = rng.choice(mine)
            at = END - rng.randrange(30 * DAY)
            yield f"{listing} deep cursor", listing, some(c, level), month, newest, (at, 1 + int((at - END + 30 * DAY) / (30 * DAY) * 10_000_000))
        elif kind < 0.76:
            # Two filters, each with a value of its own: often nothing has both.
            a, b = rng.sample(columns, 2)
            yield f"{listing} pair, any", listing, {**some(a), **some(b)}, window(), newest, None
        elif kind < 0.84:
            # Two or three filters that one row has.
            names = rng.sample([c for c in known if c != "status_code"], rng.choice([2, 3]))
            values = row(", ".join(names))
            yield f"{listing} pair, of a row", listing, {c: v for c, v in zip(names, values) if v is not None}, window("30d"), newest, None
        elif kind < 0.94 and listing != "requests":
            level = rng.choice(["common", "middle", "id", "part of id", "number", "absent", "short", "with filter", "provider's id"])
            request, client, message, events = row("request_id, client_request_id, message, events_text")
            q = {"common": lambda: rng.choice(["Overloaded", "rate limit", "organization", "claude", "upstream SAYS"]),
                 "middle": lambda: rng.choice(["invalid peer certificate", "credit balance", "Just a moment", "no price", "gateway was stopped"]),
                 "id": lambda: request, "part of id": lambda: (client or request)[-9:],
                 "number": lambda: str(rng.randrange(10_000, 99_999)),
                 "absent": lambda: rng.choice(["kettledrum", "xylophone quartet", "no such words at all", "rate limitless"]),
                 "short": lambda: rng.choice(["42", "or", "AI", "9f"]),
                 "with filter": lambda: rng.choice(["certificate", "balance", "overloaded"]),
                 "provider's id": lambda: (events or "req_0000")[4:20]}[level]()
            f = {"q": q}
            if level == "with filter":
                f.update(some(rng.choice(list(known))))
            yield f"{listing} q {level}", listing, f, window(rng.choice(["24h", "30d"])), newest, None
        elif kind < 0.98:
            c = rng.choice(["request_id", "client_request_id"])
            value = row(c)[0] or "none"
            yield f"{listing} {c}", listing, {c: rng.choice([value, value, "absent"])}, month, newest, None
        else:
            most = 10_000_000 if listing != "events" else 20_000_000
            yield f"{listing} after_id", listing, {"after_id": most - rng.choice([0, 10, 1000, 1000])}, window("24h"), newest, None


ONE = {
    "one error by id": f"SELECT {ERROR_COLUMNS}, d.request_body FROM errors e LEFT JOIN error_details d ON d.error_id = e.id AND d.error_at = e.created_at WHERE e.id = %(id)s::BIGINT",
    "one error by request id": f"SELECT {ERROR_COLUMNS}, d.request_body FROM errors e LEFT JOIN error_details d ON d.error_id = e.id AND d.error_at = e.created_at WHERE e.request_id = %(request_id)s::TEXT",
    "attempts of one error": f"SELECT {EVENT_COLUMNS}, d.detail FROM errors e JOIN upstream_events u ON u.error_id = e.id AND u.error_at = e.created_at LEFT JOIN event_details d ON d.event_id = u.id AND d.error_at = u.error_at WHERE e.id = %(id)s::BIGINT AND e.created_at = %(at)s::BIGINT AND u.error_at = %(at)s::BIGINT ORDER BY u.created_at DESC, u.id DESC LIMIT 51",
    "one attempt by id": f"SELECT {EVENT_COLUMNS} FROM upstream_events u JOIN errors e ON e.id = u.error_id AND e.created_at = u.error_at WHERE u.id = 2 * %(id)s::BIGINT",
}


def ones(db, rng, n, pid):
    """The statements that read one thing."""
    highest = db.execute("SELECT max(id) FROM errors").fetchone()[0]
    for name, sql in ONE.items():
        took = []
        for _ in range(n):
            at, request, number = None, None, rng.randrange(1, highest + 1)
            found = db.execute("SELECT created_at, request_id FROM errors WHERE id = %s::BIGINT", (number,)).fetchone()
            at, request = found
            for attempt in range(2):
                start, cpu = time.perf_counter(), cpu_ms(pid)
                db.execute(sql, {"id": number, "at": at, "request_id": request}, prepare=True).fetchall()
            took.append(((time.perf_counter() - start) * 1000, cpu_ms(pid) - cpu))
        yield name, took


# Which index of a day finds what. Values that few rows have: many are found by reading the day.
MEANT = [("errors", {c: None}, {"errors_by_value"}) for c in
         ["account_id", "user_id", "api_key_id", "group_id", "model", "cause", "platform", "fingerprint", "phase", "error_type",
          "severity", "owner", "source", "status_codes", "client_request_id"]]
MEANT += [("errors", {"request_id": "x"}, {"errors_by_request_id"}), ("errors", {"q": "certificate"}, {"errors_by_text"}),
          ("errors", {"resolved": 1}, {"errors_resolved"}), ("errors", {"after_id": 9_999_000}, {"errors_by_id"}), ("errors", {}, {"errors_by_time"})]
MEANT += [("events", {c: None}, {"events_by_value"}) for c in ["account_id", "cause", "status_codes", "platform"]]
MEANT += [("events", {c: None}, {"errors_by_value", "events_by_error"}) for c in ["user_id", "api_key_id", "fingerprint", "phase", "client_request_id"]]
MEANT += [("events", {"model": None}, {"events_by_value", "errors_by_value"}), ("events", {"q": "kettledrum"}, {"errors_by_text", "events_by_error"}),
          ("events", {"request_id": "x"}, {"errors_by_request_id", "events_by_error"}), ("events", {"after_id": 19_999_000}, {"events_by_id"}), ("events", {}, {"events_by_time"})]
MEANT += [("requests", {c: None}, {"requests_by_value"}) for c in ["account_id", "user_id", "api_key_id", "group_id", "model", "cause", "platform", "status_codes", "client_request_id"]]
MEANT += [("requests", {"request_id": "x"}, {"requests_by_request_id"}), ("requests", {"after_id": 9_999_000}, {"requests_by_id"}), ("requests", {}, {"requests_by_time"})]


def plans(db, lists):
    """Checks that a day's rows are found by the indexes meant for it; returns how many are not."""
    parents = dict(db.execute("SELECT c.relname, p.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent WHERE c.relkind = 'i'").fetchall())
    nothing = {"account_id": 999_999, "user_id": 999_999, "api_key_id": 999_999, "group_id": 999_999, "status_codes": [418, 451], "fingerprint": b"\0" * 16}
    day, wrong = (END - DAY, END - 1), 0
    for name, f, meant in MEANT:
        f = {c: nothing.get(c, "nobody") if v is None else v for c, v in f.items()}
        sql = lists[name].page(f, True, None, walk=not f)
        first, last = day if f else (END - 600_000, END - 1)
        p = {**parameters(f), "first": first, "last": last, "day_before": first - DAY, "limit": PAGE}
        plan = db.execute("EXPLAIN (FORMAT JSON) " + sql, p).fetchone()[0][0]["Plan"]
        used, scanned = set(), set()

        def visit(node):
            if "Index Name" in node:
                used.add(parents.get(node["Index Name"], node["Index Name"]))
            if node["Node Type"] == "Seq Scan":
                scanned.add(node["Relation Name"])
            for inner in node.get("Plans", []):
                visit(inner)

        visit(plan)
        good = meant <= used and not scanned
        wrong += not good
        print(f"{'ok  ' if good else 'NOT '} {name:9} {', '.join(f) or 'walk':18} {', '.join(sorted(used))}{' read whole: ' + ', '.join(scanned) if scanned else ''}")
    return wrong


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--dsn", default="")
    args.add_argument("--seconds", type=float, default=120)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--only", default="")
    args.add_argument("--check", action="store_true", help="compare with the plain statement")
    args.add_argument("--plans", action="store_true", help="check which indexes are used, and nothing else")
    args.add_argument("--plain", action="store_true", help="measure the plain statement instead")
    args.add_argument("--set", action="append", default=[], help="a setting, as in jit=on")
    args.add_argument("--slow", type=float, default=100, help="print questions slower than so many ms")
    args.add_argument("--limit-ms", type=int, default=10_000, help="the longest a statement may take")
    args = args.parse_args()
    db = psycopg.connect(args.dsn, autocommit=True, prepare_threshold=None)
    pid = db.info.backend_pid
    for setting in ["jit=off", "max_parallel_workers_per_gather=0", "random_page_cost=1.1",
                    "plan_cache_mode=force_custom_plan", "enable_partitionwise_join=on"] + args.set:
        db.execute("SELECT set_config(%s, %s, false)", setting.split("="))
    rng = random.Random(args.seed)
    if args.plans:
        wrong = plans(db, {name: Listing(name) for name in TABLES})
        sys.exit(wrong > 0)
    lists = {name: Listing(name) for name in ("errors", "events", "requests")}
    asked = (q for q in questions(db, rng, values_of(db)) if args.only in q[0])
    pages, counts, steps = collections.defaultdict(list), collections.defaultdict(list), collections.Counter()
    wrong = 0
    # The end of the warm-up: what is asked twice is asked of a warm cache.
    deadline = None
    seen = 0
    db.execute(f"SET statement_timeout = {args.limit_ms}")
    for group, name, f, window, newest, at in asked:
        now = time.perf_counter()
        deadline = deadline or now + args.seconds
        if now > deadline:
            break
        listing = lists[name]
        page_ms = count_ms = page_cpu = count_cpu = 0
        rows = counted = None
        try:
            for _ in range(2):
                # Asked twice; the second time counts, for the cache is warm then.
                start, cpu = time.perf_counter(), cpu_ms(pid)
                if args.plain:
                    rows = run(db, listing.plain(f, newest, at), parameters(f, at), narrowed(window, newest, at))
                else:
                    rows = page(db, listing, f, window, newest, at, steps)
                page_ms, page_cpu = (time.perf_counter() - start) * 1000, cpu_ms(pid) - cpu
            # A first page that is not full has all there are.
            if at is None and len(rows) < PAGE:
                counted = len(rows)
            elif at is None and not args.plain:
                for _ in range(2):
                    start, cpu = time.perf_counter(), cpu_ms(pid)
                    counted = total(db, listing, f, window)
                    count_ms, count_cpu = (time.perf_counter() - start) * 1000, cpu_ms(pid) - cpu
        except psycopg.errors.QueryCanceled:
            page_ms = page_cpu = (time.perf_counter() - start) * 1000 if rows is None else page_ms
            if rows is not None:
                count_ms = count_cpu = (time.perf_counter() - start) * 1000
        if count_ms:
            counts[group].append((count_ms, count_cpu))
        pages[group].append((page_ms, page_cpu))
        seen += 1
        if max(page_cpu, count_cpu) > args.slow:
            print(f"slow: page {page_cpu:.0f} ms, count {count_cpu:.0f} ms: {group} {f} {(window[1] - window[0]) / HOUR:.0f} h "
                  f"{'newest' if newest else 'oldest'} {len(rows) if rows is not None else 'stopped'} of {counted}", flush=True)
        if args.check:
            db.execute("SET statement_timeout = 60000")
            expected = run(db, listing.plain(f, newest, at), parameters(f, at), narrowed(window, newest, at))
            db.execute(f"SET statement_timeout = {args.limit_ms}")
            if expected != rows:
                wrong += 1
                print("DIFFERENT:", group, f, window, newest, at, len(expected), len(rows))
    def line(name, page, count=()):
        cells = [f"{mid([x[0] for x in page], .5):8.1f} {mid([x[0] for x in page], .95):8.1f} {mid([x[1] for x in page], .5):8.1f} {mid([x[1] for x in page], .95):8.1f} {max([x[1] for x in page], default=0):8.1f}"]
        if count:
            cells += [f"{len(count):5} {mid([x[0] for x in count], .5):8.1f} {mid([x[0] for x in count], .95):8.1f} {mid([x[1] for x in count], .5):8.1f} {mid([x[1] for x in count], .95):8.1f} {max(x[1] for x in count):8.1f}"]
        print(f"{name:32} {len(page):5} {'   '.join(cells)}")

    print(f"milliseconds; cpu: of the backend alone, which is what is left of the time on an idle machine\n"
          f"{'':32} {'pages':>5} {'p50':>8} {'p95':>8} {'cpu p50':>8} {'p95':>8} {'max':>8}   {'counts':>5} {'p50':>7} {'p95':>8} {'cpu p50':>8} {'p95':>8} {'max':>8}")
    for group in sorted(pages):
        line(group, pages[group], counts[group])
    for name in lists:
        mine = [g for g in pages if g.startswith(name)]
        line(f"all of {name}", [t for g in mine for t in pages[g]], [t for g in mine for t in counts[g]])
    line("all", [t for g in pages.values() for t in g], [t for g in counts.values() for t in g])
    print(f"pages below 100 ms of cpu: {share([t[1] for g in pages.values() for t in g]):.2%}; counts: {share([t[1] for g in counts.values() for t in g]):.2%}")
    if not args.only:
        for name, took in ones(db, rng, 200, pid):
            line(name, took)
    print("steps:", dict(steps))
    if args.check:
        print("pages that differ from those of the plain statement:", wrong)
        sys.exit(wrong > 0)


def share(values, below=100):
    return sum(v < below for v in values) / max(1, len(values))


def mid(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0


if __name__ == "__main__":
    main()
