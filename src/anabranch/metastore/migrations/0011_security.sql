-- Listeners of brokers, users' verifiers, delegation tokens. docs/formats-metastore.md, docs/security.md.

-- endpoints: JSON, [[listener, protocol, host, port], …]; empty: host and port are all there is.
ALTER TABLE broker ADD COLUMN endpoints TEXT NOT NULL DEFAULT '[]';

-- What proves a user's password by SCRAM (RFC 5802): never the password. verifier is StoredKey and ServerKey,
-- each as long as the mechanism's digest; sealed 1: the two encrypted with the cluster's credentials key.
CREATE TABLE scram_credential (
    user_name TEXT NOT NULL,
    mechanism TEXT NOT NULL,
    iterations INTEGER NOT NULL,
    salt BLOB NOT NULL,
    verifier BLOB NOT NULL,
    sealed INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (user_name, mechanism)
) STRICT, WITHOUT ROWID;

-- Delegation tokens (KIP-48). A token's HMAC is not here: it follows from token_id and a secret that only
-- brokers are told. Principals are TYPE:NAME, renewers a JSON list of them.
CREATE TABLE delegation_token (
    token_id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    requester TEXT NOT NULL,
    renewers TEXT NOT NULL,
    issued_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    max_ms INTEGER NOT NULL,
    CHECK (expires_ms <= max_ms)
) STRICT, WITHOUT ROWID;

-- By which brokers of this cluster know each other. Not journaled: a rebuilt cluster makes another.
CREATE TABLE inner_secret (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    secret BLOB NOT NULL
) STRICT;
