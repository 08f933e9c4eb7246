import type { Step, Workflow } from '@orrery/contracts/definitions/workflow';
import type { Redis } from '@orrery/kit/redis';
import { redisFailed, stateUnexpected } from '../errors.ts';
import { keys } from '../core/keys.ts';
import { chunkSteps, type StepPlan } from '../core/plan.ts';

export type DefinitionHead = Omit<Workflow, 'steps'> & { readonly stepsCount: number };

/** A step as its definition has it, and the numbers of the steps whose results it names. */
export interface DefinedStep {
  readonly step: Step;
  readonly reads: readonly number[];
}

const stepsKeptDefault = 200_000;
const headsKeptMax = 1000;

/** Reads definitions by the digest, under which they never change; keeps the chunks that were used last. */
export class DefinitionReader {
  readonly #redis: Redis;
  readonly #stepsKeptMax: number;
  readonly #chunks = new Map<string, readonly DefinedStep[]>();
  readonly #heads = new Map<string, DefinitionHead>();
  readonly #loading = new Map<string, Promise<readonly DefinedStep[]>>();
  #stepsKept = 0;

  constructor(redis: Redis, stepsKeptMax = stepsKeptDefault) {
    this.#redis = redis;
    this.#stepsKeptMax = stepsKeptMax;
  }

  /** All but the steps. */
  async head(shard: string, digest: string): Promise<DefinitionHead> {
    const known = this.#heads.get(digest);
    if (known !== undefined) return known;
    const [text] = await this.#read(shard, digest, ['head']);
    const head = JSON.parse(text ?? '') as DefinitionHead;
    const [oldest] = this.#heads.keys();
    if (this.#heads.size >= headsKeptMax && oldest !== undefined) this.#heads.delete(oldest);
    this.#heads.set(digest, head);
    return head;
  }

  async step(shard: string, digest: string, number: number): Promise<DefinedStep> {
    const chunk = Math.floor(number / chunkSteps);
    const steps = this.#kept(`${digest} ${chunk}`) ?? (await this.#chunk(shard, digest, chunk));
    const found = steps[number % chunkSteps];
    if (found === undefined) throw stateUnexpected(`the step ${number} of the definition ${digest}`, found);
    return found;
  }

  /** Up to `count` steps from `first` on, in order. */
  async steps(shard: string, digest: string, from: { first: number; count: number }): Promise<Step[]> {
    const { stepsCount } = await this.head(shard, digest);
    const last = Math.min(stepsCount, from.first + from.count);
    const found: Step[] = [];
    for (let number = from.first; number < last; number += 1) {
      found.push((await this.step(shard, digest, number)).step);
    }
    return found;
  }

  async #chunk(shard: string, digest: string, chunk: number): Promise<readonly DefinedStep[]> {
    const id = `${digest} ${chunk}`;
    const pending = this.#loading.get(id) ?? this.#load(shard, digest, chunk);
    this.#loading.set(id, pending);
    try {
      return await pending;
    } finally {
      this.#loading.delete(id);
    }
  }

  async #load(shard: string, digest: string, chunk: number): Promise<readonly DefinedStep[]> {
    const [texts, plans] = await this.#read(shard, digest, [`t:${chunk}`, `p:${chunk}`]);
    const planned = JSON.parse(plans ?? '') as StepPlan[];
    const steps = (JSON.parse(texts ?? '') as Step[]).map((step, index) => ({
      step,
      reads: planned[index]?.[4] ?? [],
    }));
    this.#keep(`${digest} ${chunk}`, steps);
    return steps;
  }

  async #read(shard: string, digest: string, fields: readonly string[]): Promise<string[]> {
    const asked = this.#redis.hmget(keys.definition(shard, digest), ...fields);
    const texts = await asked.catch((error: unknown) => {
      throw redisFailed('reading a definition', error);
    });
    return texts.map((text, index) => {
      if (text === null) throw stateUnexpected(`${fields[index] ?? ''} of the definition ${digest}`, text);
      return text;
    });
  }

  /** What is used goes to the end: what was used longest ago is forgotten first. */
  #kept(id: string): readonly DefinedStep[] | undefined {
    const steps = this.#chunks.get(id);
    if (steps === undefined) return undefined;
    this.#chunks.delete(id);
    this.#chunks.set(id, steps);
    return steps;
  }

  #keep(id: string, steps: readonly DefinedStep[]): void {
    if (this.#chunks.has(id)) return;
    this.#chunks.set(id, steps);
    this.#stepsKept += steps.length;
    for (const [oldest, { length }] of this.#chunks) {
      if (this.#stepsKept <= this.#stepsKeptMax || oldest === id) return;
      this.#chunks.delete(oldest);
      this.#stepsKept -= length;
    }
  }
}
