import { tellOne, type Told } from './control-answers.ts';
import { given, orchestratorVerb, runPath, usageError } from './orchestrator-verb.ts';
import { required } from './release.ts';
import { textOption } from './verb.ts';

export const skip = orchestratorVerb({
  name: 'skip',
  summary: 'end a step as if it had ended well: what follows it starts',
  wordsMax: 2,
  usage: 'RUN STEP --reason TEXT [--dry-run]',
  help: `For a step that has not ended and does not run. What names its result will find none. An item of a map is <map>.<index>.
  --dry-run   only tell what would be skipped and what follows it, or why it would be refused
Example: npx orrery skip s00-0mb1… notify --reason "the mail server is down"`,
  options: { reason: { type: 'string' }, 'dry-run': { type: 'boolean' } },
  async answer({ call }, { words, values }) {
    const run = required(words, 'RUN', 'skip');
    const step = required(words.slice(1), 'STEP', 'skip');
    const path = runPath(run, `/steps/${encodeURIComponent(step)}/skip`);
    const dryRun = values['dry-run'] === true ? { dryRun: true } : {};
    const told = await call<Told>('POST', path, { ...given({ reason: textOption(values, 'reason') }), ...dryRun });
    return told.outcome === 'would' ? tellOne('skip', told) : { json: told, text: `${run}: ${told.text}` };
  },
});

export const reset = orchestratorVerb({
  name: 'reset',
  summary: 'take an ended run back to a step: it and all that follows go again',
  wordsMax: 2,
  usage: 'RUN STEP [--reason TEXT] [--dry-run]',
  help: `Also of a run that has succeeded. What does not follow the step stays as it is, but what failed elsewhere goes again too.
  --dry-run   only tell which steps would go again
Example: npx orrery reset s00-0mb1… train --dry-run`,
  options: { reason: { type: 'string' }, 'dry-run': { type: 'boolean' } },
  async answer({ call }, { words, values }) {
    const run = required(words, 'RUN', 'reset');
    const from = required(words.slice(1), 'STEP', 'reset');
    const dryRun = values['dry-run'] === true ? { dryRun: true } : {};
    const body = { from, ...given({ reason: textOption(values, 'reason') }), ...dryRun };
    return tellOne('reset', await call<Told>('POST', runPath(run, '/reset'), body));
  },
});

export const migrate = orchestratorVerb({
  name: 'migrate',
  summary: 'let a run go on with the current definition of its workflow',
  wordsMax: 1,
  usage: 'RUN [--reason TEXT] [--dry-run]',
  help: `A run keeps the definition that it began with. This moves one that has ended, or is paused with nothing at work, to the current
one: steps that have ended keep their end where they have the same name and number there; all others go. What waits in it (a
timer, an approval, a child run) begins anew.
Example: npx orrery migrate s00-0mb1… --dry-run
How many runs still have an earlier definition: npx orrery workflow versions NAME.`,
  options: { reason: { type: 'string' }, 'dry-run': { type: 'boolean' } },
  async answer({ call }, { words, values }) {
    const run = required(words, 'RUN', 'migrate');
    const dryRun = values['dry-run'] === true ? { dryRun: true } : {};
    const body = { ...given({ reason: textOption(values, 'reason') }), ...dryRun };
    return tellOne('migrate', await call<Told>('POST', runPath(run, '/migrate'), body));
  },
});

export const approve = orchestratorVerb({
  name: 'approve',
  summary: 'approve a step that waits for it, or reject it',
  wordsMax: 2,
  usage: 'RUN STEP [--reject] [--comment TEXT]',
  help: `You decide as yourself: your name must be among those whom the step asks, and counts once. One rejection fails the step.
Example: npx orrery approve s00-0mb1… go-live --comment "looked at the parity report"
Who is asked, and who has said what: npx orrery explain RUN.`,
  options: { reject: { type: 'boolean' }, comment: { type: 'string' } },
  async answer({ call, who }, { words, values }) {
    const run = required(words, 'RUN', 'approve');
    const step = required(words.slice(1), 'STEP', 'approve');
    const decision = values['reject'] === true ? 'reject' : 'approve';
    const comment = textOption(values, 'comment');
    if (decision === 'reject' && comment === undefined)
      throw usageError('a rejection without a comment', 'say why: --comment "…"');
    const path = runPath(run, `/steps/${encodeURIComponent(step)}/decision`);
    const told = await call<{ state: string }>('POST', path, { decision, ...given({ comment }) });
    const word = decision === 'approve' ? 'approved' : 'rejected';
    return { json: told, text: `${run}: ${step} is ${word} by ${who.actor}; it is ${told.state}` };
  },
});
