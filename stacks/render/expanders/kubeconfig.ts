/**
 * The access of whoever deploys, as the eks provider writes it; `of` gives an output of the cluster. The region in it is read from
 * the cluster's ARN at deployment: it is the provider's.
 */
export function kubeconfigOf(of: (path: string) => string, clusterName: unknown, region: string) {
  const cluster = { server: of('endpoint'), 'certificate-authority-data': of('certificateAuthority.data') };
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1beta1',
    command: 'aws',
    args: ['--region', region, 'eks', 'get-token', '--cluster-name', clusterName, '--output', 'json'],
    env: [{ name: 'KUBERNETES_EXEC_INFO', value: '{"apiVersion": "client.authentication.k8s.io/v1beta1"}' }],
  };
  return {
    apiVersion: 'v1',
    clusters: [{ cluster, name: 'kubernetes' }],
    contexts: [{ context: { cluster: 'kubernetes', user: 'aws' }, name: 'aws' }],
    'current-context': 'aws',
    kind: 'Config',
    users: [{ name: 'aws', user: { exec } }],
  };
}
