import type { Step } from '@orrery/contracts/definitions/workflow';
import { OrreryError } from '@orrery/kit/errors';
import type { DefinedStep, DefinitionReader } from './definition-reader.ts';
import { namedIn, type Scope } from './expressions.ts';
import { shardOfRun } from '../core/keys.ts';
import type { ResultReader } from './result-reader.ts';
import { pathTemplateOf, resolved, templateOf, type Template } from './templates.ts';
import type { ClaimedStep } from '../core/step-lease.ts';

/** What a map does with each item. */
export type StepBody = Extract<Step, { uses: 'map' }>['step'];

/** What a claimed step does, its expressions resolved. */
export interface StepInput {
  /** Of the step; an item has its map's. */
  readonly name: string;
  /** Of an item. */
  readonly index: number | undefined;
  /** As the definition has it: of an item, the step inside of the map. */
  readonly defined: Step | StepBody;
  /** `with`, resolved. */
  readonly given: unknown;
  /** What expressions that are resolved later may name. */
  readonly scope: Scope;
}

/** What a remote worker is told to do. */
export interface TaskInput {
  readonly handler: string;
  readonly input: unknown;
  readonly step: string;
  /** How long the attempt may take from when it was claimed. */
  readonly deadlineMs: number;
  /** How long its handler may be silent; 0 for ever. */
  readonly heartbeatMs: number;
}

/** What of a step can be worked out once for all its attempts. */
interface Prepared {
  /** Undefined when it is the same for every attempt. */
  readonly given: Template | undefined;
  /** The steps whose results it names, those whose list of results, and those of which an empty result will do. */
  readonly results: readonly string[];
  readonly lists: readonly string[];
  readonly needed: readonly string[];
  /** Name of each step that is asked for -> its number; found out at the first attempt that needs it. */
  numbers?: ReadonlyMap<string, number>;
}

const none: ReadonlyMap<string, unknown> = new Map();

/** Makes what a step does out of its definition, the parameters of its run and the results of other steps. */
export class StepInputs {
  readonly #definitions: DefinitionReader;
  readonly #results: ResultReader;
  /** They live as long as the definition is kept. */
  readonly #prepared = new WeakMap<object, Prepared>();

  constructor(deps: { readonly definitions: DefinitionReader; readonly results: ResultReader }) {
    this.#definitions = deps.definitions;
    this.#results = deps.results;
  }

  /** Throws `EXPRESSION_UNRESOLVED` where an expression has no value. */
  async resolve(claimed: ClaimedStep): Promise<StepInput> {
    const [number = '', item] = claimed.ref.split('.');
    const found = await this.#definitions.step(shardOf(claimed.run), claimed.definition, Number(number));
    const index = item === undefined ? undefined : Number(item);
    const defined = index === undefined ? found.step : bodyOf(found.step);
    const prepared = this.#prepared.get(defined) ?? this.#prepare(defined, found.step);
    const scope = await this.#scopeOf(claimed, { found, index, prepared });
    const given = prepared.given === undefined ? defined.with : prepared.given(scope);
    return { name: found.step.name, index, defined, given, scope };
  }

  /** The same for whoever hands a task to a remote worker. Throws `POOL_WRONG` for a step of another kind. */
  async resolveInput(claimed: ClaimedStep): Promise<TaskInput> {
    const { name, index, defined, given } = await this.resolve(claimed);
    if (defined.uses !== 'task') throw poolWrong(name, defined.uses, 'a worker');
    const { handler, input = null } = given as { handler: string; input?: unknown };
    const step = index === undefined ? name : `${name}.${index}`;
    const heartbeatMs = (defined.timeouts?.heartbeatSeconds ?? 0) * 1000;
    return { handler, input, step, deadlineMs: Math.max(1, Math.floor(claimed.dueMs - claimed.nowMs)), heartbeatMs };
  }

