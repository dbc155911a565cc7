-- One text for SQLite and PostgreSQL. {serial}, {growing}, {blob}, {text} and {roomy} are
-- written for each: {text} compares byte by byte, {roomy} leaves room in tables whose rows
-- change often. Times are microseconds of UTC since 1970.

CREATE TABLE gateways (
  no            {serial},
  id            {text} NOT NULL UNIQUE,
  hostname      {text} NOT NULL,
  labels        {text} NOT NULL,
  agent         {text} NOT NULL,
  os            {text} NOT NULL,
  arch          {text} NOT NULL,
  boot          BIGINT NOT NULL,
  seq           BIGINT NOT NULL,
  report        {text} NOT NULL,
  digest        {text} NOT NULL,
  reason        {text} NOT NULL,
  clock         BIGINT NOT NULL,
  clock_synced  BIGINT NOT NULL,
  truncated     BIGINT NOT NULL,
  beat_boot     BIGINT NOT NULL,
  beat_seq      BIGINT NOT NULL,
  report_key    {text} NOT NULL,
  first_seen    BIGINT NOT NULL,
  changed       BIGINT NOT NULL,
  last_seen     BIGINT NOT NULL,
  modules       BIGINT NOT NULL,
  silent        BIGINT NOT NULL,
  health        {text} NOT NULL,
  conflict      {text} NOT NULL,
  judged        {text} NOT NULL
){roomy};
CREATE INDEX gateways_hostname ON gateways (hostname, id);
CREATE INDEX gateways_silent ON gateways (id) WHERE silent = 1;
CREATE INDEX gateways_conflict ON gateways (id) WHERE conflict <> '';

CREATE TABLE modules (
  no          {serial},
  gateway     {text} NOT NULL,
  id          {text} NOT NULL,
  cohort      BIGINT NOT NULL,
  imei        {text} NOT NULL,
  hardware    {text} NOT NULL,
  confidence  DOUBLE PRECISION NOT NULL,
  last_known  {text} NOT NULL,
  first_seen  BIGINT NOT NULL,
  changed     BIGINT NOT NULL,
  UNIQUE (gateway, id)
);
CREATE INDEX modules_cohort ON modules (cohort, gateway, id);
CREATE INDEX modules_imei ON modules (imei, gateway, id, cohort) WHERE imei <> '';

-- Modules alike in every facet. The number is a hash of the facets.
CREATE TABLE cohorts (
  no              BIGINT NOT NULL PRIMARY KEY,
  state           {text} NOT NULL,
  maker           {text} NOT NULL,
  maker_name      {text} NOT NULL,
  badge           {text} NOT NULL,
  model           {text} NOT NULL,
  variant         {text} NOT NULL,
  firmware        {text} NOT NULL,
  chipset         {text} NOT NULL,
  technology      {text} NOT NULL,
  country         {text} NOT NULL,
  parent_country  {text} NOT NULL,
  conflicted      BIGINT NOT NULL,
  possible        {text} NOT NULL,
  seems           {text} NOT NULL,
  modules         BIGINT NOT NULL
);

CREATE TABLE reports (
  no            {serial},
  gateway       {text} NOT NULL,
  boot          BIGINT NOT NULL,
  seq           BIGINT NOT NULL,
  id            {text} NOT NULL,
  received      BIGINT NOT NULL,
  clock         BIGINT NOT NULL,
  clock_synced  BIGINT NOT NULL,
  reason        {text} NOT NULL,
  digest        {text} NOT NULL,
  report_key    {text} NOT NULL
);
CREATE INDEX reports_order ON reports (gateway, boot, seq);

-- The signed bytes behind findings, compressed; one for each distinct findings of a gateway.
CREATE TABLE evidence (
  no          {serial},
  gateway     {text} NOT NULL,
  digest      {text} NOT NULL,
  report      {text} NOT NULL,
  report_key  {text} NOT NULL,
  signature   {blob} NOT NULL,
  body        {blob} NOT NULL,
  UNIQUE (gateway, digest)
);

-- Numbers are never used twice: others remember how far they have read.
CREATE TABLE events (
  no       {growing},
  kind     {text} NOT NULL,
  gateway  {text} NOT NULL,
  module   {text} NOT NULL,
  at       BIGINT NOT NULL,
  boot     BIGINT NOT NULL,
  seq      BIGINT NOT NULL,
  report   {text} NOT NULL,
  was      {text} NOT NULL,
  became   {text} NOT NULL,
  words    {text} NOT NULL
);
CREATE INDEX events_gateway ON events (gateway, no);
CREATE INDEX events_kind ON events (kind, no);

CREATE TABLE keys (
  gateway     {text} NOT NULL,
  report_key  {text} NOT NULL,
  state       {text} NOT NULL,
  first_seen  BIGINT NOT NULL,
  PRIMARY KEY (gateway, report_key)
);
CREATE INDEX keys_key ON keys (report_key);

CREATE TABLE rejected (
  no          {growing},
  received    BIGINT NOT NULL,
  sequence    BIGINT NOT NULL,
  subject     {text} NOT NULL,
  gateway     {text} NOT NULL,
  report_key  {text} NOT NULL,
  reason      {text} NOT NULL,
  words       {text} NOT NULL,
  size        BIGINT NOT NULL,
  body        {blob} NOT NULL,
  UNIQUE (sequence, received)
);

-- The counts of the fleet, one row a day.
CREATE TABLE figures (
  day         {text} NOT NULL PRIMARY KEY,
  gateways    BIGINT NOT NULL,
  silent      BIGINT NOT NULL,
  conflicts   BIGINT NOT NULL,
  modules     BIGINT NOT NULL,
  identified  BIGINT NOT NULL,
  conflicted  BIGINT NOT NULL,
  rejected    BIGINT NOT NULL
);

-- How far something has come, by name.
CREATE TABLE marks (
  name  {text} NOT NULL PRIMARY KEY,
  n     BIGINT NOT NULL
);
