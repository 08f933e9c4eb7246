import { listOf, ofType, valueAt, valuesAt, type Graph, type LocatedValue, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const gatewayType = /^kubernetes:gateway\.networking\.k8s\.io\/v1(beta1)?:Gateway$/;
const routeType = 'kubernetes:gateway.networking.k8s.io/v1:HTTPRoute';
const balancerType = 'kubernetes:gateway.k8s.aws/v1beta1:LoadBalancerConfiguration';
const ingressType = 'kubernetes:networking.k8s.io/v1:Ingress';

export const gatewaysEncrypted: Rule = {
  name: 'gateways-encrypted',
  why: 'a key that a tenant sends in plain text is anybody’s on the way',
  remedy: 'listeners of a Gateway are HTTPS with a certificate, or send there and do nothing else; an Ingress has tls',
  scope: 'graph',
  check: (graph) =>
    graph.resources.flatMap((resource) => {
      if (resource.type === ingressType) return checkIngress(resource);
      if (!gatewayType.test(resource.type)) return [];
      return valuesAt(resource.inputs, 'spec.listeners[]').flatMap((one) => checkListener(graph, resource, one));
    }),
};

function checkListener(graph: Graph, gateway: Resource, { property, value }: LocatedValue): Violation[] {
  const protocol = valueAt(value, 'protocol');
  if (protocol === 'HTTP' && onlyRedirects(graph, gateway, value)) return [];
  if (protocol !== 'HTTPS' && protocol !== 'TLS') {
    return [violationAt(gateway, { property: `${property}.protocol`, value: protocol }, 'must be HTTPS or TLS')];
  }
  const certificates = valueAt(value, 'tls.certificateRefs');
  if (valueAt(value, 'tls.mode') === 'Passthrough' || listOf(certificates).length > 0) return [];
  if (hasBalancerCertificate(graph, gateway, value)) return [];
  return [
    violationAt(gateway, { property: `${property}.tls.certificateRefs`, value: certificates }, 'has no certificate'),
  ];
}

/** Whether there are routes for a listener, of its own namespace, and all of them send elsewhere. */
function onlyRedirects(graph: Graph, gateway: Resource, listener: unknown): boolean {
  const name = valueAt(listener, 'name');
  const routes = ofType(graph, routeType).filter(({ inputs }) =>
    valuesAt(inputs, 'spec.parentRefs[]').some(
      ({ value }) => namesResource(valueAt(value, 'name'), gateway) && valueAt(value, 'sectionName') === name,
    ),
  );
  const rules = routes.flatMap(({ inputs }) => valuesAt(inputs, 'spec.rules[]'));
  const isClosed = valueAt(listener, 'allowedRoutes.namespaces.from') === 'Same';
  return isClosed && rules.length > 0 && rules.every(({ value }) => redirects(value));
}

function redirects(rule: unknown): boolean {
  const filters = valuesAt(rule, 'filters[].type').map(({ value }) => value);
  return filters.includes('RequestRedirect') && valueAt(rule, 'backendRefs') === undefined;
}

/** Load balancers of AWS take their certificates from their own configuration. */
function hasBalancerCertificate(graph: Graph, gateway: Resource, listener: unknown): boolean {
  const configuration = valueAt(gateway.inputs, 'spec.infrastructure.parametersRef.name');
  const port = `HTTPS:${String(valueAt(listener, 'port'))}`;
  return ofType(graph, balancerType)
    .filter((balancer) => namesResource(configuration, balancer))
    .flatMap(({ inputs }) => valuesAt(inputs, 'spec.listenerConfigurations[]'))
    .some(({ value }) => valueAt(value, 'protocolPort') === port && valueAt(value, 'defaultCertificate') !== undefined);
}

function namesResource(reference: unknown, { name, inputs }: Resource): boolean {
  if (typeof reference !== 'string') return false;
  return reference.includes(`{${name}.`) || reference === valueAt(inputs, 'metadata.name');
}

function checkIngress(ingress: Resource): Violation[] {
  const value = valueAt(ingress.inputs, 'spec.tls');
  if (listOf(value).length > 0) return [];
  return [violationAt(ingress, { property: 'spec.tls', value }, 'has no certificate')];
}
