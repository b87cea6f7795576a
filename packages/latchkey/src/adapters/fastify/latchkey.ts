import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Verifier } from '../../http/guard.js'
import type { Latchkey } from '../../latchkey-api.js'
import type { FastifyGuardOptions } from './guard-options.js'
import { requireAuth } from './require-auth.js'

/** Options of the plugin: which instance verifies, and those of `requireAuth`. */
export interface LatchkeyPluginOptions extends Omit<FastifyGuardOptions, 'optional'> {
  /** The object that `createLatchkey` returned. */
  readonly latchkey: Verifier<object> & Partial<Pick<Latchkey, 'close'>>
  /**
   * Closes the instance when the application closes, after its last request. Other code must not
   * use the instance then.
   *
   * @defaultValue `false`, because other code created the instance
   */
  readonly close?: boolean
}

async function register(app: FastifyInstance, pluginOptions: LatchkeyPluginOptions): Promise<void> {
  const { latchkey: instance, close = false, ...options } = pluginOptions
  if ('optional' in options) throw new TypeError('optional is no option here: use the hook app.authenticateOptional.')
  const authenticate = requireAuth(instance, options)
  const authenticateOptional = requireAuth(instance, { ...options, optional: true })
  app.decorate('authenticate', authenticate)
  app.decorate('authenticateOptional', authenticateOptional)
  // Without a declared property, V8 would give guarded requests another shape than others.
  app.decorateRequest('auth', null)
  if (close !== true) return
  if (typeof instance.close !== 'function') throw new TypeError('close needs an object that has a close().')
  app.addHook('onClose', async () => {
    await instance.close?.()
  })
}

/**
 * The Fastify plugin. It adds the hooks `app.authenticate` and `app.authenticateOptional`, and
 * declares `request.auth`. Like other plugins that add decorators, it is not encapsulated: the
 * hooks exist where it is registered and below. For several instances, register it in several
 * contexts, or use `requireAuth`.
 *
 * @example
 * ```ts
 * import fastify from 'fastify'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import latchkey from 'latchkey/fastify'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const instance = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = fastify()
 * await app.register(latchkey, { latchkey: instance, close: true })
 * app.get('/me', { onRequest: app.authenticate }, async ({ auth }) => ({ id: auth.subject }))
 * ```
 */
export const latchkey: FastifyPluginAsync<LatchkeyPluginOptions> = Object.assign(register, {
  // The symbols that fastify-plugin sets, without the dependency.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'latchkey',
  [Symbol.for('plugin-meta')]: { name: 'latchkey', fastify: '4.x || 5.x' },
})
