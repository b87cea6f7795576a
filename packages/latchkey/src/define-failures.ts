/** One cause of failure: its HTTP status, message and hint. */
export interface Failure {
  /** The HTTP status of the response. */
  readonly status: number
  /** The fault, in one sentence. It never contains a token, a secret or a value of the request. */
  readonly message: string
  /** The next step, in one sentence. */
  readonly hint: string
  /**
   * The `error` of the `WWW-Authenticate: Bearer` challenge (RFC 6750 §3.1, RFC 9470 §3); `null`
   * for a challenge without an error code (RFC 6750 §3).
   */
  readonly challenge?:
    | 'invalid_request'
    | 'invalid_token'
    | 'insufficient_scope'
    | 'insufficient_user_authentication'
    | null
  /** Further headers of the response. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Details of one failure. */
export interface FailureOptions extends ErrorOptions {
  /** The required scope, for the challenge (RFC 6750 §3). */
  readonly scope?: string
  /**
   * Further parameters of the challenge by their names, such as `max_age` (RFC 9470 §3). A value is
   * visible ASCII and spaces, without quote and backslash.
   */
  readonly challengeParameters?: Readonly<Record<string, string>>
  /** Seconds after which a retry may succeed, for the `Retry-After` header (RFC 9110 §10.2.3). */
  readonly retryAfterSec?: number
  /** The name of the missing or invalid part, such as a claim. It is appended to the message. */
  readonly detail?: string
  /** Replaces the hint of the table by a more exact one. */
  readonly hint?: string
  /** Further members of the problem document (RFC 9457 §3.2), by their names there. */
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** The codes of a table, such as `'token_expired' | 'token_revoked'`. */
export type CodeOf<Table> = keyof Table & string

/**
 * The result of `defineFailures`: the class of the errors, and the functions that create and
 * recognise them.
 */
export interface Failures<Table extends Readonly<Record<string, Failure>>> {
  readonly table: Table
  /** The class of the errors. */
  readonly Error: new (
    code: CodeOf<Table>,
    options?: FailureOptions,
  ) => FailureError<CodeOf<Table>, Table[CodeOf<Table>]>
  /**
   * Returns an error without a stack trace. Refusals are frequent and must be cheap, and the code
   * identifies the cause without a trace.
   */
  readonly refusal: (code: CodeOf<Table>, options?: FailureOptions) => FailureError<CodeOf<Table>, Table[CodeOf<Table>]>
  /**
   * Returns whether an error was created from a table of this name, in any copy of this package.
   */
  readonly is: (error: unknown) => error is FailureError<CodeOf<Table>, Table[CodeOf<Table>]>
}

const brand = Symbol.for('latchkey.failure')
const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

/**
 * An error with a stable `code`, defined in a table of failures. Fastify, Express, Koa and
 * http-errors use its `statusCode` and `headers` without further code.
 *
 * @example
 * if (error instanceof FailureError) console.error(error.code, error.hint)
 */
export abstract class FailureError<Code extends string = string, Entry extends Failure = Failure> extends Error {
  readonly code: Code
  readonly status: number
  readonly statusCode: number
  /** The next step, in one sentence. */
  readonly hint: string
  /** Headers of the response, such as the `WWW-Authenticate` challenge and `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>
  /** Further members of the problem document (RFC 9457 §3.2). */
  declare readonly extensions?: Readonly<Record<string, unknown>>
  /** The entry of the table. */
  declare readonly failure: Entry

