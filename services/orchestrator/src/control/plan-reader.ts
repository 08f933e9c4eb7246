import type { Redis } from '@orrery/kit/redis';
import { closest } from 'fastest-levenshtein';
import { redisFailed, stateUnexpected, stepMissing } from '../errors.ts';
import { keys } from '../core/keys.ts';
import { chunkSteps, type Profile, type StepPlan } from '../core/plan.ts';

/** The shape of a definition as runs carry it out: steps by number, and what follows what. */
export class DefinedPlan {
  readonly steps: readonly StepPlan[];
  readonly profiles: readonly Profile[];
  #numbers: ReadonlyMap<string, number> | undefined;
  #needs: readonly (readonly number[])[] | undefined;

  constructor(steps: readonly StepPlan[], profiles: readonly Profile[]) {
    this.steps = steps;
    this.profiles = profiles;
  }

  /** `train`, or `train.5` for an item of a map. */
  nameOf(ref: string): string {
    const [number = '', item] = ref.split('.');
    const name = this.steps[Number(number)]?.[0] ?? number;
    return item === undefined ? name : `${name}.${item}`;
  }

  /** How a step runs; an item as the body of its map says. */
  profileOf(ref: string): Profile | undefined {
    const [number = '', item] = ref.split('.');
    const profile = this.profiles[this.steps[Number(number)]?.[3] ?? -1];
    return item === undefined || profile?.body === undefined ? profile : this.profiles[profile.body];
  }

  /** The ref of a step by its name. Throws `STEP_NOT_FOUND` with the nearest name. */
  refOf(name: string): string {
    this.#numbers ??= new Map(this.steps.map(([each], number) => [each, number]));
    const [, step = name, item] = /^([^.]*)(?:\.(\d{1,6}))?$/.exec(name) ?? [];
    const number = this.#numbers.get(step);
    if (number === undefined) throw stepMissing(name, this.#nearest(step));
    if (item === undefined) return String(number);
    if (this.profileOf(String(number))?.kind !== 'map')
      throw stepMissing(name, `${step}, which is no map and has no items`);
    return `${number}.${item}`;
  }

  /** The numbers of the steps that a step needs. */
  needsOf(number: number): readonly number[] {
    this.#needs ??= this.#turnRound();
    return this.#needs[number] ?? [];
  }

  #turnRound(): number[][] {
    const needs: number[][] = this.steps.map(() => []);
    for (const [number, [, , children]] of this.steps.entries()) {
      for (const child of children) needs[child]?.push(number);
    }
    return needs;
  }

  /** Of a large definition the first names are looked at: a hint must not take long. */
  #nearest(name: string): string {
    const names = this.steps.slice(0, nearestMax).map(([each]) => each);
    return names.length === 0 ? 'none' : closest(name, names);
  }
}

const nearestMax = 2000;
/** Steps of all definitions that are kept decoded. */
const keptStepsMax = 400_000;

interface Head {
  readonly steps: number;
  readonly profiles: readonly Profile[];
}

/** The plans of definitions, from the chunks in which they lie in Redis. They never change under their digest. */
export class PlanReader {
  readonly #redis: Redis;
  readonly #kept = new Map<string, DefinedPlan>();
  #keptSteps = 0;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async plan(shard: string, digest: string): Promise<DefinedPlan> {
    const known = this.#kept.get(digest);
    if (known !== undefined) return known;
    const plan = await this.#read(keys.definition(shard, digest)).catch((error: unknown) => {
      throw redisFailed(`reading the plan ${digest}`, error);
    });
    this.#keep(digest, plan);
    return plan;
  }

  async #read(key: string): Promise<DefinedPlan> {
    const text = await this.#redis.hget(key, 'plan');
    if (text === null) throw stateUnexpected(key, text);
    const { steps: count, profiles } = JSON.parse(text) as Head;
    const steps: StepPlan[] = [];
    for (let chunk = 0; chunk * chunkSteps < count; chunk += 1) {
      const part = await this.#redis.hget(key, `p:${chunk}`);
      if (part === null) throw stateUnexpected(`${key} p:${chunk}`, part);
      for (const step of JSON.parse(part) as StepPlan[]) steps.push(step);
    }
    return new DefinedPlan(steps, profiles);
  }

  #keep(digest: string, plan: DefinedPlan): void {
    this.#keptSteps += plan.steps.length;
    this.#kept.set(digest, plan);
    for (const [oldest, { steps }] of this.#kept) {
      if (this.#keptSteps <= keptStepsMax || oldest === digest) return;
      this.#kept.delete(oldest);
      this.#keptSteps -= steps.length;
    }
  }
}
