import {
  given,
  numberOption,
  orchestratorVerb,
  spanText,
  timeText,
  usageError,
  type Caller,
} from './orchestrator-verb.ts';
import { required } from './release.ts';
import { table } from './table.ts';
import { textOption, type Values } from './verb.ts';

type Spread = { readonly p50: number; readonly p90: number } | 'unknown';

interface Estimate {
  readonly times: number;
  readonly existing: number;
  readonly starts: number;
  readonly first: string;
  readonly last: string;
  readonly durationMs: Spread;
  readonly costUsd: Spread;
  readonly pastRuns: number;
}

interface Backfill {
  readonly id: string;
  readonly actor: string;
  readonly wish: string;
  readonly request: { readonly workflow: string; readonly fromMs: number; readonly untilMs: number };
  readonly progress: {
    readonly decided: number;
    readonly open: readonly string[];
    readonly accepted: number;
    readonly known: number;
    readonly left: number;
    readonly ended: boolean;
  };
}

const runsShown = 5;

export const backfill = orchestratorVerb({
  name: 'backfill',
  summary: 'run the times of a schedule that are over',
  wordsMax: 1,
  usage: 'WORKFLOW --from TIME --until TIME [--dry-run] | --id ID [--pause|--resume|--cancel] |',
  help: `Runs every time of the workflow's schedule in a range, each once; what ran then is left. Without words: those that go on.
  --from TIME       included; 2026-01-01 or 2026-01-01T06:00:00Z
  --until TIME      not included
  --dry-run         only estimate: how many runs, how long, how much, by what they took lately
  --at-once N       runs at the same time, 1 to 100, default 1
  --newest-first    begin at the end of the range
  --again N         run the whole range another time, the Nth
  --trigger NAME    where the workflow has several schedules: as npx orrery show lists them
  --id ID           how far one is; with --pause, --resume or --cancel what to do with it. What it has started runs on
Example: npx orrery backfill score-day --from 2026-01-01 --until 2026-02-01 --dry-run`,
  options: {
    ...{ from: { type: 'string' }, until: { type: 'string' }, trigger: { type: 'string' }, id: { type: 'string' } },
    ...{ 'at-once': { type: 'string' }, again: { type: 'string' }, 'newest-first': { type: 'boolean' } },
    ...{
      'dry-run': { type: 'boolean' },
      pause: { type: 'boolean' },
      resume: { type: 'boolean' },
      cancel: { type: 'boolean' },
    },
  },
  async answer(caller, { words, values }) {
    const id = textOption(values, 'id');
    if (id !== undefined) return tell(await one(caller, id, values));
    if (words.length === 0 && textOption(values, 'from') === undefined) return list(caller);
    return begin(caller, required(words, 'WORKFLOW', 'backfill'), values);
  },
});

async function begin({ call }: Caller, workflow: string, values: Values) {
  const [atOnceMax, again] = [numberOption(values, 'at-once', [1, 100]), numberOption(values, 'again', [0, 1000])];
  const dryRun = values['dry-run'] === true;
  const order = {
    ...{ workflow, fromMs: timeOption(values, 'from'), untilMs: timeOption(values, 'until'), dryRun },
    ...(values['newest-first'] === true ? { order: 'newest-first' } : {}),
    ...given({ atOnceMax, again, trigger: textOption(values, 'trigger') }),
  };
  const answer = await call<{ id?: string; estimate: Estimate }>('POST', '/v1/backfills', order);
  const { estimate, id } = answer;
  const head = id === undefined ? 'a backfill would start' : `backfill ${id} starts`;
  const lines = [
    `${head} ${estimate.starts} runs of ${workflow}: ${estimate.times} times, ${estimate.existing} have a run already`,
    `from ${estimate.first} to ${estimate.last}`,
    `how long  ${spreadText(estimate.durationMs, spanText)}, by ${estimate.pastRuns} past runs`,
    `how much  ${spreadText(estimate.costUsd, (usd) => `${usd.toFixed(2)} USD`)}`,
    ...(id === undefined ? [] : [`how far it is: npx orrery backfill --id ${id}`]),
  ];
  return { json: answer, text: lines.join('\n') };
}

async function one({ call }: Caller, id: string, values: Values): Promise<Backfill> {
  const wishes = { pause: 'pause', resume: 'run', cancel: 'cancel' } as const;
  const asked = Object.entries(wishes).flatMap(([option, wish]) => (values[option] === true ? [wish] : []));
  if (asked.length > 1) throw usageError('more than one of --pause, --resume and --cancel', 'name one of them');
  const path = `/v1/backfills/${encodeURIComponent(id)}`;
  const [wish] = asked;
  return wish === undefined ? call<Backfill>('GET', path) : call<Backfill>('PUT', `${path}/wish`, { wish });
}

async function list({ call }: Caller) {
  const { backfills } = await call<{ backfills: Backfill[] }>('GET', '/v1/backfills');
  if (backfills.length === 0) return { json: backfills, text: 'no backfill goes on' };
  const rows = backfills.map(({ id, actor, wish, request, progress }) => {
    const state = stateOf(wish, progress.ended);
    return [id, request.workflow, state, `${progress.decided} decided, ${progress.open.length} open`, actor];
  });
  return { json: backfills, text: table(['backfill', 'workflow', 'state', 'progress', 'actor'], rows) };
}

function tell(found: Backfill) {
  const { id, wish, request, progress } = found;
  const { decided, open, accepted, known, left, ended } = progress;
  const lines = [
    `${id}  ${request.workflow}  ${stateOf(wish, ended)}`,
    `from ${timeText(request.fromMs)} until ${timeText(request.untilMs)}`,
    `${decided} times decided: ${accepted} runs started, ${known} were there, ${left} could not start`,
    goingOn(open),
  ];
  return { json: found, text: lines.join('\n') };
}

/** What becomes of it: a cancelled one has ended too, but not come to its end. */
function stateOf(wish: string, ended: boolean): string {
  if (wish === 'cancel') return 'cancelled: it starts no more runs';
  if (ended) return 'ended';
  return wish === 'pause' ? 'paused' : 'goes on';
}

function goingOn(runs: readonly string[]): string {
  if (runs.length === 0) return 'none of these runs goes on';
  const names = runs.slice(0, runsShown).join(', ') + (runs.length > runsShown ? ', …' : '');
  return `${runs.length} of these runs ${runs.length === 1 ? 'goes' : 'go'} on: ${names}`;
}

function timeOption(values: Values, name: string): number {
  const text = textOption(values, name);
  const ms = text === undefined || !/^\d{4}-\d{2}-\d{2}/.test(text) ? NaN : Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  throw usageError(
    text === undefined ? `--${name} is missing` : `--${name} is "${text}"`,
    `a day or a time: --${name} 2026-01-01T06:00:00Z`,
  );
}

function spreadText(spread: Spread, text: (value: number) => string): string {
  return spread === 'unknown' ? 'unknown' : `${text(spread.p50)}, nine of ten times below ${text(spread.p90)}`;
}
