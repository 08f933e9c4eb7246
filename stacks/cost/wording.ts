import type { Price, PriceUnit } from '#infra/planning/prices.ts';
import type { CostLine } from './estimate.ts';

/** What a key without its region is called, where the key alone does not say it. */
const words: Readonly<Record<string, string>> = {
  'aws:eks/cluster': 'control plane',
  'cloudwatch:alarm': 'metric of an alarm',
  'cloudwatch:metric': 'metric',
  'dynamodb:backup': 'table, point-in-time backup',
  'dynamodb:reads': 'table, reads',
  'dynamodb:storage': 'table, what lies in it',
  'dynamodb:writes': 'table, writes',
  'ebs:gp3': 'GiB of disk',
  'ec2:nat-gateway': 'NAT gateway',
  'ec2:nat-gateway-data': 'NAT gateway, what passes',
  'ec2:public-ipv4': 'public address',
  'ecr:storage': 'images kept',
  'elb:alb': 'load balancer',
  'elb:alb-capacity': 'load balancer, a unit of its capacity',
  'elb:nlb': 'network load balancer',
  'elb:nlb-capacity': 'network load balancer, a unit of its capacity',
  'emr-containers:core': 'Spark, a core',
  'emr-containers:memory': 'Spark, a GiB of memory',
  'inspector:image': 'scan of an image',
  'inspector:rescan': 'scan of an image again',
  'kms:key': 'KMS key',
  'kms:requests': 'KMS key, requests',
  'logs:ingest': 'logs, intake',
  'logs:storage': 'logs kept',
  'msk:storage': 'GiB of disk of a broker',
  'rds:backup': 'database backups beyond its size',
  'rds:gp3': 'GiB of disk of a database',
  's3:requests': 'bucket, requests that write',
  's3:standard': 'bucket, what lies in it',
  'secretsmanager:secret': 'secret',
  'sns:mail': 'mails',
  'sqs:requests': 'queue, requests',
  'vpc:interface-endpoint': 'interface endpoint in a zone',
  'vpc:interface-endpoint-data': 'interface endpoint, what passes',
};

const region = /^[a-z]{2}(-[a-z]+)+-\d$/;
const services = new Set(['ec2', 'elasticache', 'msk', 'rds']);

/** What a key of the price list stands for: `ec2:eu-west-1:m7i.xlarge:on-demand` is `m7i.xlarge on demand`. */
export function keyInWords(key: string): string {
  const parts = key.split(':').filter((part) => !region.test(part));
  const known = words[parts.join(':')];
  if (known !== undefined) return known;
  const [first = '', ...rest] = parts;
  return (services.has(first) ? rest : parts).join(' ').replace('on-demand', 'on demand');
}

/** An amount and what of: `3 to 6 x m7i.xlarge on demand`, `0 to 3 x t3.xlarge spot or 2 others`, `100 GiB of disk`. */
export function lineInWords({ keys, least, most }: CostLine): string {
  const [first = ''] = keys;
  const what = keyInWords(first);
  const others = keys.length > 1 ? ` or ${keys.length - 1} ${keys.length > 2 ? 'others' : 'other'}` : '';
  const range = least === most ? amount(least) : `${amount(least)} to ${amount(most)}`;
  return `${range}${what.startsWith('GiB') ? '' : ' x'} ${what}${others}`;
}

const unitInWords: Readonly<Record<PriceUnit, string>> = {
  hour: 'an hour',
  month: 'a month',
  'GiB-month': 'a GiB and month',
  GiB: 'a GiB',
  million: 'a million',
  each: 'each',
};

/** For example `0.57 USD a GiB, an estimate`. */
export function unitPrice({ usd, unit, estimate }: Price): string {
  return `${usd} USD ${unitInWords[unit]}${estimate ? ', an estimate' : ''}`;
}

/** A quantity without false precision. */
export function amount(quantity: number): string {
  return String(Math.round(quantity * 10) / 10);
}
