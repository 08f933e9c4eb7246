/** The URN of a provider, which requests refer to as `urn::id`; its id is a mark and holds no `::`. */
export function urnOfReference(reference: string): string {
  return reference.slice(0, reference.lastIndexOf('::'));
}
