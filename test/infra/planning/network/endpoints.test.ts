import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planEndpoints, type InterfaceService } from '#infra/planning/network/endpoints.ts';

const needed: InterfaceService[] = ['ec2', 'ecr.api', 'ecr.dkr', 'eks', 'eks-auth', 'sqs', 'ssm', 'sts'];
const region = 'eu-west-1';

function refused(error: unknown): boolean {
  return error instanceof PlanError && error.code === 'ENDPOINTS_INVALID';
}

describe('planning the endpoints of a network', () => {
  it('has the free gateways always, and the interfaces that are asked for', () => {
    assert.deepEqual(planEndpoints({ region, nat: 'single', interfaceEndpoints: ['sqs', 'ecr.api'] }), [
      { service: 's3', serviceName: 'com.amazonaws.eu-west-1.s3', type: 'Gateway' },
      { service: 'dynamodb', serviceName: 'com.amazonaws.eu-west-1.dynamodb', type: 'Gateway' },
      { service: 'sqs', serviceName: 'com.amazonaws.eu-west-1.sqs', type: 'Interface' },
      { service: 'ecr.api', serviceName: 'com.amazonaws.eu-west-1.ecr.api', type: 'Interface' },
    ]);
  });

  it('refuses a network without NAT in which nodes lack any one of those that they need', () => {
    assert.equal(planEndpoints({ region, nat: 'none', interfaceEndpoints: needed }).length, 10);
    for (const missing of needed) {
      const interfaceEndpoints = needed.filter((service) => service !== missing);
      assert.throws(() => planEndpoints({ region, nat: 'none', interfaceEndpoints }), refused, missing);
      assert.equal(planEndpoints({ region, nat: 'regional', interfaceEndpoints }).length, 9);
    }
  });

  it('refuses one that is named twice', () => {
    assert.throws(() => planEndpoints({ region, nat: 'single', interfaceEndpoints: ['sqs', 'sqs'] }), refused);
  });
});
