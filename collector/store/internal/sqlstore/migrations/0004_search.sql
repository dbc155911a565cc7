-- What gateways are found by: the words of store.SearchWords, in order of gateway, and the
-- database's own index of them. A gateway whose words changed waits, since the same
-- transaction, until they are taken over.

CREATE TABLE search (
  gateway  {text} NOT NULL PRIMARY KEY,
  no       BIGINT NOT NULL,
  words    {text} NOT NULL
){clustered};
CREATE UNIQUE INDEX search_no ON search (no);
{words};

CREATE TABLE search_waiting (
  no       {growing},
  gateway  {text} NOT NULL
);
