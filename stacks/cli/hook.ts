import { orchestratorVerb, usageError } from './orchestrator-verb.ts';

export const hook = orchestratorVerb({
  name: 'hook',
  summary: 'show where deliveries to a webhook go, and the secret that signs them',
  wordsMax: 1,
  usage: 'NAME',
  help: `NAME is that of a trigger, { webhook: NAME }. The sender signs "<t>.<body>" by HMAC-SHA256 with the secret, t being the time in
seconds, and sends it in hexadecimal digits as x-orrery-signature: t=<t>,v1=<signature>. The secret is derived from the platform's
token, so it stands in no file: whoever has it can start the runs of this hook and nothing else.
Example: npx orrery hook new-flights`,
  options: {},
  answer: async ({ call }, { words }) => {
    const [name] = words;
    if (name === undefined) throw usageError('no hook is named', 'npx orrery hook NAME');
    const found = await call<{ path: string; secret: string }>('GET', `/v1/hooks/${encodeURIComponent(name)}`);
    return { json: found, text: `POST ${found.path}\nsecret ${found.secret}` };
  },
});
