/** Bends the arguments of one child of a component, where a user has a reason that no argument of the component foresees. */
export type Transform<T> = (args: T) => T;
