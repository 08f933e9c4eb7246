import type { TouchedResources } from '@orrery/contracts/ledger';
import { nameOfUrn } from '../render/symbols.ts';
import type { ResourceFailure } from './engine.ts';

/** What is read of the engine's event log: one JSON object a line. */
interface EngineEvent {
  readonly resOutputsEvent?: { readonly metadata: StepMetadata; readonly planning?: boolean };
  readonly resOpFailedEvent?: { readonly metadata: StepMetadata };
  readonly diagnosticEvent?: {
    readonly urn?: string;
    readonly severity: string;
    readonly message: string;
    readonly ephemeral?: boolean;
  };
}

interface StepMetadata {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly new?: { readonly custom?: boolean } | null;
  readonly old?: { readonly custom?: boolean } | null;
}

type Outcome = 'created' | 'updated' | 'replaced' | 'deleted' | 'unchanged';

/** The engine's words for what it did to a resource, in ours. A replacement has steps besides, which are counted once. */
const outcomes: Readonly<Record<string, Outcome>> = {
  create: 'created',
  import: 'created',
  update: 'updated',
  replace: 'replaced',
  'import-replacement': 'replaced',
  delete: 'deleted',
  'read-discard': 'deleted',
  same: 'unchanged',
  read: 'unchanged',
  refresh: 'unchanged',
};

const reasonCharactersMax = 1000;

/** Reads an event log as it grows, and adds up what it tells. */
export class EngineEvents {
  readonly #touched = new Map<string, Outcome>();
  readonly #tried = new Set<string>();
  readonly #reasons = new Map<string, string>();
  readonly #errors: string[] = [];
  #rest = '';

  /** Takes the next piece of the log; `progress` gets a line for every resource of a provider that changed in it. */
  take(text: string, progress: (line: string) => void = () => undefined): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = parse(line);
      if (event !== undefined) this.#takeEvent(event, progress);
    }
  }

  /** What was done and what was tried, by URN; a resource that failed is not counted as done. */
  get resources(): TouchedResources {
    const failed = [...new Set([...this.#tried, ...this.#reasons.keys()])].sort();
    const done = [...this.#touched].filter(([urn]) => !failed.includes(urn));
    const count = (outcome: Outcome) => done.filter(([, one]) => one === outcome).length;
    return {
      created: count('created'),
      updated: count('updated'),
      replaced: count('replaced'),
      deleted: count('deleted'),
      unchanged: count('unchanged'),
      done: done
        .filter(([, outcome]) => outcome !== 'unchanged')
        .map(([urn]) => urn)
        .sort(),
      failed,
    };
  }

  get failures(): ResourceFailure[] {
    return this.resources.failed.map((urn) => ({ urn, reason: this.#reasons.get(urn) ?? 'the engine gave no reason' }));
  }

  /** Errors that belong to no resource. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  #takeEvent(event: EngineEvent, progress: (line: string) => void): void {
    const done = event.resOutputsEvent?.metadata;
    const outcome = done === undefined ? undefined : outcomes[done.op];
    if (done !== undefined && outcome !== undefined) {
      const custom = done.new?.custom ?? done.old?.custom ?? false;
      const tells = outcome !== 'unchanged' && custom && event.resOutputsEvent?.planning !== true;
      if (tells && this.#touched.get(done.urn) !== outcome) progress(`${outcome} ${done.type} ${nameOfUrn(done.urn)}`);
      this.#touched.set(done.urn, outcome);
    }
    const failed = event.resOpFailedEvent?.metadata;
    if (failed !== undefined) this.#tried.add(failed.urn);
    const said = event.diagnosticEvent;
    if (said === undefined || said.severity !== 'error' || said.ephemeral === true) return;
    const reason = said.message.trim().slice(0, reasonCharactersMax);
    if (said.urn === undefined || said.urn === '' || isStack(said.urn)) this.#errors.push(reason);
    else if (!this.#reasons.has(said.urn)) {
      this.#reasons.set(said.urn, reason);
      progress(`failed ${nameOfUrn(said.urn)}: ${reason.split('\n')[0] ?? ''}`);
    }
  }
}

/** A line that was cut off, since the engine was killed while it wrote it, tells nothing. */
function parse(line: string): EngineEvent | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as EngineEvent);
  } catch {
    return undefined;
  }
}

/** What the program itself says is said of the stack. */
function isStack(urn: string): boolean {
  return urn.includes('::pulumi:pulumi:Stack::');
}
