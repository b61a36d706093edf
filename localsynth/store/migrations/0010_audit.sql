-- How far the audit log (audit.jsonl beside this file) had come when something was last written here: the number and the hash of
-- its last entry. A log that ends before, or has another entry of that number, was cut off or changed. One row.
CREATE TABLE meta.audit (
  number BIGINT NOT NULL,
  hash VARCHAR NOT NULL
);
INSERT INTO meta.audit VALUES (0, repeat('0', 64));

-- sha256 over the one of the batch before and the prompts of this one's calls, in their order; of a batch without calls the
-- one before it. NULL in batches of earlier versions. The audit log holds the same.
ALTER TABLE meta.batches ADD COLUMN prompts_sha256 VARCHAR;
