import { shortDigest } from '@orrery/contracts/digest';
import { orchestratorVerb, timeText } from './orchestrator-verb.ts';
import { required } from './release.ts';
import { table } from './table.ts';

interface Versions {
  readonly workflow: string;
  readonly current?: string;
  readonly drained: boolean;
  readonly versions: readonly {
    readonly definition: string;
    readonly current: boolean;
    readonly running: number;
    readonly queued: number;
    readonly oldestRun: string;
    readonly oldestAtMs: number;
  }[];
}

export const workflowVersions = orchestratorVerb({
  name: 'workflow versions',
  summary: 'tell how far the earlier definitions of a workflow have drained',
  wordsMax: 1,
  usage: 'WORKFLOW',
  help: `New runs have the definition of this release, and runs in flight keep theirs: an earlier one drains by itself. Exit code 1 while
a run in flight still keeps one, so that a script can wait for it. A run goes on with the current one by npx orrery migrate RUN.
Example: npx orrery workflow versions score-day`,
  async answer({ call }, { words }) {
    const name = required(words, 'WORKFLOW', 'workflow versions');
    const found = await call<Versions>('GET', `/v1/workflows/${encodeURIComponent(name)}/versions`);
    const rows = found.versions.map(({ definition, current, running, queued, oldestRun, oldestAtMs }) => {
      const which = current ? 'current' : 'earlier';
      return [shortDigest(definition), which, String(running), String(queued), oldestRun, timeText(oldestAtMs)];
    });
    const list = table(['definition', '', 'running', 'queued', 'oldest run', 'created'], rows);
    const gone = found.current === undefined ? ': this release no longer has it' : '';
    const head = `${name}${gone}: ${found.drained ? 'drained' : 'earlier definitions are in flight'}`;
    return {
      json: found,
      text: rows.length === 0 ? `${head}, no run is in flight` : `${head}\n\n${list}`,
      exitCode: found.drained ? 0 : 1,
    };
  },
});
