import { jsonStringify, type Input, type Output } from '@pulumi/pulumi';

/** What a role may do, and to what. `*` as a resource stands only where AWS knows no narrower one. */
export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly Input<string>[];
  readonly condition?: Readonly<Record<string, Readonly<Record<string, Input<string> | Input<string>[]>>>>;
}

/** An IAM policy document that allows exactly this. */
export function allow(...permissions: readonly Permission[]): Output<string> {
  return jsonStringify({
    Version: '2012-10-17',
    Statement: permissions.map(({ actions, resources, condition }) => ({
      Effect: 'Allow',
      Action: actions,
      Resource: resources,
      ...(condition === undefined ? {} : { Condition: condition }),
    })),
  });
}

/** Who may take a role: one service of AWS, for example `ec2.amazonaws.com`. */
export function trust(service: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
  });
}
