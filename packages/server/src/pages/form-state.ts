/** The values of a form and the faults of its last use. */
export interface FormState {
  /** By the names of the fields. */
  readonly values: Readonly<Record<string, string>>
  /** The message beside each faulty field. */
  readonly errors: Readonly<Record<string, string>>
  /** The message above the form. */
  readonly alert?: string | undefined
  /** The code of the refusal. */
  readonly code?: string | undefined
}

/** A form that was not sent yet. */
export const freshForm: FormState = { values: {}, errors: {} }
