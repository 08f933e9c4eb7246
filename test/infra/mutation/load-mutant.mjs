// Registered by `--import`: gives the text of a file to whoever imports one module, and leaves all others alone.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const { ORRERY_MUTATED: url, ORRERY_MUTANT: file } = process.env;

registerHooks({
  load: (wanted, context, next) =>
    wanted === url
      ? { format: 'module-typescript', source: readFileSync(file ?? '', 'utf8'), shortCircuit: true }
      : next(wanted, context),
});
