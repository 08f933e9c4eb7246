import { isOneOf, isTrue, unmet } from './demand.ts';
import { ofType, partsOf, valueAt, type Graph, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const repositoryType = 'aws:ecr/repository:Repository';

export const registriesImmutable: Rule = {
  name: 'registries-immutable',
  why: 'a tag that is pushed again runs other code under a tested name, and nobody hears of a hole in an image',
  remedy: 'imageTagMutability IMMUTABLE, scanOnPush, and a lifecycle policy for what no release names',
  scope: 'graph',
  check: (graph) => ofType(graph, repositoryType).flatMap((repository) => checkRepository(graph, repository)),
};

function checkRepository(graph: Graph, repository: Resource): Violation[] {
  return [
    ...unmet(repository, [
      {
        property: 'imageTagMutability',
        accepts: isOneOf('IMMUTABLE'),
        problem: 'lets a tag be pushed again',
      },
    ]),
    ...checkScan(graph, repository),
    ...checkLifecycle(graph, repository),
  ];
}

/** By itself, or by the rules of its registry. */
function checkScan(graph: Graph, repository: Resource): Violation[] {
  const property = 'imageScanningConfiguration.scanOnPush';
  const value = valueAt(repository.inputs, property);
  if (isTrue(value)) return [];
  const type = 'aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration';
  return ofType(graph, type).length > 0 ? [] : [violationAt(repository, { property, value }, 'looks for no holes')];
}

function checkLifecycle(graph: Graph, repository: Resource): Violation[] {
  const parts = ofType(graph, 'aws:ecr/lifecyclePolicy:LifecyclePolicy');
  const wholes = ofType(graph, repositoryType);
  // A repository's name is known before it is made: people and registries refer to it.
  const named = parts.some(({ inputs }) => inputs['repository'] === (repository.inputs['name'] ?? ''));
  if (named || partsOf(repository, { parts, property: 'repository', wholes }).length > 0) return [];
  return [violationAt(repository, { property: 'lifecyclePolicy', value: undefined }, 'keeps every image for ever')];
}
