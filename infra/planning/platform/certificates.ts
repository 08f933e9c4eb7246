import type { Input } from '@pulumi/pulumi';
import { PlanError } from '#infra/errors.ts';
import { listenerNames } from './gateway.ts';

/** Who signs. */
export type Signer =
  /** An authority of the cluster's own, which browsers don't know: for clusters that no public authority reaches. */
  | { readonly kind: 'self-signed' }
  /** A public authority that asks for a page below each name; the gateway has to be reached from the internet. */
  | { readonly kind: 'acme'; readonly email: string };

/** Let's Encrypt. */
const acmeServer = 'https://acme-v02.api.letsencrypt.org/directory';

/** `cert-manager.io/v1 Issuer` of a public authority, which proves each name by a route of the gateway. */
export function planAcmeIssuer(email: string, gateway: { name: Input<string>; namespace: Input<string> }) {
  const parentRefs = [{ ...gateway, kind: 'Gateway', sectionName: listenerNames.http }];
  return {
    acme: {
      email,
      server: acmeServer,
      privateKeySecretRef: { name: 'gateway-acme-account' },
      solvers: [{ http01: { gatewayHTTPRoute: { parentRefs } } }],
    },
  };
}

export interface CertificateRequest {
  readonly domain: string;
  /** Labels below the domain; a public authority signs no wildcard by a page. At least one. */
  readonly hosts: readonly string[];
  readonly issuerName: Input<string>;
  readonly secretName: string;
}

/** Full names of hosts below a domain, each certified by itself. Refuses to certify nothing. */
export function planHostNames(domain: string, hosts: readonly string[]): string[] {
  if (hosts.length === 0) {
    throw new PlanError({
      code: 'CERTIFICATE_EMPTY',
      message: `the certificate of ${domain} names no host`,
      hint: 'name those that routes are made for, for example console',
    });
  }
  return hosts.map((host) => `${host}.${domain}`);
}

/** `cert-manager.io/v1 Certificate`: 90 days, renewed after 60, by a key that is made anew each time. */
export function planGatewayCertificate({ domain, hosts, issuerName, secretName }: CertificateRequest) {
  return {
    secretName,
    dnsNames: planHostNames(domain, hosts),
    ...keyAndLife,
    issuerRef: { group: 'cert-manager.io', kind: 'Issuer', name: issuerName },
  };
}

/** The certificate of an authority of the cluster's own. */
export function planAuthority(domain: string, issuerName: Input<string>, secretName: string) {
  return {
    secretName,
    isCA: true,
    commonName: `orrery ${domain}`,
    privateKey: keyAndLife.privateKey,
    duration: '87600h',
    issuerRef: { group: 'cert-manager.io', kind: 'Issuer', name: issuerName },
  };
}

const keyAndLife = {
  privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
  duration: '2160h',
  renewBefore: '720h',
} as const;
