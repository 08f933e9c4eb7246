import type { types } from '@pulumi/kubernetes';
import type { Input } from '@pulumi/pulumi';
import { PlanError } from '#infra/errors.ts';

/*
 * Network policies add up: a namespace denies everything once, and each policy beside that allows something. So whoever owns a workload
 * declares who talks to it and whom it talks to, in a policy of its own. Kubernetes reads an empty list of peers or ports as "all of
 * them"; the functions here refuse to write one.
 */

export type NetworkPolicySpec = types.input.networking.v1.NetworkPolicySpec;
type IngressRule = types.input.networking.v1.NetworkPolicyIngressRule;
type EgressRule = types.input.networking.v1.NetworkPolicyEgressRule;
type Labels = Readonly<Record<string, string>>;

/** What may come in and go out: to be joined by `planNetworkPolicy`. */
export interface Allowance {
  readonly ingress: readonly IngressRule[];
  readonly egress: readonly EgressRule[];
}

/** Pods, by their labels and their namespace. */
export interface Peer {
  /** Physical name of their namespace. Default: the namespace of the policy. */
  readonly namespace?: Input<string>;
  /** Labels of their namespace, where it is one of several, for example of every tenant. Not together with `namespace`. */
  readonly namespaceLabels?: Labels;
  /** Labels that they all carry. Default: every pod there. */
  readonly labels?: Labels;
}

/** A port of the pods behind a Service, not of the Service: policies are judged after its translation. */
export type Port =
  | number
  | {
      readonly port: number;
      readonly protocol: 'TCP' | 'UDP';
      /** The last port, where it is a range. Default: `port` alone. */
      readonly endPort?: number;
    };

/** Every port that a program may listen on without rights, for peers that trust each other. */
export const unprivilegedPorts: Port = { port: 1024, endPort: 65_535, protocol: 'TCP' };

/** In (`from`) or out (`to`), on these ports. */
export type Direction<Place> =
  | { readonly from: readonly Place[]; readonly ports: readonly Port[] }
  | { readonly to: readonly Place[]; readonly ports: readonly Port[] };

/** Every address: written as a word where it is meant, so that nobody opens everything by a typing mistake. */
export const anywhere = '0.0.0.0/0';

/** Where the Pod Identity agent of each node listens. */
export const podIdentityCidr = '169.254.170.23/32';

/** Where cloud credentials of the whole node would be told; nothing of ours may ask. */
const nodeMetadataCidr = '169.254.169.254/32';

/** No pod of the namespace receives or sends anything that no other policy allows. */
export function denyAll(): NetworkPolicySpec {
  return { podSelector: {}, policyTypes: ['Ingress', 'Egress'] };
}

/** One policy out of what it allows. `pods`: labels of those it is about; default every pod of the namespace. */
export function planNetworkPolicy(allowances: readonly Allowance[], pods: Labels = {}): NetworkPolicySpec {
  const ingress = allowances.flatMap((one) => one.ingress);
  const egress = allowances.flatMap((one) => one.egress);
  if (ingress.length + egress.length === 0) {
    throw refuse('POLICY_EMPTY', 'a network policy allows nothing', 'leave it out: the namespace denies by itself');
  }
  return {
    podSelector: Object.keys(pods).length === 0 ? {} : { matchLabels: { ...pods } },
    policyTypes: [...(ingress.length > 0 ? ['Ingress'] : []), ...(egress.length > 0 ? ['Egress'] : [])],
    ...(ingress.length > 0 ? { ingress } : {}),
    ...(egress.length > 0 ? { egress } : {}),
  };
}

/** Names, from the cluster's own DNS. */
export function allowDns(): Allowance {
  return allowPeers({
    to: [{ namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } }],
    ports: [
      { port: 53, protocol: 'UDP' },
      { port: 53, protocol: 'TCP' },
    ],
  });
}

