import { given, numberOption, orchestratorVerb, timeText } from './orchestrator-verb.ts';
import { filterHelp, filterOf, filterOptions, filterUsage } from './run-filter.ts';
import type { RunView } from './run-view.ts';
import { table } from './table.ts';
import { textOption } from './verb.ts';

export const runs = orchestratorVerb({
  name: 'runs',
  summary: 'list runs, the latest first',
  wordsMax: 0,
  usage: `${filterUsage} [--limit N] [--cursor TEXT]`,
  help: `${filterHelp}
  --limit N            at most so many, default 50
  --cursor TEXT        the next page: what the one before ended with
Example: npx orrery runs --state failed --older-than 1d`,
  options: { ...filterOptions, limit: { type: 'string' }, cursor: { type: 'string' } },
  async answer({ call }, { values }) {
    const { olderThanMs, ...filter } = filterOf(values);
    const createdBeforeMs = olderThanMs === undefined ? undefined : Date.now() - olderThanMs;
    const limit = numberOption(values, 'limit', [1, 500]);
    const asked = given({ ...filter, createdBeforeMs, limit, cursor: textOption(values, 'cursor') });
    const query = new URLSearchParams(
      Object.entries(asked).map(([name, value]): [string, string] => [name, String(value)]),
    );
    const page = await call<{ runs: RunView[]; next: string | null }>('GET', `/v1/runs?${query.toString()}`);
    const rows = page.runs.map((one) => {
      const state = one.paused === true ? `${one.state}, paused` : one.state;
      return [one.run, one.workflow, state, one.actor ?? '', timeText(one.createdAtMs)];
    });
    const text = table(['run', 'workflow', 'state', 'actor', 'created'], rows);
    return { json: page, text: page.next === null ? text : `${text}\nmore: --cursor ${page.next}` };
  },
});
