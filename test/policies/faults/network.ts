import { add, mutantsOf, set, type Planting } from '../mutant.ts';

function door(spec: unknown): Planting {
  return add('kubernetes:core/v1:Service', 'door', { spec });
}

function securityGroup(ingress: unknown): Planting {
  return {
    add: { type: 'aws:ec2/securityGroup:SecurityGroup', name: 'wide', inputs: { ingress }, providers: ['aws'] },
  };
}

function listener(values: Record<string, unknown>): Planting {
  return set('gateway', { 'spec.listeners': [{ name: 'web', port: 80, ...values }] });
}

export const networkFaults = [
  ...mutantsOf('no-open-endpoint', [
    ['Redis admits all of IPv4', set('redis-from-nodes', { cidrIpv4: '0.0.0.0/0' }), 'redis-from-nodes cidrIpv4'],
    ['Redis admits all of IPv6', set('redis-from-nodes', { cidrIpv6: '::/0' }), 'redis-from-nodes cidrIpv6'],
    [
      'a security group admits the internet in two halves',
      securityGroup([{ cidrBlocks: ['10.0.0.0/8', '0.0.0.0/1', '128.0.0.0/1'] }]),
      'wide ingress[0].cidrBlocks[1]',
      'wide ingress[0].cidrBlocks[2]',
    ],
    ['a security group hides whom it admits', securityGroup('[secret]'), 'wide ingress'],
    [
      'the API of prod is public, though for one range only',
      set('cluster', { endpointPublicAccess: true, publicAccessCidrs: ['203.0.113.0/24'] }),
      'cluster endpointPublicAccess',
    ],
    [
      'the API of prod is left to the default of AWS, which is public',
      set('cluster', { endpointPublicAccess: undefined }),
      'cluster endpointPublicAccess',
    ],
    ['a load balancer has no allow list', door({ type: 'LoadBalancer' }), 'door spec.loadBalancerSourceRanges'],
    [
      'a load balancer allows everybody',
      door({ type: 'LoadBalancer', loadBalancerSourceRanges: ['0.0.0.0/0'] }),
      'door spec.loadBalancerSourceRanges[0]',
    ],
  ]),
  ...mutantsOf(
    'no-open-endpoint',
    [
      [
        'the API admits everybody',
        set('cluster', { endpointPublicAccess: true, publicAccessCidrs: ['203.0.113.0/24', '0.0.0.0/0'] }),
        'cluster publicAccessCidrs[1]',
      ],
      [
        'the API is public and names nobody, which AWS takes for everybody',
        set('cluster', { endpointPublicAccess: true }),
        'cluster publicAccessCidrs',
      ],
    ],
    'dev',
  ),
  ...mutantsOf('network-observed', [
    ['nobody writes down where packets go', { remove: 'flows' }, 'vpc flowLog'],
    ['what goes to S3 goes by NAT', set('s3', { vpcEndpointType: 'Interface' }), 'vpc s3Endpoint'],
    [
      'the default group admits its members',
      set('closed', { ingress: [{ self: true, protocol: '-1' }] }),
      'vpc defaultSecurityGroup',
    ],
    [
      'machines stand on the internet',
      set('private-a', { mapPublicIpOnLaunch: true }),
      'private-a mapPublicIpOnLaunch',
    ],
  ]),
  ...mutantsOf('gateways-encrypted', [
    ['a listener speaks plain HTTP', listener({ protocol: 'HTTP' }), 'gateway spec.listeners[0].protocol'],
    ['a listener has no certificate', listener({ protocol: 'HTTPS' }), 'gateway spec.listeners[0].tls.certificateRefs'],
    [
      'an Ingress has no certificate',
      add('kubernetes:networking.k8s.io/v1:Ingress', 'web', { spec: { rules: [] } }),
      'web spec.tls',
    ],
  ]),
  ...mutantsOf('encrypted-in-transit', [
    ['the store answers plain HTTP', set('store-policy', { policy: '{"Statement":[]}' }), 'store-bucket policy'],
    ['a queue has no policy', { remove: 'arrivals-policy' }, 'arrivals policy'],
    [
      'Redis speaks without TLS',
      set('redis-state-group', { transitEncryptionEnabled: false }),
      'redis-state-group transitEncryptionEnabled',
    ],
    [
      'Redis lets clients choose',
      set('redis-cache-group', { transitEncryptionMode: 'preferred' }),
      'redis-cache-group transitEncryptionMode',
    ],
    [
      'MSK lets clients choose',
      set('brokers', { 'encryptionInfo.encryptionInTransit.clientBroker': 'TLS_PLAINTEXT' }),
      'brokers encryptionInfo.encryptionInTransit.clientBroker',
    ],
    [
      'Kafka listens without TLS',
      set('kafka', { 'spec.kafka.listeners[0].tls': false }),
      'kafka spec.kafka.listeners[0].tls',
    ],
    [
      'a load balancer answers plain HTTP',
      {
        add: {
          type: 'aws:lb/listener:Listener',
          name: 'plain',
          inputs: { protocol: 'HTTP', defaultActions: [{ type: 'forward' }] },
          providers: ['aws'],
        },
      },
      'plain protocol',
    ],
  ]),
];
