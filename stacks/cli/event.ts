import { orchestratorVerb, spanOption, usageError } from './orchestrator-verb.ts';
import { textOption } from './verb.ts';

export const event = orchestratorVerb({
  name: 'event',
  summary: 'deliver an event: it wakes the steps that wait for it and starts the runs that it triggers',
  wordsMax: 1,
  usage: 'NAME [--key TEXT] [--payload JSON] [--keep SPAN] [--id TEXT]',
  help: `  --key TEXT      only what waits for the event with this key
  --payload JSON  the result of the steps that waited, and \${{ event }} of the runs; default null
  --keep SPAN     so long it also wakes steps that begin to wait for it later, for example 2h
  --id TEXT       sent twice under one id, it starts its runs once
Example: npx orrery event landed --key EDDF --payload '{"flight": "LH1"}'`,
  options: {
    key: { type: 'string' },
    payload: { type: 'string' },
    keep: { type: 'string' },
    id: { type: 'string' },
  },
  answer: async ({ call }, { words, values }) => {
    const [name] = words;
    if (name === undefined) throw usageError('no event is named', 'npx orrery event NAME');
    const [key, id] = [textOption(values, 'key'), textOption(values, 'id')];
    const keepMs = spanOption(values, 'keep');
    const told = await call<{ id: string; delivered: number }>('POST', '/v1/events', {
      event: name,
      ...(key === undefined ? {} : { key }),
      ...(id === undefined ? {} : { id }),
      ...(keepMs === undefined ? {} : { keepMs }),
      payload: payloadOf(textOption(values, 'payload')),
    });
    return { json: told, text: `${name}: woke ${told.delivered} steps (id ${told.id})` };
  },
});

function payloadOf(text: string | undefined): unknown {
  if (text === undefined) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw usageError(`--payload ${text} is no JSON`, `texts stand in double quotes: --payload '{"flight": "LH1"}'`);
  }
}
