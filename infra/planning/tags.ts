export interface TagsRequest {
  readonly environment: string;
  /** The team that answers for the bill and the pager. */
  readonly owner: string;
  readonly costCenter: string;
}

/** The five tags that everything on the bill carries. */
export function planTags({ environment, owner, costCenter }: TagsRequest): Record<string, string> {
  return { project: 'orrery', environment, owner, 'cost-center': costCenter, 'managed-by': 'pulumi' };
}
