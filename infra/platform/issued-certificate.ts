import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Output, type Resource } from '@pulumi/pulumi';
import {
  planAcmeIssuer,
  planAuthority,
  planGatewayCertificate,
  type Signer,
} from '../planning/platform/certificates.ts';
import type { Gateway } from './gateway.ts';

export interface IssuedCertificateArgs {
  /** In whose namespace the Secret is made. */
  readonly gateway: Gateway;
  /** Labels below the gateway's domain, one for each route. At least one. */
  readonly hosts: readonly string[];
  /** Who signs: the cluster itself, or a public authority by ACME. */
  readonly signer: Signer;
  /** The Secret that the gateway's listener names. */
  readonly secretName: string;
  /** What has to stand first: cert-manager. */
  readonly after: readonly Resource[];
}

const { CustomResource } = kubernetes.apiextensions;
const authoritySecret = 'gateway-authority';

/**
 * The gateway's certificate, issued and renewed by cert-manager: by a public authority, or by one of the cluster's own.
 * Cost driver: none.
 * Refuses a certificate for no host.
 */
export class IssuedCertificate extends ComponentResource {
  constructor(name: string, args: IssuedCertificateArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:IssuedCertificate', name, {}, options);
    const { hosts, secretName, gateway } = args;
    const { domain } = gateway;
    const issuerName =
      args.signer.kind === 'acme' ? this.#trustPublic(name, args, args.signer.email) : this.#trustOwn(name, args);
    this.#create(name, 'Certificate', args, {
      role: 'certificate',
      spec: planGatewayCertificate({ domain, hosts, issuerName, secretName }),
    });
    this.registerOutputs();
  }

  #trustPublic(name: string, args: IssuedCertificateArgs, email: string): Output<string> {
    const gateway = { name: args.gateway.gatewayName, namespace: args.gateway.namespaceName };
    return this.#create(name, 'Issuer', args, { role: 'issuer', spec: planAcmeIssuer(email, gateway) });
  }

  /** An authority that signs itself, and then everything else. */
  #trustOwn(name: string, args: IssuedCertificateArgs): Output<string> {
    const root = this.#create(name, 'Issuer', args, { role: 'root', spec: { selfSigned: {} } });
    this.#create(name, 'Certificate', args, {
      role: 'authority',
      spec: planAuthority(args.gateway.domain, root, authoritySecret),
    });
    return this.#create(name, 'Issuer', args, { role: 'issuer', spec: { ca: { secretName: authoritySecret } } });
  }

  #create(
    name: string,
    kind: 'Issuer' | 'Certificate',
    { gateway, after }: IssuedCertificateArgs,
    { role, spec }: { role: string; spec: object },
  ): Output<string> {
    const made = new CustomResource(
      `${name}-${role}`,
      { apiVersion: 'cert-manager.io/v1', kind, metadata: { namespace: gateway.namespaceName }, spec },
      { parent: this, dependsOn: [...after] },
    );
    return made.metadata.name;
  }
}
