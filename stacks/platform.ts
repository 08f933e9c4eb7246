import * as aws from '@pulumi/aws';
import { jsonStringify, type Output } from '@pulumi/pulumi';
import type { Release, ReleasedService } from '@orrery/contracts/release';
import { Addons } from '../infra/cluster/addons.ts';
import { ControlPlane } from '../infra/cluster/control-plane.ts';
import { NodePool } from '../infra/compute/node-pool.ts';
import { ClickHouse } from '../infra/data/clickhouse.ts';
import { ObjectStore } from '../infra/data/object-store.ts';
import { Valkey, type ValkeyRole } from '../infra/data/valkey.ts';
import { Vpc } from '../infra/network/vpc.ts';
import { Namespace } from '../infra/platform/namespace.ts';
import { planNetworkAddons, planNodeAddons } from '../infra/planning/addons.ts';
import { planGpuCaps, planGpuPool, planSpotPool, planSystemPool } from '../infra/planning/pools.ts';
import { planTags } from '../infra/planning/tags.ts';
import { clickhouseImage, imageReference, kubernetesVersion, valkeyVersion } from '../infra/planning/versions.ts';
import { servicePort, tokenFile } from '../infra/planning/workload.ts';
import { Key } from '../infra/security/key.ts';
import { Token, tokenKey } from '../infra/security/token.ts';
import { Service } from '../infra/service/service.ts';
import { CommandError } from './errors.ts';
import { configureService, type Surroundings } from './service-configuration.ts';
import { checkSettings, type Settings } from './settings.ts';

export interface PlatformRequest {
  /** For example `dev`: the stack. */
  readonly environment: string;
  readonly release: Pick<Release, 'services' | 'live'>;
  readonly releaseDigest: string;
  /** The binding's settings, as they were frozen; checked here, because the schema is the release's. */
  readonly settings: unknown;
}

export interface PlatformOutputs {
  readonly release: string;
  readonly clusterName: Output<string>;
  readonly storeBucket: Output<string>;
  readonly urls: Readonly<Record<DeployedService, Output<string>>>;
}

type DeployedService = keyof Settings['services'];

/** The services that this first form deploys; the others run locally only, until the cloud has what they need. */
const deployed: readonly DeployedService[] = ['orchestrator', 'scoring'];
const namespaceName = 'orrery';
const database = 'orrery';

/**
 * Everything that an environment is, from a release and a binding. Called once by Pulumi's entry, and by tests as often as they
 * like: nothing is kept between two calls, and nothing is read from the machine.
 */
export function composePlatform(request: PlatformRequest): PlatformOutputs {
  const settings = checkSettings(request.environment, request.settings);
  const services = deployed.map((name) => [name, releasedService(request, name)] as const);
  const foundation = createFoundation(request.environment, settings);
  const cluster = createCluster(request.environment, settings, foundation);
  const data = createData(settings, foundation, cluster);
  const around: Surroundings = {
    environment: request.environment,
    release: request.releaseDigest,
    live: request.release.live,
    redis: { state: data.redis.state.url, cache: data.redis.cache.url },
    clickhouse: { url: data.clickhouse.url, database },
    store: { bucket: data.store.bucketName, region: settings.region },
    peers: Object.fromEntries(deployed.map((name) => [name, `http://${name}.${namespaceName}.svc:${servicePort}`])),
  };
  const urls = services.map(([name, service]) => {
    const made = createService(name, { service, around, settings, foundation, cluster, data });
    return [name, made.url] as const;
  });
  return {
    release: request.releaseDigest,
    clusterName: cluster.controlPlane.clusterName,
    storeBucket: data.store.bucketName,
    urls: Object.fromEntries(urls) as PlatformOutputs['urls'],
  };
}

function createFoundation(environment: string, settings: Settings) {
  const { region, account, network } = settings;
  const tags = planTags({ environment, ...settings.tags });
  const provider = new aws.Provider('aws', { region, allowedAccountIds: [account.id], defaultTags: { tags } });
  const providers = { aws: provider };
  const key = new Key(
    'key',
    {
      description: `Orrery ${environment}: the store, Redis, Kubernetes secrets, control plane logs`,
      accountId: account.id,
      servicePrincipals: [`logs.${region}.amazonaws.com`],
    },
    { providers },
  );
  const vpc = new Vpc('network', { region, ...network }, { providers });
  return { tags, provider, providers, key, vpc };
}
type Foundation = ReturnType<typeof createFoundation>;

