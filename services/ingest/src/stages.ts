import type { Pipeline } from '@orrery/contracts/definitions/pipeline';
import type { Batch, RawBatch, Reject, Stage, StageResult } from './batch.ts';
import { createValidation } from './contract.ts';
import { createDeparturePlan } from './departure.ts';
import { createEnrichment } from './enrichment.ts';
import type { Lookup } from './lookup.ts';
import { createNormalisation } from './normalise.ts';
import type { TimeForm } from './value-check.ts';

/**
 * The number of the rules by which rows are read, checked and changed here. It is part of what an intake is known by: raise it when the
 * same file would give other rows, and the next run takes the files in again.
 */
export const stagesVersion = 1;

/**
 * All stages of a pipeline in one function: what goes to the table, and what was rejected, in the order of the rows. `lookups` holds
 * that of each enrich step by the step's place.
 */
export function createStages(
  pipeline: Pipeline,
  lookups: ReadonlyMap<number, Lookup>,
  times: TimeForm,
): (raw: RawBatch) => StageResult {
  const validate = createValidation(pipeline.contract, times);
  const stages = pipeline.steps.map((step, index) => createStage(step, lookups.get(index)));
  return (raw) => {
    const validated = validate(raw);
    const rejects: Reject[] = [...validated.rejects];
    let batch: Batch = validated.batch;
    for (const stage of stages) {
      const result = stage(batch);
      batch = result.batch;
      rejects.push(...result.rejects);
    }
    return { batch, rejects: rejects.sort((left, right) => left.rowNumber - right.rowNumber) };
  };
}

function createStage(step: Pipeline['steps'][number], lookup: Lookup | undefined): Stage {
  switch (step.uses) {
    case 'normalise':
      return createNormalisation(step.with);
    case 'plan-departure':
      return createDeparturePlan(step.with);
    case 'enrich':
      if (lookup === undefined) throw new Error(`the lookup ${step.with.lookup} was not loaded`);
      return createEnrichment(step.with, lookup);
  }
}
