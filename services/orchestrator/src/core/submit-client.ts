import type { Submission, Submitted } from './submission.ts';
import { submissionsMax, type Transitions } from './transitions.ts';

interface Pending {
  readonly submission: Submission;
  readonly resolve: (submitted: Submitted) => void;
  readonly reject: (error: unknown) => void;
}

/** Most text of parameters in one call, so that its entry of the log stays below what a broker takes. */
const parametersLengthMax = 128 * 1024;

/**
 * Takes runs of one shard in. One call is under way at a time, and what is asked for meanwhile goes with the next: many callers at once
 * cost Redis few calls, and one alone waits for nothing. Tenants take turns: one that brings a thousand runs keeps no other waiting.
 */
export class SubmitClient {
  readonly #shard: string;
  readonly #transitions: Pick<Transitions, 'submit'>;
  /** Tenant -> what it asks for, in order; the tenant whose turn it is comes first. */
  readonly #lines = new Map<string, Pending[]>();
  #busy = false;

  constructor(shard: string, transitions: Pick<Transitions, 'submit'>) {
    this.#shard = shard;
    this.#transitions = transitions;
  }

  /** Throws what the call throws; whether the run was taken in is then unknown, and its name or key tells. */
  submit(submission: Submission): Promise<Submitted> {
    return new Promise((resolve, reject) => {
      const line = this.#lines.get(submission.tenant) ?? [];
      line.push({ submission, resolve, reject });
      this.#lines.set(submission.tenant, line);
      if (this.#busy) return;
      this.#busy = true;
      setImmediate(() => void this.#send());
    });
  }

  async #send(): Promise<void> {
    while (this.#lines.size > 0) {
      const batch = this.#nextBatch();
      try {
        const submissions = batch.map(({ submission }) => submission);
        answer(batch, await this.#transitions.submit(this.#shard, submissions));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#busy = false;
  }

  #nextBatch(): Pending[] {
    const batch: Pending[] = [];
    let length = 0;
    for (const [tenant, line] of this.#lines) {
      const [next] = line;
      if (next === undefined || batch.length >= submissionsMax) break;
      length += next.submission.parameters.length;
      if (batch.length > 0 && length > parametersLengthMax) break;
      batch.push(next);
      line.shift();
      // Behind the others: the loop comes back to it when they had their turn.
      this.#lines.delete(tenant);
      if (line.length > 0) this.#lines.set(tenant, line);
    }
    return batch;
  }
}

function answer(batch: readonly Pending[], answers: readonly Submitted[]): void {
  for (const [index, { resolve, reject }] of batch.entries()) {
    const submitted = answers[index];
    if (submitted === undefined) reject(new Error(`the submission ${index} of ${batch.length} has no answer`));
    else resolve(submitted);
  }
}
