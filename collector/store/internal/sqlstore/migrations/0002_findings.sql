-- What the policy finds. Findings alike in what the policy says of them share a verdict, and
-- those alike in what lists are filtered and counted by share a kind; both are numbered by a
-- hash. {clustered} keeps a table in the order of its key.

CREATE TABLE finding_kinds (
  no        BIGINT NOT NULL PRIMARY KEY,
  rule      {text} NOT NULL,
  list      {text} NOT NULL,
  severity  {text} NOT NULL,
  covered   BIGINT NOT NULL,
  modules   BIGINT NOT NULL,
  gateways  BIGINT NOT NULL
);

CREATE TABLE verdicts (
  no         BIGINT NOT NULL PRIMARY KEY,
  kind       BIGINT NOT NULL,
  edition    {text} NOT NULL,
  words      {text} NOT NULL,
  source     {text} NOT NULL,
  since      BIGINT NOT NULL,
  failed     BIGINT NOT NULL,
  exception  {text} NOT NULL,
  owner      {text} NOT NULL,
  until      BIGINT NOT NULL,
  uses       BIGINT NOT NULL
);

CREATE TABLE findings (
  gateway  {text} NOT NULL,
  module   {text} NOT NULL,
  kind     BIGINT NOT NULL,
  verdict  BIGINT NOT NULL,
  opened   BIGINT NOT NULL,
  report   {text} NOT NULL,
  PRIMARY KEY (gateway, module, kind)
){clustered};
CREATE INDEX findings_kind ON findings (kind, opened, gateway, module);

ALTER TABLE events ADD COLUMN finding {text} NOT NULL DEFAULT '';

-- policy is what a gateway's findings were judged by, found names them all, and cleared is
-- where in the order a person cleared its conflict.
ALTER TABLE gateways ADD COLUMN policy {text} NOT NULL DEFAULT '';
ALTER TABLE gateways ADD COLUMN found BIGINT NOT NULL DEFAULT 0;
ALTER TABLE gateways ADD COLUMN cleared_boot BIGINT NOT NULL DEFAULT 0;
ALTER TABLE gateways ADD COLUMN cleared_seq BIGINT NOT NULL DEFAULT 0;

-- facts is what rules can read of a module beyond its facets; duplicate says that another
-- module of the fleet reports the same IMEI.
ALTER TABLE modules ADD COLUMN facts {text} NOT NULL DEFAULT '';
ALTER TABLE modules ADD COLUMN duplicate BIGINT NOT NULL DEFAULT 0;
CREATE INDEX modules_duplicate ON modules (imei) WHERE duplicate = 1;
ALTER TABLE cohorts ADD COLUMN worst {text} NOT NULL DEFAULT '';