  /**
   * Makes `instanceof FailureError` true for the failures of every copy of this package in the
   * process: an application of ES modules with a plugin in CommonJS has two.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: subclasses inherit this method.
    return this === FailureError ? isFailure(value) : isInstance(this, value)
  }

  constructor(code: Code, failure: Entry, defaultHeaders: Readonly<Record<string, string>>, options: FailureOptions) {
    const { scope, challengeParameters, detail, retryAfterSec, hint, extensions } = options
    super(detail === undefined ? failure.message : `${failure.message.slice(0, -1)}: ${detail}.`, options)
    this.code = code
    this.status = failure.status
    this.statusCode = failure.status
    this.hint = hint ?? failure.hint
    const hasDefaultHeaders =
      scope === undefined && challengeParameters === undefined && detail === undefined && retryAfterSec === undefined
    this.headers = hasDefaultHeaders ? defaultHeaders : headersOf(failure, this.message, options)
    if (extensions !== undefined) this.extensions = extensions
  }
}

/**
 * Defines the failures of one area: their codes, HTTP responses and messages. A code is never
 * renamed, and a retired one never reused.
 *
 * @param name The `name` of the errors. It identifies errors of the area, also those of another
 * copy of the package in the same process.
 * @param table The failures by their codes. Entries may have further members, which `error.failure`
 * returns.
 * @returns the class of the errors and the functions that create and recognise them
 * @example
 * ```ts
 * import { defineFailures } from 'latchkey'
 *
 * const orders = defineFailures('OrderError', {
 *   order_unknown: { status: 404, message: 'There is no such order.', hint: 'Check the ID.' },
 * })
 * throw orders.refusal('order_unknown')
 * ```
 */
export function defineFailures<const Table extends Readonly<Record<string, Failure>>>(
  name: string,
  table: Table,
): Failures<Table> {
  type Code = CodeOf<Table>
  const defaultHeaders = new Map<string, Readonly<Record<string, string>>>(
    Object.entries(table).map(([code, failure]) => [code, Object.freeze(headersOf(failure, failure.message, {}))]),
  )

  class DefinedError extends FailureError<Code, Table[Code]> {
    static override [Symbol.hasInstance](value: unknown): boolean {
      // biome-ignore lint/complexity/noThisInStatic: a class of the application may extend this one.
      return this === DefinedError ? nameOf(value) === name : isInstance(this, value)
    }

    constructor(code: Code, options: FailureOptions = {}) {
      super(code, table[code], defaultHeaders.get(code) ?? noHeaders, options)
    }
  }
  // On the prototype, because defining them on each error takes a third of its cost, and an
  // attacker can cause many refusals.
  Object.defineProperties(DefinedError.prototype, {
    name: { value: name, configurable: true, writable: true },
    [brand]: { value: name },
    failure: {
      get(this: DefinedError) {
        return table[this.code]
      },
    },
  })
  Object.defineProperty(DefinedError, 'name', { value: name })

  return {
    table,
    Error: DefinedError,
    refusal: (code, options) => {
      const limit = Error.stackTraceLimit
      Error.stackTraceLimit = 0
      try {
        return new DefinedError(code, options)
      } finally {
        Error.stackTraceLimit = limit
      }
    },
    is: (error): error is DefinedError => nameOf(error) === name,
  }
}

/**
 * Returns whether an error was created from any table of failures, in any copy of this package.
 *
 * @returns `true` for such an error
 * @example
 * if (isFailure(error)) res.status(error.status).json({ code: error.code })
 */
export function isFailure(error: unknown): error is FailureError {
  return nameOf(error) !== undefined
}

/** Returns what `instanceof` returns for a class without a method of its own. */
function isInstance(type: unknown, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(type, value)
}

function nameOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && brand in error ? error[brand] : undefined
}

function headersOf(
  { challenge, headers }: Failure,
  message: string,
  { scope, challengeParameters, retryAfterSec }: FailureOptions,
): Readonly<Record<string, string>> {
  if (challenge === undefined && headers === undefined && retryAfterSec === undefined) {
    return noHeaders
  }
  const parameters = scope === undefined ? challengeParameters : { scope, ...challengeParameters }
  return {
    ...headers,
    ...(challenge === undefined ? {} : { 'WWW-Authenticate': challengeOf(challenge, message, parameters) }),
    ...(retryAfterSec === undefined ? {} : { 'Retry-After': String(retryAfterSec) }),
  }
}

function challengeOf(
  challenge: string | null,
  message: string,
  parameters: Readonly<Record<string, string>> = {},
): string {
  if (challenge === null) return 'Bearer'
  const more = Object.entries(parameters).map(([name, value]) => `, ${name}="${value}"`)
  return `Bearer error="${challenge}", error_description="${message}"${more.join('')}`
}
