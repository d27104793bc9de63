-- The ledger as its first version made it.
CREATE TABLE accounts (
    source TEXT NOT NULL,
    start_at TEXT NOT NULL,
    end_at TEXT NOT NULL,
    cap_epsilon REAL NOT NULL CHECK (cap_epsilon > 0),
    cap_delta REAL NOT NULL CHECK (cap_delta > 0),
    PRIMARY KEY (source, start_at, end_at),
    CHECK (start_at < end_at)
);

CREATE TABLE charges (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL UNIQUE,
    region TEXT NOT NULL,
    service_day TEXT NOT NULL,
    mechanism TEXT NOT NULL,
    epsilon REAL NOT NULL CHECK (epsilon > 0),
    delta REAL NOT NULL CHECK (delta > 0),
    state TEXT NOT NULL CHECK (state IN ('reserved', 'running', 'trained', 'burned')),
    steps_allowed INTEGER NOT NULL CHECK (steps_allowed >= 1),
    steps_started INTEGER NOT NULL DEFAULT 0
        CHECK (steps_started BETWEEN 0 AND steps_allowed),
    token INTEGER NOT NULL CHECK (token >= 1),
    run_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE TABLE charged (
    charge INTEGER NOT NULL REFERENCES charges (id),
    source TEXT NOT NULL,
    start_at TEXT NOT NULL,
    end_at TEXT NOT NULL,
    PRIMARY KEY (charge, source),
    FOREIGN KEY (source, start_at, end_at) REFERENCES accounts (source, start_at, end_at)
);
CREATE INDEX charged_by_source ON charged (source, start_at, end_at);

CREATE TRIGGER cap_holds AFTER INSERT ON charged
WHEN EXISTS (
    SELECT 1 FROM accounts
    JOIN charged ON charged.source = accounts.source
        AND charged.start_at < accounts.end_at AND charged.end_at > accounts.start_at
    JOIN charges ON charges.id = charged.charge
    WHERE accounts.source = NEW.source
        AND accounts.start_at < NEW.end_at AND accounts.end_at > NEW.start_at
    GROUP BY accounts.start_at, accounts.end_at
    HAVING sum(charges.epsilon) > accounts.cap_epsilon * (1 + 1e-09)
        OR sum(charges.delta) > accounts.cap_delta * (1 + 1e-09)
)
BEGIN SELECT RAISE(ABORT, 'over the cap'); END;

CREATE TRIGGER charges_stand BEFORE UPDATE ON charges
WHEN NEW.id <> OLD.id OR NEW.fingerprint <> OLD.fingerprint OR NEW.region <> OLD.region
    OR NEW.service_day <> OLD.service_day OR NEW.mechanism <> OLD.mechanism
    OR NEW.epsilon <> OLD.epsilon OR NEW.delta <> OLD.delta
    OR NEW.steps_allowed <> OLD.steps_allowed OR NEW.steps_started < OLD.steps_started
    OR NEW.token < OLD.token OR (OLD.state = 'burned' AND NEW.state <> 'burned')
    OR (NEW.state = 'reserved' AND OLD.state <> 'reserved')
BEGIN SELECT RAISE(ABORT, 'a charge stands as it was made'); END;

CREATE TRIGGER no_refund BEFORE DELETE ON charges
BEGIN SELECT RAISE(ABORT, 'no refunds'); END;
CREATE TRIGGER no_refund_of_part BEFORE DELETE ON charged
BEGIN SELECT RAISE(ABORT, 'no refunds'); END;
CREATE TRIGGER no_change_of_part BEFORE UPDATE ON charged
BEGIN SELECT RAISE(ABORT, 'no refunds'); END;
CREATE TRIGGER cap_stays BEFORE UPDATE ON accounts
BEGIN SELECT RAISE(ABORT, 'a cap is frozen'); END;
CREATE TRIGGER account_stays BEFORE DELETE ON accounts
BEGIN SELECT RAISE(ABORT, 'a cap is frozen'); END;
PRAGMA user_version = 1;
