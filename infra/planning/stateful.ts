import type { CustomResourceOptions } from '@pulumi/pulumi';

/**
 * The options of whatever holds data or keys to data: the engine refuses to delete it, and a resource that leaves the program is
 * forgotten, not destroyed. The only place where this is decided.
 */
export function stateful(options: CustomResourceOptions): CustomResourceOptions {
  return { ...options, protect: true, retainOnDelete: true };
}
