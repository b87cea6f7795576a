import { Inject } from '@nestjs/common'

/**
 * The token of the `Latchkey` that the module provides, for `app.get(LATCHKEY)`, `inject` of
 * factories, and `overrideProvider(LATCHKEY)` in tests.
 */
export const LATCHKEY: symbol = Symbol.for('latchkey')

/** The token of the options of the module. */
export const MODULE_OPTIONS: symbol = Symbol.for('latchkey.nest.options')

/**
 * Injects the `Latchkey` of the module.
 *
 * @example
 * ```ts
 * import type { Latchkey } from 'latchkey'
 * import { InjectLatchkey } from 'latchkey/nest'
 *
 * export class SignIn {
 *   constructor(@InjectLatchkey() private readonly latchkey: Latchkey) {}
 *
 *   async tokenFor(user: string): Promise<string> {
 *     return (await this.latchkey.issue({ subject: user })).token
 *   }
 * }
 * ```
 */
export function InjectLatchkey(): ParameterDecorator & PropertyDecorator {
  return Inject(LATCHKEY)
}
