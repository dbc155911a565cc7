-- Who may ask, who is logged in, and who did what. Secrets are kept as hashes only.

CREATE TABLE tokens (
  name     {text} NOT NULL PRIMARY KEY,
  id       {text} NOT NULL,
  role     {text} NOT NULL,
  hash     {blob} NOT NULL UNIQUE,
  created  BIGINT NOT NULL,
  expires  BIGINT NOT NULL,
  revoked  BIGINT NOT NULL,
  used     BIGINT NOT NULL
);

CREATE TABLE sessions (
  hash     {blob} NOT NULL PRIMARY KEY,
  name     {text} NOT NULL,
  role     {text} NOT NULL,
  token    {blob} NOT NULL,
  created  BIGINT NOT NULL,
  seen     BIGINT NOT NULL,
  ends     BIGINT NOT NULL
);
CREATE INDEX sessions_ends ON sessions (ends);

CREATE TABLE audit (
  no      {growing},
  at      BIGINT NOT NULL,
  who     {text} NOT NULL,
  via     {text} NOT NULL,
  origin  {text} NOT NULL,
  action  {text} NOT NULL,
  object  {text} NOT NULL,
  result  {text} NOT NULL
);
CREATE INDEX audit_at ON audit (at);
