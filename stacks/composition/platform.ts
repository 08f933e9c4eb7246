import type { Output, Resource } from '@pulumi/pulumi';
import { Bucket } from '#infra/data/bucket.ts';
import type { AdmissionRule } from '#infra/planning/platform/admission.ts';
import type { OperatorPlacement } from '#infra/planning/platform/operators.ts';
import { Admission } from '#infra/platform/admission.ts';
import { ApplicationGateway } from '#infra/platform/application-gateway.ts';
import { CertManager } from '#infra/platform/cert-manager.ts';
import { Certificate } from '#infra/platform/certificate.ts';
import { EnvoyGateway } from '#infra/platform/envoy-gateway.ts';
import { ExternalDns } from '#infra/platform/external-dns.ts';
import { ExternalSecrets } from '#infra/platform/external-secrets.ts';
import { GatewayApi } from '#infra/platform/gateway-api.ts';
import type { Gateway } from '#infra/platform/gateway.ts';
import { IssuedCertificate } from '#infra/platform/issued-certificate.ts';
import { Keda } from '#infra/platform/keda.ts';
import { LoadBalancerController } from '#infra/platform/load-balancer-controller.ts';
import type { KubernetesPlatformSettings, PlatformSettings } from '../settings/platform.ts';
import type { ClusterLayer, Foundation, KubernetesLayer, NetworkLayer } from './layers.ts';
import type { NamespacesLayer } from './namespace.ts';

/** Where components find what people keep outside: the arguments of `createExternalSecret` that an environment decides. */
export interface SecretsLayer {
  readonly storeName: Output<string>;
  readonly refreshMinutes: number;
  readonly ready: readonly Resource[];
}

/** What the platform stands on, and the door to it. */
export interface PlatformLayer {
  /** Absent where nothing is reached from outside. */
  readonly gateway?: Gateway;
  /** Absent where people keep no secrets outside. */
  readonly secrets?: SecretsLayer;
  /** What has to stand before a ScaledObject, a route or an ExternalSecret is accepted. */
  readonly ready: readonly Resource[];
}

/** Asked of every object in our namespaces; policies/admission holds them. */
export interface AdmissionRequest {
  readonly admission: readonly AdmissionRule[];
}

/** What is reached from outside. */
export interface DoorRequest {
  /** Names directly below the domain that routes are made for: an authority certifies each by name. Without one there is no door. */
  readonly hosts: readonly string[];
}

export interface CloudPlatformRequest extends AdmissionRequest, DoorRequest {
  readonly settings: PlatformSettings;
  readonly foundation: Foundation;
  readonly network: NetworkLayer;
  readonly cluster: ClusterLayer;
  readonly namespaces: NamespacesLayer;
}

export interface ClusterPlatformRequest extends AdmissionRequest, DoorRequest {
  readonly settings: KubernetesPlatformSettings;
  readonly kubernetes: KubernetesLayer;
  readonly namespaces: NamespacesLayer;
}

/** Days that a line about every request is kept. */
const requestLogDays = 90;
const tlsSecret = 'gateway-tls';

/** In a cloud of its own. */
export function createPlatform(request: CloudPlatformRequest): PlatformLayer {
  const { settings, cluster, namespaces } = request;
  const placement: OperatorPlacement = { ...settings.operators, systemPool: true };
  const common = { namespace: namespaces.systemName, placement, after: cluster.ready };
  const { providers } = cluster;
  const keda = new Keda('keda', common, { providers });
  new Admission('admission', { rules: request.admission }, { providers });
  const gateway = createCloudGateway(request, placement);
  const secrets = createSecrets(request, placement);
  return {
    ...(gateway === undefined ? {} : { gateway }),
    ...(secrets === undefined ? {} : { secrets }),
    ready: [...keda.ready, ...(gateway?.ready ?? []), ...(secrets?.ready ?? [])],
  };
}

/** In a Kubernetes that is there already. */
export function createClusterPlatform(request: ClusterPlatformRequest): PlatformLayer {
  const { settings, kubernetes, namespaces } = request;
  const { providers } = kubernetes;
  const placement: OperatorPlacement = { ...settings.operators, systemPool: false };
  const keda = new Keda(
    'keda',
    { namespace: namespaces.systemName, placement, after: kubernetes.ready },
    { providers },
  );
  new Admission('admission', { rules: request.admission }, { providers });
  const gateway = createClusterGateway(request, placement);
  return {
    ...(gateway === undefined ? {} : { gateway }),
    ready: [...keda.ready, ...(gateway?.ready ?? [])],
  };
}

