-- Whether the seats of maker and parent rest on a source that was read. Modules stored before are
-- judged again by a program that knows, and get it then.
ALTER TABLE cohorts ADD COLUMN unconfirmed BIGINT NOT NULL DEFAULT 0;
