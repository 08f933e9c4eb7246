import { formatFault } from '../promotion/audit-fault.ts';
import { auditAll, type Audit } from '../promotion/audit.ts';
import type { Verb } from './verb.ts';

const faultsShownMax = 20;

export const auditVerify: Verb = {
  name: 'audit verify',
  summary: 'check that nothing recorded was ever changed: git, releases, bindings, ledgers, pins, store',
  wordsMax: 0,
  usage: '[--rebuild]',
  help: `Records are only ever added to. This checks that every commit of HEAD's history kept to it, that each record is what its name
says, that ledgers follow from entry to entry, that pins are where their ledgers say, and that every object of the store hashes to
its name and is read-only. What is wrong is named with the first wrong byte; exit code 3.
  --rebuild   build releases again to tell at which byte an object of the store is wrong`,
  options: { rebuild: { type: 'boolean' } },
  async run({ places, progress }, { values }) {
    const audit = await auditAll({ places, rebuilds: values['rebuild'] === true, progress });
    return { json: audit, text: describe(audit), exitCode: audit.whole ? 0 : 3 };
  },
};

function describe({ whole, checked, shallow, faults }: Audit): string {
  const counts = Object.entries(checked).map(([what, count]) => `${count} ${what}`);
  const shown = faults.slice(0, faultsShownMax).map(formatFault);
  const more = faults.length > faultsShownMax ? [`and ${faults.length - faultsShownMax} more: --json has all`] : [];
  const remedy = whole
    ? []
    : [
        'restore records from a clone that is right (git checkout), objects by npx orrery release verify RELEASE --rebuild',
      ];
  return [
    whole ? 'nothing recorded was changed' : `not as recorded, ${faults.length} times:`,
    ...shown,
    ...more,
    ...remedy,
    `checked: ${counts.join(', ')}`,
    ...(shallow ? ['this clone is shallow: what its missing commits did is not known (git fetch --unshallow)'] : []),
  ].join('\n');
}