  #prepare(defined: Step | StepBody, step: Step): Prepared {
    const { results, lists } = namedIn(defined.with);
    const all = namedIn(defined.with, step.needs ?? []).results;
    const needed = all.filter((name) => !results.includes(name));
    const prepared = { given: givenTemplate(defined), results, lists, needed };
    this.#prepared.set(defined, prepared);
    return prepared;
  }

  async #scopeOf(
    claimed: ClaimedStep,
    place: { readonly found: DefinedStep; readonly index: number | undefined; readonly prepared: Prepared },
  ): Promise<Scope> {
    const { found, index, prepared } = place;
    const { needs = [] } = found.step;
    const names = [...new Set([...prepared.results, ...prepared.lists, ...prepared.needed])];
    if (names.length === 0) return scopeOf(claimed, index, { needs });
    prepared.numbers ??= await this.#numbersOf(claimed, found, names);
    const { numbers } = prepared;
    const results = await this.#resultsOf(claimed, found, { names, numbers });
    const lists = new Map<string, readonly unknown[]>();
    for (const name of prepared.lists) {
      const items = (results.get(name) as { items?: number } | undefined)?.items;
      const ref = String(numbers.get(name));
      if (items !== undefined) lists.set(name, await this.#results.list(claimed.run, ref, items));
    }
    // What a person skipped has left nothing: all that is needed is told nevertheless.
    for (const name of prepared.needed) if (!results.has(name)) results.set(name, null);
    return scopeOf(claimed, index, { results, lists, needs });
  }

  /** The steps that this one reads are known by number: those that it names are among them. */
  async #numbersOf(
    claimed: ClaimedStep,
    { reads }: DefinedStep,
    names: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const wanted = new Set(names);
    const numbers = new Map<string, number>();
    for (const number of reads) {
      const { step } = await this.#definitions.step(shardOf(claimed.run), claimed.definition, number);
      if (wanted.has(step.name)) numbers.set(step.name, number);
    }
    return numbers;
  }

  async #resultsOf(
    claimed: ClaimedStep,
    { reads }: DefinedStep,
    asked: { readonly names: readonly string[]; readonly numbers: ReadonlyMap<string, number> },
  ): Promise<Map<string, unknown>> {
    const refs = asked.names.map((name) => String(asked.numbers.get(name)));
    const texts =
      reads.length <= carriedReadsMax
        ? refs.map((ref) => claimed.results[ref])
        : await this.#results.texts(claimed.run, refs);
    const pairs = asked.names.map((name, index) => [name, texts[index]] as const);
    return new Map(
      pairs.flatMap(([name, text]) => (text === undefined ? [] : [[name, JSON.parse(text) as unknown] as const])),
    );
  }
}

/** A claim carries the results of so many steps (results_of in exchange-steps.lua). */
const carriedReadsMax = 16;

/** What was carried out elsewhere than where it can be. */
export function poolWrong(step: string, uses: string, where: string): OrreryError {
  return new OrreryError({
    code: 'POOL_WRONG',
    message: `the step "${step}" uses ${uses}, which ${where} can't do`,
    hint: 'give it a pool of its own kind: with.pool of a task names workers, that of a process orchestrators',
  });
}

function scopeOf(
  claimed: ClaimedStep,
  index: number | undefined,
  read: Pick<Scope, 'lists' | 'needs'> & { readonly results?: ReadonlyMap<string, unknown> },
): Scope {
  const { run, tenant, logicalMs } = claimed;
  let parameters: Readonly<Record<string, unknown>> | undefined;
  return {
    // Read only when an expression names one.
    get parameters() {
      parameters ??= JSON.parse(claimed.parameters) as Record<string, unknown>;
      return parameters;
    },
    results: none,
    ...read,
    run: { id: run, tenant, logicalMs },
    ...(index === undefined ? {} : { index, item: JSON.parse(claimed.item ?? 'null') as unknown }),
  };
}

/** Of a map only the list: what its items are given is resolved for each of them. */
function givenTemplate(defined: Step | StepBody): Template | undefined {
  if (defined.uses !== 'http') return templateOf(defined.with);
  const { path, body, ...rest } = defined.with;
  const [pathTemplate, bodyTemplate] = [pathTemplateOf(path), templateOf(body)];
  if (pathTemplate === undefined && bodyTemplate === undefined) return undefined;
  return (scope) => ({
    ...rest,
    path: resolved(pathTemplate, path, scope),
    ...(body === undefined ? {} : { body: resolved(bodyTemplate, body, scope) }),
  });
}

function bodyOf(step: Step): StepBody {
  if (step.uses === 'map') return step.step;
  const hint = 'its state and its definition disagree: report it';
  throw new OrreryError({ code: 'STEP_UNKNOWN', message: `the step "${step.name}" is no map and has no items`, hint });
}

function shardOf(run: string): string {
  return shardOfRun(run) ?? '';
}
