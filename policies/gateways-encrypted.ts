import { isRecord, listOf, valueAt, valuesAt, type LocatedValue, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const gatewayType = /^kubernetes:gateway\.networking\.k8s\.io\/v1(beta1)?:Gateway$/;
const ingressType = 'kubernetes:networking.k8s.io/v1:Ingress';

export const gatewaysEncrypted: Rule = {
  name: 'gateways-encrypted',
  why: 'a key that a tenant sends in plain text is anybody’s on the way',
  remedy: 'listeners of a Gateway are HTTPS with a certificate; an Ingress has tls',
  scope: 'resource',
  check: ({ resources }) =>
    resources.flatMap((resource) => {
      if (gatewayType.test(resource.type))
        return valuesAt(resource.inputs, 'spec.listeners[]').flatMap(checkIn(resource));
      return resource.type === ingressType ? checkIngress(resource) : [];
    }),
};

function checkIn(gateway: Resource): (listener: LocatedValue) => Violation[] {
  return ({ property, value }) => {
    const protocol = valueAt(value, 'protocol');
    if (protocol !== 'HTTPS' && protocol !== 'TLS') {
      return [violationAt(gateway, { property: `${property}.protocol`, value: protocol }, 'must be HTTPS or TLS')];
    }
    const certificates = valueAt(value, 'tls.certificateRefs');
    const options = valueAt(value, 'tls.options');
    const passes = valueAt(value, 'tls.mode') === 'Passthrough';
    if (passes || listOf(certificates).length > 0 || isRecord(options)) return [];
    return [
      violationAt(gateway, { property: `${property}.tls.certificateRefs`, value: certificates }, 'has no certificate'),
    ];
  };
}

function checkIngress(ingress: Resource): Violation[] {
  const value = valueAt(ingress.inputs, 'spec.tls');
  if (listOf(value).length > 0) return [];
  return [violationAt(ingress, { property: 'spec.tls', value }, 'has no certificate')];
}