function createCloudGateway(request: CloudPlatformRequest, placement: OperatorPlacement): Gateway | undefined {
  const { foundation, network, cluster, namespaces } = request;
  const { gateway, domain } = request.settings;
  if (gateway.kind === 'none' || domain.kind === 'none' || request.hosts.length === 0) return undefined;
  const { environment, region, accountId, tags } = foundation;
  const { providers, clusterName } = cluster;
  const namespace = namespaces.systemName;
  const webAcl = gateway.webAcl === 'none' ? {} : { webAclArn: gateway.webAcl };
  const definitions = new GatewayApi('gateway-api', { namespace }, { providers });
  const after = [...cluster.ready, ...definitions.ready];
  const controller = new LoadBalancerController(
    'load-balancers',
    {
      namespace,
      placement,
      after,
      region,
      accountId,
      clusterName,
      tags,
      ...webAcl,
      vpcId: network.vpcId,
      nodeSecurityGroupId: cluster.securityGroupId,
    },
    { providers },
  );
  const { name, zoneId } = domain;
  const certificate = new Certificate('certificate', { domain: name, hosts: request.hosts, zoneId }, { providers });
  new ExternalDns(
    'dns',
    { namespace, placement, after, region, clusterName, zoneId, domain: name, owner: `orrery-${environment}` },
    { providers },
  );
  return new ApplicationGateway(
    'gateway',
    {
      ...gateway,
      ...webAcl,
      namespace,
      domain: name,
      networkCidr: network.cidr,
      subnetIds: gateway.scheme === 'internal' ? network.privateSubnetIds : network.publicSubnetIds,
      certificateArns: certificate.arns,
      logBucket: createRequestLog(foundation).bucketName,
      after: controller.ready,
    },
    { providers },
  );
}

/** The delivery of a load balancer's logs writes by S3's own keys alone. */
function createRequestLog({ accountId, providers, accessLogs }: Foundation): Bucket {
  return new Bucket(
    'request-log',
    {
      accessLogs,
      lifecycle: { expireDays: requestLogDays, noncurrentDays: 7 },
      statements: [
        {
          Sid: 'LoadBalancerLogs',
          Effect: 'Allow',
          Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
          Action: 's3:PutObject',
          on: 'objects',
          Condition: { StringEquals: { 'aws:SourceAccount': accountId } },
        },
      ],
    },
    { providers },
  );
}

function createSecrets(request: CloudPlatformRequest, placement: OperatorPlacement): SecretsLayer | undefined {
  const { settings, foundation, cluster, namespaces } = request;
  if (settings.secrets.kind === 'none') return undefined;
  const { environment, region, accountId, keyArn } = foundation;
  const { storeName, ready } = new ExternalSecrets(
    'secrets',
    {
      environment,
      region,
      accountId,
      keyArn,
      placement,
      namespace: namespaces.systemName,
      clusterName: cluster.clusterName,
      namespaces: [namespaces.namespaceName, namespaces.observabilityName],
      after: cluster.ready,
    },
    { providers: cluster.providers },
  );
  return { storeName, refreshMinutes: settings.secrets.refreshMinutes, ready };
}

function createClusterGateway(request: ClusterPlatformRequest, placement: OperatorPlacement): Gateway | undefined {
  const { kubernetes, namespaces } = request;
  const { gateway, domain } = request.settings;
  if (gateway.kind === 'none' || domain.kind === 'none' || request.hosts.length === 0) return undefined;
  const { providers } = kubernetes;
  const namespace = namespaces.systemName;
  const after = kubernetes.ready;
  const certManager = new CertManager('cert-manager', { namespace, placement, after }, { providers });
  const door = new EnvoyGateway(
    'gateway',
    { ...gateway, namespace, domain: domain.name, tlsSecret, placement, after },
    { providers },
  );
  new IssuedCertificate(
    'certificate',
    { gateway: door, hosts: request.hosts, signer: domain, secretName: tlsSecret, after: certManager.ready },
    { providers },
  );
  return door;
}
