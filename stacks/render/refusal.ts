/** What a render refuses, in words that cross from the child to whoever asked. */
export interface RefusalDetails {
  /** Stable name by which programs and tests know it, for example `RESOURCE_OPAQUE`. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** The resource that was being asked for. */
  readonly urn?: string;
  /** The input at fault, as a JSON pointer such as `/tags/created`. */
  readonly property?: string;
}

/** A program asked for something that has no place in a render. It ends the render: a program can't catch it and go on. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly details: RefusalDetails;

  constructor(details: RefusalDetails) {
    super(details.message);
    this.details = details;
  }
}
