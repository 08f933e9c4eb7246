import { CommandError, messageOf } from '../errors.ts';
import { requireService } from '../local/services.ts';
import { textOption, type Verb } from './verb.ts';
import { required } from './release.ts';

export const score: Verb = {
  name: 'score',
  summary: 'ask the live pair of a model for predictions',
  wordsMax: 1,
  usage: "MODEL --rows '[{…}]' [--tenant NAME]",
  help: `Example:
  npx orrery score arrival-delay \\
    --rows '[{"origin":"ATL","destination":"ORD","day":"2001-06-15","scheduled_hour":17,"distance_miles":606}]'
The answer names the release and the pair by which it was made.`,
  options: { rows: { type: 'string' }, tenant: { type: 'string' } },
  async run({ places, actor }, { words, values }) {
    const model = required(words, 'MODEL', 'score');
    const path = `/v1/models/${encodeURIComponent(model)}/predictions`;
    const tenant = textOption(values, 'tenant') ?? 'main';
    const body = { rows: parseRows(textOption(values, 'rows')) };
    const answer = await requireService(places, 'scoring').call({ method: 'POST', path, body, actor, tenant });
    return { json: answer.body, text: JSON.stringify(answer.body, null, 2) };
  },
};

function parseRows(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch (cause) {
    const hint = 'give --rows a JSON array of objects: npx orrery score --help';
    throw new CommandError({
      code: 'USAGE',
      message: `--rows is no JSON: ${messageOf(cause)}`,
      hint,
      exitCode: 2,
      cause,
    });
  }
}
