-- Whether a score was computed from real rows although its run has a privacy budget, which does not cover it.
ALTER TABLE meta.metrics ADD COLUMN outside_budget BOOLEAN DEFAULT FALSE;
-- Earlier versions judged by real rows whatever the recipe said; nobody may take those scores for covered ones.
UPDATE meta.metrics SET outside_budget = TRUE
WHERE run_id IN (SELECT run_id FROM meta.runs WHERE contains(recipe_json, '"epsilon":'));

-- Each time a run was about to look at exact counts under a privacy budget, recorded before it did: answers is how many
-- statistics it had been given until then, (epsilon, delta) the budget of all its statistics together. Outlives the run.
CREATE TABLE meta.budgets (
  dataset VARCHAR NOT NULL,
  run_id VARCHAR NOT NULL,
  answers INTEGER NOT NULL,
  epsilon DOUBLE NOT NULL,
  delta DOUBLE NOT NULL,
  opened_at TIMESTAMP NOT NULL
);
INSERT INTO meta.budgets
SELECT dataset, run_id, 0, max(epsilon), max(delta), min(made_at)
FROM meta.statistics WHERE epsilon IS NOT NULL GROUP BY dataset, run_id;

-- What a run was told instead of statistics that its budget could not buy; told again when it is resumed.
CREATE TABLE meta.refusals (
  run_id VARCHAR NOT NULL,
  message VARCHAR NOT NULL,
  hint VARCHAR NOT NULL,
  made_at TIMESTAMP NOT NULL
);