function createCluster(environment: string, settings: Settings, { tags, providers, key, vpc }: Foundation) {
  const controlPlane = new ControlPlane(
    'cluster',
    {
      clusterName: `orrery-${environment}`,
      version: kubernetesVersion,
      vpcId: vpc.vpcId,
      privateSubnetIds: vpc.privateSubnetIds,
      publicAccessCidrs: settings.cluster.publicAccessCidrs,
      administratorRoleArns: settings.cluster.administrators.map(
        (role) => `arn:aws:iam::${settings.account.id}:role/${role}`,
      ),
      keyArn: key.arn,
      logRetentionDays: settings.cluster.logRetentionDays,
    },
    { providers },
  );
  const { clusterName, version } = controlPlane;
  const early = new Addons('network-addons', { clusterName, addons: planNetworkAddons(), after: [] }, { providers });
  const plans = [
    planSystemPool(settings.system),
    planSpotPool(settings.spot),
    planGpuPool({ gpuMax: settings.gpuMax, ...settings.gpu }),
  ];
  // Nodes are ready only once they have the network plugin, so its addon comes first; DNS and storage need nodes to run on.
  const pools = plans.map(
    (plan) =>
      new NodePool(
        `${plan.kind}-pool`,
        { clusterName, version, subnetIds: vpc.privateSubnetIds, plan, tags, after: [early] },
        { providers },
      ),
  );
  const late = new Addons('node-addons', { clusterName, addons: planNodeAddons(), after: pools }, { providers });
  const kubernetesProviders = { ...providers, kubernetes: controlPlane.provider };
  const { quotaGpus } = planGpuCaps({ gpuMax: settings.gpuMax, instanceTypes: settings.gpu.instanceTypes });
  const namespace = new Namespace(
    'platform',
    { namespaceName, quotaGpus, vpcCidr: settings.network.cidr },
    { providers: kubernetesProviders },
  );
  return { controlPlane, late, namespace, kubernetesProviders };
}
type Cluster = ReturnType<typeof createCluster>;

function createData(
  settings: Settings,
  { providers, key, vpc }: Foundation,
  { controlPlane, late, namespace, kubernetesProviders }: Cluster,
) {
  const store = new ObjectStore('store', { keyArn: key.arn, lock: settings.store.lock }, { providers });
  const token = new Token('token', { namespace: namespace.namespaceName }, { providers: kubernetesProviders });
  const valkey = (role: ValkeyRole) =>
    new Valkey(
      `redis-${role}`,
      {
        role,
        vpcId: vpc.vpcId,
        subnetIds: vpc.privateSubnetIds,
        clientSecurityGroupId: controlPlane.securityGroupId,
        engine: valkeyVersion,
        ...settings.redis[role],
        authToken: token.value,
        keyArn: key.arn,
      },
      { providers },
    );
  const redis = { state: valkey('state'), cache: valkey('cache') };
  const clickhouse = new ClickHouse(
    'clickhouse',
    {
      namespace: namespace.namespaceName,
      image: imageReference(clickhouseImage),
      database,
      password: { secretName: token.secretName, key: tokenKey },
      ...settings.clickhouse,
      after: [late],
    },
    { providers: kubernetesProviders },
  );
  return { store, token, redis, clickhouse };
}
type Data = ReturnType<typeof createData>;

interface ServiceRequest {
  readonly service: ReleasedService;
  readonly around: Surroundings;
  readonly settings: Settings;
  readonly foundation: Foundation;
  readonly cluster: Cluster;
  readonly data: Data;
}

function createService(name: DeployedService, request: ServiceRequest): Service {
  const { service, around, settings, foundation, cluster, data } = request;
  const { manifest, own, closure } = service;
  const config = configureService(
    {
      name,
      version: { own, closure },
      needs: manifest.needs ?? [],
      peers: manifest.peers,
      port: servicePort,
      tokenFile,
    },
    around,
  );
  return new Service(
    name,
    {
      namespace: cluster.namespace.namespaceName,
      clusterName: cluster.controlPlane.clusterName,
      manifest,
      version: { release: around.release, own, closure },
      image: imageOf(settings.registry, name, service),
      config,
      tokenSecretName: data.token.secretName,
      replicas: settings.services[name],
      ...(manifest.needs?.includes('store') ? { policy: storePolicy(data.store, foundation.key) } : {}),
      after: [data.clickhouse, cluster.late],
    },
    { providers: cluster.kubernetesProviders },
  );
}

/** The image that the release was made with: whoever pulls it gets these bytes or nothing. */
function imageOf(registry: string, name: string, service: ReleasedService): string {
  return `${registry}/${name}@${service.image.digest}`;
}

/** Objects are added and read, never deleted: whoever holds this role can't unmake a release. */
function storePolicy(store: ObjectStore, key: Key): Output<string> {
  return jsonStringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject'],
        Resource: store.arn.apply((arn) => `${arn}/sha256/*`),
      },
      { Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: key.arn },
    ],
  });
}

function releasedService({ release, releaseDigest }: PlatformRequest, name: DeployedService): ReleasedService {
  const service = release.services[name];
  if (service !== undefined) return service;
  throw new CommandError({
    code: 'SERVICE_NOT_RELEASED',
    message: `release ${releaseDigest} has no service "${name}", only ${Object.keys(release.services).join(', ')}`,
    hint: 'pin a release that has it: npx orrery release list',
  });
}
