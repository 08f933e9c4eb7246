import Type, { type Static } from 'typebox';
import { closed, Text } from './fields.ts';

/** Whose cloud it is, and who answers for it. */
export const accountSettings = {
  region: Text('^[a-z]{2}(-[a-z]+)+-\\d$', 'an AWS region such as eu-west-1'),
  account: Type.Object(
    {
      alias: Text('^[a-z0-9-]{3,63}$', 'the name by which people know the AWS account'),
      id: Text('^\\d{12}$', 'the twelve digits of the AWS account, in quotes'),
    },
    closed,
  ),
  tags: Type.Object(
    {
      owner: Text('^[a-z0-9-]{2,40}$', 'the team that answers for the bill and the pager'),
      costCenter: Text('^[a-z0-9-]{2,40}$', 'whom the bill is charged to'),
    },
    closed,
  ),
};
export type AccountSettings = Static<ReturnType<typeof Type.Object<typeof accountSettings>>>;