/** Pods, here or in another namespace. */
export function allowPeers(traffic: Direction<Peer>): Allowance {
  return 'from' in traffic
    ? allowance({ from: traffic.from.map(selectorOf) }, traffic.ports)
    : allowance({ to: traffic.to.map(selectorOf) }, traffic.ports);
}

/** Addresses, for what is no pod: managed data stores, load balancers, the API server. */
export function allowCidrs(traffic: Direction<string>): Allowance {
  return 'from' in traffic
    ? allowance({ from: traffic.from.map(blockOf) }, traffic.ports)
    : allowance({ to: traffic.to.map(blockOf) }, traffic.ports);
}

/** TLS to anywhere: AWS has no fixed addresses; what may be done there, the pod's role says. */
export function allowTls(): Allowance {
  return allowCidrs({ to: [anywhere], ports: [443] });
}

/** The agent that hands a pod the credentials of its own role. */
export function allowPodIdentity(): Allowance {
  return allowCidrs({ to: [podIdentityCidr], ports: [80] });
}

/** The API of Kubernetes: 443 in EKS, 6443 nearly everywhere else; it is no pod, so it can't be selected. */
export function allowApiServer(): Allowance {
  return allowCidrs({ to: [anywhere], ports: [443, 6443] });
}

type Place = types.input.networking.v1.NetworkPolicyPeer;

function allowance(places: { from: Place[] } | { to: Place[] }, ports: readonly Port[]): Allowance {
  const listed = 'from' in places ? places.from : places.to;
  if (listed.length === 0 || ports.length === 0) {
    const message = `${listed.length} peers on ${ports.length} ports`;
    throw refuse('POLICY_OPEN', message, 'name at least one of each: Kubernetes reads an empty list as all of them');
  }
  const rule = { ports: ports.map(portOf) };
  return 'from' in places
    ? { ingress: [{ from: places.from, ...rule }], egress: [] }
    : { ingress: [], egress: [{ to: places.to, ...rule }] };
}

function selectorOf({ namespace, namespaceLabels, labels }: Peer): Place {
  if (namespace !== undefined && namespaceLabels !== undefined) {
    throw refuse('PEER_AMBIGUOUS', 'a peer names a namespace and labels of namespaces', 'give one of the two');
  }
  const matchLabels = namespace === undefined ? namespaceLabels : { 'kubernetes.io/metadata.name': namespace };
  return {
    ...(matchLabels === undefined ? {} : { namespaceSelector: { matchLabels } }),
    ...(labels !== undefined || matchLabels === undefined
      ? { podSelector: labels ? { matchLabels: labels } : {} }
      : {}),
  };
}

function blockOf(cidr: string): Place {
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d|[12]\d|3[0-2])$/.exec(cidr);
  if (octets === null || octets.slice(1, 5).some((octet) => Number(octet) > 255)) {
    throw refuse('CIDR_INVALID', `"${cidr}" is no address range`, 'write one such as 10.20.0.0/16');
  }
  return { ipBlock: cidr === anywhere ? { cidr, except: [nodeMetadataCidr] } : { cidr } };
}

function portOf(port: Port): types.input.networking.v1.NetworkPolicyPort {
  const { port: first, protocol, endPort } = typeof port === 'number' ? tcp(port) : port;
  const last = endPort ?? first;
  if (isPort(first) && isPort(last) && first <= last) {
    return { protocol, port: first, ...(endPort === undefined ? {} : { endPort }) };
  }
  const asked = endPort === undefined ? `port ${first}` : `ports ${first} to ${endPort}`;
  throw refuse('PORT_INVALID', `${asked} can't be`, 'give whole numbers from 1 to 65535, the lower one first');
}

function tcp(port: number): Exclude<Port, number> {
  return { port, protocol: 'TCP' };
}

function isPort(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= 65_535;
}

function refuse(code: string, message: string, hint: string): PlanError {
  return new PlanError({ code, message, hint });
}
