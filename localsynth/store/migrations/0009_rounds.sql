-- What a method that learns in steps tried: one candidate of one round. Those of a step are kept with its batch (batch_no),
-- which has no rows. They go with their run.
-- author: who proposed it: 'start', 'search', 'model' or the like. move: what it changed, in words. accepted: whether kept.
-- score: the lower the better, with an interval of 95 % (low, high); NULL where it could not be told. novelty: share of near
-- copies beyond what real rows show.
-- theta, gaps: JSON; what was tried, and what told its rows from real ones. A method decides what stands in them:
--   SELECT round, score, theta::JSON ->> '$.words' AS words FROM meta.rounds WHERE run_id = '...' AND accepted ORDER BY ALL;
--   SELECT round, candidate, unnest(gaps::JSON[]) AS gap FROM meta.rounds WHERE run_id = '...';
-- gaps may hold shares and means of real rows, and theta what a model wrote that was told of them: statistics, to be kept as
-- private as what a run aimed at (meta.statistics) and its prompts (meta.calls).
CREATE TABLE meta.rounds (
  run_id VARCHAR NOT NULL,
  batch_no INTEGER NOT NULL,
  round INTEGER NOT NULL,
  candidate INTEGER NOT NULL,
  author VARCHAR NOT NULL,
  move VARCHAR NOT NULL,
  accepted BOOLEAN NOT NULL,
  score DOUBLE,
  low DOUBLE,
  high DOUBLE,
  novelty DOUBLE,
  theta VARCHAR NOT NULL,
  gaps VARCHAR NOT NULL
);
