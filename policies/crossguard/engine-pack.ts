import { readFileSync } from 'node:fs';
import {
  PolicyPack,
  type ReportViolation,
  type ResourceValidationPolicy,
  type StackValidationPolicy,
} from '@pulumi/policy';
import { factsOf, type VersionsFile } from '../facts.ts';
import { packOf } from '../pack.ts';
import type { Rule, Violation } from '../rule.ts';
import { environmentOf, graphOf, isRemote, isUndecided, resourceOf } from './engine-graph.ts';

/*
 * `pulumi up --policy-pack policies/crossguard`: the rules that tests and `orrery policy` judge by, where they stop what they refuse. A
 * rule of single resources judges each before it is made, so that `--skip-preview` does not go past it; a rule of the whole graph judges
 * when a preview has ended, and again when all is made.
 */

const list = new URL('../../infra/planning/versions.json', import.meta.url);
const facts = factsOf(JSON.parse(readFileSync(list, 'utf8')) as VersionsFile);

new PolicyPack('orrery', { enforcementLevel: 'mandatory', policies: packOf('').rules.map(policyOf) });

function policyOf(rule: Rule): ResourceValidationPolicy | StackValidationPolicy {
  const { name, why, remedy, scope } = rule;
  const told = { name, description: `${why}. To do: ${remedy}.` };
  if (scope === 'resource') {
    return {
      ...told,
      validateResource: (args, report) => {
        if (isRemote(args)) return;
        const { environment } = packOf(environmentOf(args.urn), facts);
        tell(rule.check({ resources: [resourceOf(args)] }, environment), report);
      },
    };
  }
  return {
    ...told,
    validateStack: ({ resources }, report) => {
      const { environment } = packOf(environmentOf(resources[0]?.urn ?? ''), facts);
      tell(rule.check(graphOf(resources), environment), report);
    },
  };
}

function tell(violations: readonly Violation[], report: ReportViolation): void {
  for (const { resource, property, value, problem } of violations.filter((one) => !isUndecided(one.value))) {
    report(`${resource}: ${property} = ${value === undefined ? 'nothing' : JSON.stringify(value)}: ${problem}`);
  }
}
